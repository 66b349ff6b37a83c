"""Who speaks: every synthetic speaker by name, and which side of the train/test split it is on.

A voice is a string, "engine/speaker": "kokoro/af_bella", "kokoro/af_bella+am_adam" (the average of two styles),
"flite/slt-s115-p120" (speaking 1.15 times as long at 1.2 times the pitch), "espeak/en-us+f3". Read `user_voices` and
`split_of` first. Splits are by speaker: no style, mix or variant of a test speaker is
trained on.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import soxr

from duologue.data.script import Word
from duologue.turn import SAMPLE_RATE_HZ

OWN = "kokoro/af_heart"
RESERVED = frozenset({"kokoro/af_nova", "kokoro/am_liam", "kokoro/bf_lily", "kokoro/bm_daniel"})

KOKORO_TEST = ("af_aoede", "af_kore", "am_michael", "am_puck", "bf_emma", "bm_george")
SPANISH_TEST = ("kokoro/em_santa", "espeak/es+Andrea", "espeak/es+pedro")  # native; they say nothing but Spanish
ESTEFANIA = "tuxpaint/estefania"  # recorded Spanish (`recorded_spanish`): trained on, asked to say nothing
KOKORO_ENGLISH = (
    "af_alloy af_bella af_jessica af_nicole af_river af_sarah af_sky am_adam am_echo am_eric am_fenrir am_onyx am_santa "
    "bf_alice bf_isabella bm_fable bm_lewis"
).split()
KOKORO_ACCENTED = (
    "ef_dora em_alex em_santa ff_siwis hf_alpha hf_beta hm_omega hm_psi if_sara im_nicola jf_alpha jf_gongitsune "
    "jf_nezumi jf_tebukuro jm_kumo pf_dora pm_alex pm_santa zf_xiaobei zf_xiaoni zf_xiaoxiao zf_xiaoyi zm_yunjian "
    "zm_yunxi zm_yunxia zm_yunyang"
).split()
# Whisper tiny.en mishears over a third of these styles' English words (the others: under a quarter, digits counted)
UNCLEAR = ("zf_xiaoxiao", "zf_xiaoyi", "zm_yunxia")
MIXES = 160

STRETCHES_AND_PITCHES = ((100, 100), (85, 108), (120, 92), (92, 120), (108, 85))
ESPEAK_VOICES = (
    "en-us+f1 en-us+f3 en-us+f5 en-us+m1 en-us+m3 en-us+m7 en+f2 en+f4 en+m2 en+m4 en-gb-scotland+m5 "
    "en-gb-scotland+f2 en-gb-x-rp+m6 en-gb-x-rp+f1 en-us-nyc+m2 en-029+f3"
).split()


class Spoken(NamedTuple):
    """What an engine returns for one text: float32 mono 16 kHz, trimmed and levelled, and one `Word` a spoken word."""

    pcm_S: np.ndarray
    words: tuple[Word, ...]


Speaker = Callable[..., list[Spoken | None]]  # (texts, voice, speed), and the language where it is not English


def kokoro_mixes() -> list[str]:
    """Pairs of train styles, each pair at another distance in the list so that no two are alike."""
    styles = [*KOKORO_ENGLISH, *KOKORO_ACCENTED]
    pairs = [(i % len(KOKORO_ENGLISH), (3 * i + 5 + i // len(KOKORO_ENGLISH)) % len(styles)) for i in range(3 * MIXES)]
    names = dict.fromkeys("+".join(sorted({styles[a], styles[b]})) for a, b in pairs if a != b)
    return list(names)[:MIXES]


def _variants(speakers: Sequence[str]) -> list[str]:
    return [f"{name}-s{stretch}-p{pitch}" for name in speakers for stretch, pitch in STRETCHES_AND_PITCHES]


def _for_tests(style: str) -> bool:
    return any(f"kokoro/{name}" in SPANISH_TEST for name in style.split("+"))


TRAIN = {
    "kokoro": [name for name in (*KOKORO_ENGLISH, *KOKORO_ACCENTED, *kokoro_mixes()) if name not in UNCLEAR and not _for_tests(name)],
    "flite": _variants(["slt", "awb", "kal16"]),
    "festival": _variants(["kal", "slt"]),
    "espeak": ESPEAK_VOICES,
}
TEST = {"kokoro": list(KOKORO_TEST), "flite": ["rms-s100-p100"], "festival": ["ked-s100-p100"], "espeak": []}
for _voice in SPANISH_TEST:
    TEST[_voice.split("/")[0]].append(_voice.split("/")[1])


def user_voices(split: str, engine: str | None = None) -> list[str]:
    """All user voices of "train" or "test", of one engine or of all; never the own voice, never a reserved one."""
    side = TRAIN if split == "train" else TEST
    return [f"{e}/{name}" for e, names in side.items() if engine in (None, e) for name in names]


ROMANCE = ("e", "f", "i", "p")  # first letters of Kokoro's styles from Spanish, French, Italian and Portuguese speakers


def speaks(voice: str, language: str) -> bool:
    """Whether a voice is asked to speak a language ("en", "es"): English all but SPANISH_TEST, Spanish these, espeak-ng's variants,
    Kokoro's Romance styles with their mixes and, so that tests have more, its test styles."""
    engine, name = voice.split("/")
    if voice in SPANISH_TEST:
        return language == "es"
    if language == "en" or engine == "espeak":
        return True
    return engine == "kokoro" and (name in KOKORO_TEST or any(style.startswith(ROMANCE) for style in name.split("+")))


_SPLITS = {OWN: "own", ESTEFANIA: "train"} | {voice: split for split in ("train", "test") for voice in user_voices(split)}


RECORDED, UNHEARD = "recorded", "unheard"  # "engines" of people's recordings (`recordings`): what is trained on, what is not


def split_of(voice: str) -> str:
    """"train" or "test" for a user voice, "own" for the model's own, "none" for one that nobody may use."""
    return {RECORDED: "train", UNHEARD: "test"}.get(voice.split("/")[0]) or _SPLITS.get(voice, "none")


FRAME = SAMPLE_RATE_HZ // 100
LEVEL_DBFS = -23.0
SOUND_BELOW_LOUD_DB = 38.0
QUIETEST_DBFS = -65.0  # what is not above it is no sound


def frame_db(pcm_S: np.ndarray) -> np.ndarray:
    """Level of every 10 ms in dBFS."""
    frames = pcm_S[: len(pcm_S) // FRAME * FRAME].reshape(-1, FRAME)
    return 10 * np.log10(np.mean(frames**2, axis=1) + 1e-10)


def sound_span(pcm_S: np.ndarray) -> tuple[int, int]:
    """First and one-past-last sample of 10 ms frames no more than SOUND_BELOW_LOUD_DB under the loud ones; (0, 0) if none."""
    level = frame_db(pcm_S)
    if not len(level) or level.max() <= QUIETEST_DBFS:
        return 0, 0
    audible = np.flatnonzero(level > max(np.percentile(level, 95) - SOUND_BELOW_LOUD_DB, QUIETEST_DBFS))
    return int(audible[0]) * FRAME, int(audible[-1] + 1) * FRAME


def levelled(pcm_S: np.ndarray) -> np.ndarray:
    """Scaled so that the frames within 25 dB of the loud ones have LEVEL_DBFS rms, peaks kept under 0.98."""
    level = frame_db(pcm_S)
    active = level[level > np.percentile(level, 95) - 25]
    gain = 10 ** ((LEVEL_DBFS - 10 * np.log10(np.mean(10 ** (active / 10)))) / 20)
    return (pcm_S * min(gain, 0.98 / max(np.abs(pcm_S).max(), 1e-6))).astype(np.float32)


def finished(pcm_S: np.ndarray, rate_hz: int, words: Sequence[Word], margin_s: float = 0.02) -> Spoken | None:
    """Resampled, trimmed to `margin_s` around the sound, levelled, word times moved along; None when there is no sound."""
    pcm_S = pcm_S if rate_hz == SAMPLE_RATE_HZ else soxr.resample(pcm_S, rate_hz, SAMPLE_RATE_HZ)
    begin, end = sound_span(pcm_S)
    if end - begin < 5 * FRAME or not words:
        return None
    margin = int(margin_s * SAMPLE_RATE_HZ)
    begin, end = max(0, begin - margin), min(len(pcm_S), end + margin)
    shift, longest = begin / SAMPLE_RATE_HZ, (end - begin) / SAMPLE_RATE_HZ
    moved = [w.moved(-shift).within(longest) for w in words]
    if any(w.end_s - w.start_s < 0.01 for w in moved):
        return None
    return Spoken(levelled(pcm_S[begin:end]), tuple(moved))
