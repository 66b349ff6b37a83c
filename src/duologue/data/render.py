"""Scripts to training turns: what arrives at the model, and what it should do in each turn. Read `render` first.

Order: voices are warped, speeches placed on the world's clock, sent through the channel (`channel.transmit`), framed by
dMel; labels come from the very same times (`labels`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from duologue.data import labels
from duologue.data.channel import PLACES, SPEECH_DBFS, Channel, draw_channel, speech_level, transmit
from duologue.data.script import Own, Script, Sound
from duologue.data.voices import OWN
from duologue.data.warp import Warp, draw_warp, retime, warp_speech
from duologue.errors import DataError
from duologue.media.audio import to_int16
from duologue.media.dmel import FRAMES_PER_TURN, HOP, MELS, dithered, log_mel, to_fine
from duologue.media.patches import to_jpeg
from duologue.turn import SAMPLE_RATE_HZ, SAMPLES_PER_TURN, TURN_MS, first_turn_at

FADE_S = 0.03
SOUNDING = 10 ** (-50 / 20)  # a turn speaks if the loudest 20 ms of its own sound exceed -50 dBFS
CLOCK_FAMILIES = {"time"}  # the seconds in them are facts: the user's speed is left alone, as it is while a view lasts
QUALITIES = (40, 55, 70, 80, 90)  # of the JPEG files
LATE_S = 0.001  # a turn's picture is taken this long before its end


@dataclass(slots=True)
class Rendered:
    """T turns as numpy arrays. Own sound and all outputs are on output turns, the microphone on input turns."""

    family: str  # a conversation of several names them all: "talk+numbers"
    user_mel: np.ndarray  # uint8 [T, 10, 80] fine log-mel of the microphone
    own_mel: np.ndarray  # uint8 [T, 10, 80] fine log-mel of the own sound
    hear: np.ndarray  # int16 [T, 2] tokens, 0 = PAD; so are say, text, act
    shown: np.ndarray  # int16 [T, 2] tokens that the history of `hear` has though nothing was said
    letters: np.ndarray  # uint32 [T, 2] the letters spoken in each 100 ms of input, as bits
    own_phones: np.ndarray  # uint8 [T, 10] the phoneme of each frame of the own sound, 0 = none
    own_ahead: np.ndarray  # uint8 [T, 10] the same 100 ms on, of words that are written by then
    say: np.ndarray
    text: np.ndarray
    act: np.ndarray
    speak: np.ndarray  # uint8 [T] 1 where the own sound has energy
    typed: np.ndarray  # int16 [T, 8] input text slots, 0 = PAD
    missing: np.ndarray  # uint8 [T] lost sound, tens of ms
    important: np.ndarray  # uint8 [T] 1 where timing matters
    jpeg: np.ndarray  # uint8 [bytes] the pictures as JPEG files, one after another
    jpeg_bytes: np.ndarray  # uint16 [T] how long each turn's is, 0 where there is none
    moved: np.ndarray  # uint8 [T, 3] what has happened since the picture before, see `labels.moved`
    beside: np.ndarray  # uint8 [T] 1 where the camera sees what nobody speaks of
    user_pcm: np.ndarray | None = None  # int16 [T * 3200], only with keep_sound
    own_pcm: np.ndarray | None = None


def render(
    script: Script,
    rng: np.random.Generator,
    tokenizer: labels.TextCoder,
    *,
    augment: str | Channel = "train",
    speeches: Sequence[np.ndarray] = (),
    keep_sound: bool = False,
) -> Rendered:
    """One script as turns.

    Args:
        augment: a level of `draw_channel` ("mild" and "train" warp the voices too), or the very channel to use.
        speeches: float32 16 kHz sounds of other people to make babble of.
        keep_sound: keep the samples too.

    Raises:
        DataError: the script cannot be rendered (own speech before the first output turn, or without words).
    """
    if augment in ("mild", "train"):
        script = another_speaker(script, rng)
    own_S = own_sound(script)
    user_S, missing_T = microphone(script, rng, augment=augment, speeches=speeches)
    turns = len(missing_T)
    speak_T = _sounding(own_S[SAMPLES_PER_TURN:])
    heard_own_S = own_S[SAMPLES_PER_TURN:] * np.repeat(speak_T, SAMPLES_PER_TURN)
    files = pictures(script, QUALITIES[int(rng.integers(len(QUALITIES)))]) if script.views else [b""] * turns
    phones, ahead = labels.own_phones(script, turns), labels.own_ahead(script, speak_T)
    return Rendered(
        family="+".join(script.about.get("parts", [script.family])),
        user_mel=_fine(dithered(user_S, rng)),
        own_mel=_fine(dithered(heard_own_S, rng)),
        hear=labels.hear(script, tokenizer, turns),
        shown=labels.shown(script, tokenizer, turns),
        letters=labels.letters(script, turns),
        own_phones=phones,
        own_ahead=ahead,
        say=labels.say(script, tokenizer, speak_T),
        text=labels.text(script, tokenizer, turns),
        act=labels.act(script, tokenizer, turns),
        speak=speak_T,
        typed=labels.typed(script, tokenizer, turns),
        missing=missing_T * np.uint8(2),
        important=labels.important(script, turns),
        jpeg=np.frombuffer(b"".join(files), np.uint8),
        jpeg_bytes=np.array([len(file) for file in files], np.uint16),
        moved=labels.moved(script, [bool(file) for file in files]),
        beside=np.full(turns, any(view.beside for view in script.views), np.uint8),
        user_pcm=to_int16(user_S) if keep_sound else None,
        own_pcm=to_int16(heard_own_S) if keep_sound else None,
    )


def pictures(script: Script, quality: int = QUALITIES[-1]) -> list[bytes]:
    """`images` as JPEG files, b"" for None."""
    return [b"" if image is None else to_jpeg(image, quality) for image in images(script)]


def images(script: Script) -> list[np.ndarray | None]:
    """For each turn the last picture before its end, None where the camera is off or the picture was lost."""
    shown: list[np.ndarray | None] = [None] * turns_of(script)
    for view in script.views:
        for turn in range(first_turn_at(view.start_s), min(first_turn_at(view.end_s - 1e-6) + 1, len(shown))):
            until_s = min((turn + 1) * TURN_MS / 1000, view.end_s)
            shown[turn] = view.show(until_s - LATE_S - view.start_s)
    return shown


def turns_of(script: Script) -> int:
    """Number of turns of a script."""
    return int(np.ceil(script.length_s * 1000 / TURN_MS - 1e-6))


def another_speaker(script: Script, rng: np.random.Generator) -> Script:
    """The script with every voice on the user's side warped, each in one way throughout; the clock follows the user.

    Only the user's speed changes: other sounds keep their length.
    """
    speed, warps = draw_warp(rng).speed, {}
    for voice in dict.fromkeys(map(_voice, script.sounds)):
        warps[voice] = draw_warp(rng, somebody_else=voice[1] == OWN)
    speeds = [speed if _may_change_speed(sound, script) else 1.0 for sound in script.sounds]
    script = retime(script, speeds)
    pairs = zip(script.sounds, speeds, strict=True)
    return replace(script, sounds=[_spoken_as(s, warps[_voice(s)]._replace(speed=v)) for s, v in pairs])


def _spoken_as(sound: Sound, how: Warp) -> Sound:
    return replace(sound, speech=warp_speech(sound.speech, how))


def _voice(sound: Sound) -> tuple[str, str]:
    return sound.who, sound.speech.voice


def _may_change_speed(sound: Sound, script: Script) -> bool:
    line, end_s = sound.speech.line, sound.start_s + sound.speech.seconds
    watched = any(view.start_s < end_s and sound.start_s < view.end_s for view in script.views)
    return sound.who == "user" and not watched and (line is None or line.family not in CLOCK_FAMILIES)


def microphone(
    script: Script,
    rng: np.random.Generator,
    *,
    augment: str | Channel = "clean",
    speeches: Sequence[np.ndarray] = (),
) -> tuple[np.ndarray, np.ndarray]:
    """What the microphone sends: float32 samples of T turns, and lost 20 ms packets in each, uint8 [T].

    The benchmarks play this without rendering labels; voices are not warped here.
    """
    samples = turns_of(script) * SAMPLES_PER_TURN
    channel = augment if isinstance(augment, Channel) else draw_channel(rng, augment, bool(len(speeches)))
    gains = _voice_gains(script.sounds)
    tracks = {place: np.zeros(samples, np.float32) for place in PLACES}
    for sound in script.sounds:
        gain = gains[_voice(sound)] * 10 ** (sound.gain_db / 20)
        _add(tracks[sound.who], sound.speech.pcm_S * np.float32(gain), sound.start_s)
    tracks["echo"] = own_sound(script)[:samples]
    return transmit(channel, tracks, rng, speeches)


def _voice_gains(sounds: Sequence[Sound]) -> dict[tuple[str, str], float]:
    """What brings each voice, over all it says, to the level of speech."""
    said: dict[tuple[str, str], list[np.ndarray]] = {}
    for sound in sounds:
        said.setdefault(_voice(sound), []).append(sound.speech.pcm_S)
    levels = {voice: speech_level(np.concatenate(parts)) for voice, parts in said.items()}
    return {voice: 10 ** (SPEECH_DBFS / 20) / level if level else 0.0 for voice, level in levels.items()}


def own_sound(script: Script) -> np.ndarray:
    """The own voice on the world's clock, float32, T + 1 turns long: output turn T - 1 ends one turn after the input."""
    world_S = np.zeros((turns_of(script) + 1) * SAMPLES_PER_TURN, np.float32)
    for own in script.own:
        _check(own, script)
        _add(world_S, _cut(own), own.start_s)
    return world_S


def _check(own: Own, script: Script) -> None:
    if own.start_s * 1000 < TURN_MS - 1e-3:
        raise DataError(f"{script.family}: own speech {own.speech.text!r} at {own.start_s:.2f} s, before any output")
    if not own.speech.words:
        raise DataError(f"{script.family}: own speech {own.speech.text!r} has no word times")


def _cut(own: Own) -> np.ndarray:
    """The samples of an own speech; one that is cut fades to silence within the FADE_S before."""
    if own.cut_s is None or own.cut_s >= own.start_s + own.speech.seconds:
        return own.speech.pcm_S
    pcm_S = own.speech.pcm_S[: max(0, round((own.cut_s - own.start_s) * SAMPLE_RATE_HZ))].copy()
    fade = min(len(pcm_S), int(FADE_S * SAMPLE_RATE_HZ))
    pcm_S[len(pcm_S) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return pcm_S


def _add(track_S: np.ndarray, pcm_S: np.ndarray, start_s: float) -> None:
    begin = round(start_s * SAMPLE_RATE_HZ)
    end = min(len(track_S), begin + len(pcm_S))
    if begin < end:
        track_S[begin:end] += pcm_S[: end - begin]


def _sounding(own_S: np.ndarray) -> np.ndarray:
    """Which turns have own sound, uint8 [T]."""
    frames_TFS = own_S.reshape(-1, FRAMES_PER_TURN, HOP)
    power_TF = np.einsum("tfs,tfs->tf", frames_TFS, frames_TFS) / HOP
    return (power_TF.max(1) > SOUNDING**2).astype(np.uint8)


def _fine(pcm_S: np.ndarray) -> np.ndarray:
    return to_fine(log_mel(pcm_S)).reshape(-1, FRAMES_PER_TURN, MELS)
