"""One voice becomes many: speed, pitch and vocal tract of a speaker, and a script's clock when the user talks faster.

`warp` changes sound, `warp_speech` moves its word times along, `retime` moves a whole script. Speed is changed by WSOLA
(Verhelst and Roelands, ICASSP 1993), pitch by resampling, the vocal tract by stretching the cepstral envelope of the
very frames that WSOLA overlaps and adds.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy import fft

from duologue.data.script import Check, Own, Script, Speech, reply_at
from duologue.media.audio import resample
from duologue.turn import SAMPLE_RATE_HZ

FRAME, STEP = 512, 256  # 32 ms Hann windows, half overlapped: they sum to one
SEARCH = 128  # how far WSOLA looks for the best join, samples each way
RING = 128  # room for the envelope filter on both sides of a frame
LIFTER = 40  # cepstral coefficients of the envelope: 2.5 ms, shorter than any pitch period
GRID_S = 0.2


class Warp(NamedTuple):
    """Factors on a speaker: 1.1 speaks ten per cent faster, higher, from a shorter vocal tract (higher formants)."""

    speed: float = 1.0
    pitch: float = 1.0
    tract: float = 1.0


def draw_warp(rng: np.random.Generator, somebody_else: bool = False) -> Warp:
    """A speaker at random; one in five stays as it is, unless it must be somebody else (of clearly another pitch)."""
    if not somebody_else and rng.random() < 0.2:
        return Warp()
    speed, pitch = np.exp(rng.uniform(np.log(0.85), np.log(1.2), 2))
    if somebody_else:
        pitch = rng.choice([rng.uniform(0.72, 0.87), rng.uniform(1.15, 1.3)])
    return Warp(float(speed), float(pitch), float(rng.uniform(0.88, 1.14)))


def warp(pcm_S: np.ndarray, how: Warp) -> np.ndarray:
    """Float32 sound as if another speaker had said it, len / speed samples."""
    length = round(len(pcm_S) / how.speed)
    if len(pcm_S) < 2 * FRAME or how == Warp():
        return pcm_S if how.speed == 1 else resample(pcm_S, SAMPLE_RATE_HZ * how.speed, SAMPLE_RATE_HZ)
    pitched = resample(pcm_S, SAMPLE_RATE_HZ * how.pitch, SAMPLE_RATE_HZ).astype(np.float32)
    frames_FN = _similar_frames(pitched, length)
    return _overlap_add(_move_envelope(frames_FN, how.tract / how.pitch))[:length]


def warp_speech(speech: Speech, how: Warp) -> Speech:
    """The speech of another speaker, word times included."""
    words = tuple(w._replace(start_s=w.start_s / how.speed, end_s=w.end_s / how.speed) for w in speech.words)
    return replace(speech, pcm_S=warp(speech.pcm_S, how), words=words)


def _similar_frames(pcm_S: np.ndarray, length: int) -> np.ndarray:
    """Frames [F, FRAME] of `pcm_S`, each begun where it best continues the one before, enough for `length` samples."""
    count = length // STEP + 2
    padded = np.pad(pcm_S, (STEP + SEARCH, FRAME + 3 * SEARCH + STEP))
    wanted_F = (np.arange(count) * (STEP * len(pcm_S) / length)).astype(int) + SEARCH
    begins_F = _best_joins(padded[: len(padded) // 2 * 2].reshape(-1, 2).mean(1), wanted_F // 2) * 2
    hann = np.hanning(FRAME + 1)[:-1].astype(np.float32)
    return np.lib.stride_tricks.sliding_window_view(padded, FRAME)[begins_F] * hann


def _best_joins(half_S: np.ndarray, wanted_F: np.ndarray) -> np.ndarray:
    """Begin of each frame near the wanted one, by normalised correlation at half the rate (all in its samples)."""
    reach, step = SEARCH // 2, STEP // 2
    power = np.concatenate([[0.0], np.cumsum(half_S.astype(np.float64) ** 2)])
    energy = np.sqrt(power[step:] - power[:-step] + 1e-4).astype(np.float32)
    last, begins = len(half_S) - 2 * step, [int(wanted_F[0])]
    for wanted in np.minimum(wanted_F[1:], last - reach - step):
        follow = half_S[begins[-1] + step : begins[-1] + 2 * step]
        low = wanted - reach
        match = np.correlate(half_S[low : wanted + reach + step], follow, "valid") / energy[low : wanted + reach + 1]
        begins.append(int(low + match.argmax()))
    return np.array(begins)


def _move_envelope(frames_FN: np.ndarray, factor: float) -> np.ndarray:
    """Frames [F, FRAME + 2 * RING] whose spectral envelope is stretched by `factor` along frequency."""
    padded_FN = np.pad(frames_FN, ((0, 0), (RING, RING)))
    if abs(factor - 1) < 0.01:
        return padded_FN
    spectrum_FK = fft.rfft(padded_FN)
    cepstrum_FN = fft.irfft(np.log(np.abs(spectrum_FK) + np.float32(1e-3)))
    cepstrum_FN[:, LIFTER : 1 - LIFTER] = 0
    envelope_FK = fft.rfft(cepstrum_FN).real
    bins = envelope_FK.shape[1]
    source_K = np.minimum(np.arange(bins) / factor, bins - 1.001)
    below_K, part_K = source_K.astype(int), (source_K % 1).astype(np.float32)
    moved_FK = envelope_FK[:, below_K] * (1 - part_K) + envelope_FK[:, below_K + 1] * part_K
    return fft.irfft(spectrum_FK * np.exp(np.clip(moved_FK - envelope_FK, -2.5, 2.5)))


def _overlap_add(frames_FN: np.ndarray) -> np.ndarray:
    """Sum of frames STEP apart, from the middle of the first frame on."""
    count, size = frames_FN.shape
    out_S = np.zeros((count + size // STEP) * STEP, np.float32)
    for part in range(size // STEP):
        out_S[part * STEP : (part + count) * STEP] += frames_FN[:, part * STEP : (part + 1) * STEP].reshape(-1)
    return out_S[RING + STEP :]


def retime(script: Script, speeds: Sequence[float]) -> Script:
    """The script's clock when each of its sounds is said that many times as fast (`warp_speech` changes the sounds).

    Time runs 1 / speed as long while the user speaks and as before otherwise. What the model does on the turn grid stays
    on it, as many turns after the same word, text or sight as before, so that reactions keep their delay. A view keeps
    its length: nothing said meanwhile may change its speed.
    """
    clock = _clock(script, speeds)
    moved = _on_grid(script, clock)
    return replace(
        script,
        length_s=clock(script.length_s),
        sounds=[replace(s, start_s=clock(s.start_s)) for s in script.sounds],
        own=_in_order(script.own, moved),
        typed=[(clock(t), text) for t, text in script.typed],
        written=[(moved(t), text) for t, text in script.written],
        notes=[(clock(t), source, text) for t, source, text in script.notes],
        calls=[(moved(t), kind, text) for t, kind, text in script.calls],
        shown=[(clock(t), text) for t, text in script.shown],
        checks=[_moved_check(check, clock, moved) for check in script.checks],
        views=[replace(v, start_s=clock(v.start_s), end_s=clock(v.start_s) + v.end_s - v.start_s) for v in script.views],
    )


def _moved_check(check: Check, clock: Callable[[float], float], moved: Callable[[float], float]) -> Check:
    after_s = None if check.after_s is None else clock(check.after_s)
    return replace(check, start_s=moved(check.start_s), end_s=moved(check.end_s), after_s=after_s)


def _clock(script: Script, speeds: Sequence[float]) -> Callable[[float], float]:
    """Old time to new time: slope 1 / speed where the user speaks, else 1."""
    pairs = [(s, speed) for s, speed in zip(script.sounds, speeds, strict=True) if s.who == "user"]
    spoken = sorted((s.start_s, s.start_s + s.speech.seconds, speed) for s, speed in pairs)
    olds, news = [0.0], [0.0]
    for start, end, speed in spoken:
        begin = max(start, olds[-1])
        if end > begin:
            news += [news[-1] + begin - olds[-1], news[-1] + begin - olds[-1] + (end - begin) / speed]
            olds += [begin, end]
    return lambda t: float(np.interp(t, olds, news)) if t <= olds[-1] else news[-1] + t - olds[-1]


def _on_grid(script: Script, clock: Callable[[float], float]) -> Callable[[float], float]:
    """Like `clock`, but an instant on the turn grid keeps its number of turns after the last thing it can answer."""
    user = [s for s in script.sounds if s.who == "user"]
    words = [s.start_s + w.end_s for s in user for w in s.speech.words]
    texts = [t for t, *_ in script.typed + script.notes + script.shown]
    seen = [v.start_s + t for v in script.views for t in v.events_s]
    ends = sorted(words + texts + seen + [s.start_s + s.speech.seconds for s in user])
    replies = [reply_at(end) for end in ends]

    def moved(t: float) -> float:
        on_grid = abs(t / GRID_S - round(t / GRID_S)) < 1e-4
        before = bisect_right(replies, t + 1e-6) - 1
        if not on_grid or before < 0:
            return clock(t)
        return reply_at(clock(ends[before])) + t - replies[before]

    return moved


def _in_order(own: list[Own], moved: Callable[[float], float]) -> list[Own]:
    """Own speeches at their new times; those that did not overlap still do not."""
    out, old_end, new_end = [], 0.0, 0.0
    for o in sorted(own, key=lambda o: o.start_s):
        start = moved(o.start_s)
        if o.start_s >= old_end - 1e-6 and start < new_end:
            start += float(np.ceil((new_end - start) / GRID_S - 1e-6) * GRID_S)
        cut_s = None if o.cut_s is None else max(moved(o.cut_s), start + 0.05)
        out.append(replace(o, start_s=start, cut_s=cut_s))
        natural = o.speech.seconds
        old_end = min(o.start_s + natural, o.cut_s or np.inf)
        new_end = min(start + natural, cut_s or np.inf)
    return out
