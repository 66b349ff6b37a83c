"""The small classic engines, many times faster than real time: flite, festival, espeak-ng, with word times.

Debian packages flite, festival (voices kal, ked, slt-hts) and espeak-ng; flite and espeak-ng are called in this process
through their shared libraries. Read `speak_flite` first; all three have the form of `voices.Speaker`.
"""

import ctypes
import re
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile

from duologue.data.bank import spoken_words
from duologue.data.script import Word
from duologue.data.voices import Spoken, finished
from duologue.errors import ConfigError

Timed = tuple[str, float, float]


def _variant(voice: str) -> tuple[str, float, float]:
    """"flite/slt-s115-p120" -> ("slt", 1.15, 1.2): speaker, how many times as long, how many times the pitch."""
    name, stretch, pitch = re.fullmatch(r"[a-z]+/(.+)-s(\d+)-p(\d+)", voice).groups()
    return name, int(stretch) / 100, int(pitch) / 100


def words_of_tokens(text: str, tokens: Sequence[Timed]) -> list[Word] | None:
    """The words of a text timed by an engine's own tokens ("it", "'s"); None when the letters differ."""
    rest = [(re.sub("[^a-z]", "", name.lower()), start, end) for name, start, end in tokens]
    rest = [token for token in rest if token[0]][::-1]
    words = []
    for word in spoken_words(text):
        letters, taken = word.replace("'", ""), []
        while rest and letters.startswith(rest[-1][0]):
            taken.append(rest.pop())
            letters = letters.removeprefix(taken[-1][0])
        if letters or not taken:
            return None
        words.append(Word(word, taken[0][1], taken[-1][2]))
    return None if rest else words


def _library(name: str, mode: int = ctypes.RTLD_GLOBAL) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(name, mode=mode)
    except OSError as error:
        raise ConfigError(f"{error}: apt install flite espeak-ng festival") from None


def _file(name: str) -> str:
    """The system's own file of a library. By its bare name the loader gives one of that name that is loaded already: misaki's own
    espeak-ng, which has its data elsewhere, and neither of the two would speak any more."""
    places = (path for root in ("/usr/local/lib", "/usr/lib", "/lib") for path in (Path(root, name), *Path(root).glob(f"*/{name}")))
    return str(next((path for path in places if path.exists()), name))


class _Wave(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_char_p),
        ("rate_hz", ctypes.c_int),
        ("samples", ctypes.c_int),
        ("channels", ctypes.c_int),
        ("data", ctypes.POINTER(ctypes.c_short)),
    ]


class _FliteVoice(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("features", ctypes.c_void_p)]


@cache
def _flite() -> ctypes.CDLL:
    pointer, text, real = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_float
    library = _library("libflite.so.1")
    for name, result, arguments in (
        ("flite_synth_text", pointer, (text, pointer)),
        ("utt_relation", pointer, (pointer, text)),
        ("relation_head", pointer, (pointer,)),
        ("item_next", pointer, (pointer,)),
        ("ffeature_string", text, (pointer, text)),
        ("ffeature_float", real, (pointer, text)),
        ("utt_wave", ctypes.POINTER(_Wave), (pointer,)),
        ("delete_utterance", None, (pointer,)),
        ("feat_set_float", None, (pointer, text, real)),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    library.flite_init()
    return library


@cache
def _flite_voice(name: str):
    register = getattr(_library(f"libflite_cmu_us_{name}.so.1"), f"register_cmu_us_{name}")
    register.restype, register.argtypes = ctypes.POINTER(_FliteVoice), [ctypes.c_char_p]
    return register(None)


FIRST_PHONE, LAST_PHONE = b"R:SylStructure.daughter1.daughter1.R:Segment", b"R:SylStructure.daughtern.daughtern.R:Segment"
KAL_F0_HZ = 95.0


def speak_flite(texts: Sequence[str], voice: str, speed: float = 1.0) -> list[Spoken | None]:
    """Each text by a flite voice; the ends of the phones give the word times."""
    name, stretch, pitch = _variant(voice)
    flite, speaker = _flite(), _flite_voice(name)
    features = speaker.contents.features
    flite.feat_set_float(features, b"duration_stretch", stretch / speed)
    if name == "kal16":
        flite.feat_set_float(features, b"int_f0_target_mean", KAL_F0_HZ * pitch)
    else:
        flite.feat_set_float(features, b"f0_shift", pitch)
    return [_flite_one(flite, speaker, text) for text in texts]


def _flite_one(flite: ctypes.CDLL, speaker, text: str) -> Spoken | None:
    utterance = flite.flite_synth_text(text.encode("ascii", "ignore"), speaker)
    tokens, item = [], flite.relation_head(flite.utt_relation(utterance, b"Word"))
    while item:
        start, end = (flite.ffeature_float(item, path) for path in (FIRST_PHONE + b".p.end", LAST_PHONE + b".end"))
        tokens.append((flite.ffeature_string(item, b"name").decode(), start, end))
        item = flite.item_next(item)
    wave = flite.utt_wave(utterance).contents
    pcm_S, rate_hz = np.ctypeslib.as_array(wave.data, (wave.samples,)).astype(np.float32) / 32768, wave.rate_hz
    flite.delete_utterance(utterance)
    words = words_of_tokens(text, tokens)
    return words and finished(pcm_S, rate_hz, words)


FESTIVAL_VOICES = {"kal": "kal_diphone", "ked": "ked_diphone", "slt": "cmu_us_slt_arctic_hts"}
FESTIVAL_BASE_HZ = 105
HANGS_S = 300


def speak_festival(texts: Sequence[str], voice: str, speed: float = 1.0) -> list[Spoken | None]:
    """Each text by a festival voice; one festival process a call."""
    name, stretch, pitch = _variant(voice)
    head = (
        f"(voice_{FESTIVAL_VOICES[name]}) (Parameter.set 'Duration_Stretch {stretch / speed:.3f})"
        f"(set! int_lr_params '((target_f0_mean {FESTIVAL_BASE_HZ * pitch:.0f}) (target_f0_std 14)"
        " (model_f0_mean 170) (model_f0_std 34)))\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        waves = [Path(folder) / f"{k}.wav" for k in range(len(texts))]
        program = head + "".join(_festival_program(*pair) for pair in zip(texts, waves, strict=True))
        printed = _festival(program).split("(next)")[1:]
        printed += [""] * (len(texts) - len(printed))
        return [_festival_result(*triple) for triple in zip(texts, waves, printed, strict=True)]


def _festival(program: str) -> str:
    """What festival prints while it runs a program; what it printed so far when it hangs, as it does on rare words."""
    try:
        run = subprocess.run(["festival", "--pipe"], input=program, capture_output=True, text=True, timeout=HANGS_S)
    except subprocess.TimeoutExpired as hung:
        return (hung.stdout or b"").decode()
    except OSError:
        raise ConfigError("festival is missing: apt install festival festvox-kallpc16k festvox-kdlpc16k") from None
    return run.stdout


def _festival_program(text: str, wave: Path) -> str:
    plain = re.sub(r"[^A-Za-z0-9 ,.;?!']", " ", text)
    return (
        f'(format t "(next)\\n") (set! u (utt.synth (Utterance Text "{plain}"))) (utt.save.wave u "{wave}" \'riff)'
        "(mapcar (lambda (w) (format t \"%s %s %s\\n\" (item.name w) (item.feat w 'word_start)"
        " (item.feat w 'word_end))) (utt.relation.items u 'Word))\n"
    )


def _festival_result(text: str, wave: Path, printed: str) -> Spoken | None:
    tokens = [(m[1], float(m[2]), float(m[3])) for m in re.finditer(r"(?m)^(\S+) ([\d.]+) ([\d.]+)$", printed)]
    words = words_of_tokens(text, tokens)
    if not words or not wave.exists():
        return None
    return finished(*soundfile.read(wave, dtype="float32"), words)


ESPEAK_WORD = 1
SYNCHRONOUS, CHARS_UTF8, POS_CHARACTER = 2, 1, 1
RATE = 1


class _EspeakEvent(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    ]


Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_EspeakEvent))


@cache
def _espeak() -> tuple[ctypes.CDLL, int]:
    """The library and its sample rate."""
    library = _library(_file("libespeak-ng.so.1"), ctypes.RTLD_LOCAL)
    return library, library.espeak_Initialize(SYNCHRONOUS, 0, None, 0)


def speak_espeak(texts: Sequence[str], voice: str, speed: float = 1.0, language: str = "en") -> list[Spoken | None]:
    """Each text by an espeak-ng voice and variant ("espeak/en-gb+f3"); word events give the starts of words.

    Another `language` is spoken by the same variant.
    """
    library, _ = _espeak()
    name = voice.removeprefix("espeak/")
    name = name if language == "en" else f"{language}+{name.partition('+')[2]}"
    if library.espeak_SetVoiceByName(name.encode()):
        raise ConfigError(f"espeak-ng has no voice {voice}")
    library.espeak_SetParameter(RATE, int(160 * speed), 0)
    return [_espeak_one(text.replace("’", "'")) for text in texts]


def _espeak_one(text: str) -> Spoken | None:
    library, rate_hz = _espeak()
    sounds, starts = [], []

    def take(wave, samples, events):
        if samples > 0:
            sounds.append(np.ctypeslib.as_array(wave, (samples,)).copy())
        k = 0
        while events[k].type:
            if events[k].type == ESPEAK_WORD:
                starts.append((events[k].text_position - 1, events[k].sample / rate_hz))
            k += 1
        return 0

    callback, raw = Callback(take), text.encode()
    library.espeak_SetSynthCallback(callback)
    library.espeak_Synth(raw, len(raw) + 1, 0, POS_CHARACTER, 0, CHARS_UTF8, None, None)
    if not sounds or not starts:
        return None
    pcm_S = np.concatenate(sounds).astype(np.float32) / 32768
    return finished(pcm_S, rate_hz, words_of_events(text, starts, len(pcm_S) / rate_hz))


def words_of_events(text: str, starts: Sequence[tuple[int, float]], end_s: float) -> list[Word]:
    """Words from (character, seconds) events; words run together without an event share their time by letters."""
    spans = [m.span() for m in re.finditer(r"[a-záéíóúüñ]+(?:'[a-z]+)*", text.lower())]
    first_s: dict[int, float] = {}
    for position, second in starts:
        first_s.setdefault(next((k for k, (_, b) in enumerate(spans) if b > position), len(spans) - 1), second)
    first_s[0] = 0.0
    heads = [*sorted(first_s), len(spans)]
    edges = [first_s[k] for k in heads[:-1]] + [end_s]
    times = []
    for (a, b), begin, end in zip(pairwise(heads), edges, edges[1:], strict=False):
        letters = np.cumsum([0, *(spans[k][1] - spans[k][0] for k in range(a, b))])
        times += list(begin + (end - begin) * letters / letters[-1])[:-1]
    return [Word(word, *pair) for word, pair in zip(spoken_words(text), pairwise([*times, end_s]), strict=True)]
