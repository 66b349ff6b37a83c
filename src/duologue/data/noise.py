"""Background noises, made from nothing. TRAIN_NOISES are heard in training, TEST_NOISES only in tests.

Each maker takes a generator and a number of samples and returns float32 noise at 16 kHz of any level (`channel` sets the
level); "babble" and "crowd" are made of speech that the caller hands in.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import fft, signal

from duologue.turn import SAMPLE_RATE_HZ

Maker = Callable[[np.random.Generator, int], np.ndarray]


def coloured(rng: np.random.Generator, samples: int, slope: float) -> np.ndarray:
    """Noise whose power falls with frequency as f ** -slope: 0 white, 1 pink, 2 brown."""
    size = fft.next_fast_len(samples, real=True)
    spectrum = rng.standard_normal(size // 2 * 2 + 2, dtype=np.float32).view(np.complex64)
    hz = np.maximum(np.arange(size // 2 + 1, dtype=np.float32), 20 * size / SAMPLE_RATE_HZ)
    return fft.irfft(spectrum * hz ** np.float32(-slope / 2), size)[:samples] * np.float32(np.sqrt(size))


def _tones(hz: np.ndarray, amplitude: np.ndarray, phase: np.ndarray, samples: int) -> np.ndarray:
    time_S = np.arange(samples, dtype=np.float32) / SAMPLE_RATE_HZ
    return amplitude @ np.sin(2 * np.pi * hz[:, None] * time_S + phase[:, None]).astype(np.float32)


def hum(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Mains hum of 50 or 60 Hz with harmonics over a little hiss."""
    hz = rng.choice([50.0, 60.0]) * np.arange(1, 13)
    amplitude = rng.exponential(1.0, 12) / np.arange(1, 13) ** rng.uniform(0.3, 1.5)
    second = _tones(hz, amplitude.astype(np.float32), rng.uniform(0, 6.28, 12), SAMPLE_RATE_HZ)
    return np.resize(second, samples) + coloured(rng, samples, 1.0) * 0.002


def keyboard(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Clicks of 5-25 ms in bursts, two to nine a second, over faint pink noise."""
    out_S = coloured(rng, samples, 1.0)
    out_S *= np.float32(0.02 / (np.abs(out_S).max() + 1e-9))
    clicks = [_click(rng, int(rng.uniform(80, 400))) for _ in range(6)]
    for begin in rng.integers(0, max(1, samples - 400), int(samples / SAMPLE_RATE_HZ * rng.uniform(2, 9))):
        click = clicks[rng.integers(6)]
        out_S[begin : begin + len(click)] += click[: samples - begin] * np.float32(rng.uniform(0.2, 1))
    return out_S


def _click(rng: np.random.Generator, length: int) -> np.ndarray:
    fade = np.exp(-np.arange(length, dtype=np.float32) / (length / 5))
    return coloured(rng, length, rng.uniform(-1, 1)) * fade


def chords(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Music-like: four chords of three plucked notes each, over and over."""
    beat = int(rng.uniform(0.3, 0.9) * SAMPLE_RATE_HZ)
    fade_S = np.exp(-np.arange(beat, dtype=np.float32) / (beat * rng.uniform(0.3, 1.5)))
    bar = []
    for root in rng.integers(0, 12, 4):
        notes = 130.8 * 2 ** ((root + np.array([0, rng.choice([3, 4]), 7])) / 12) * rng.choice([1, 2])
        hz = (notes[:, None] * np.arange(1, 5)).reshape(-1)
        amplitude = np.tile(np.float32(0.5) ** np.arange(4, dtype=np.float32), 3)
        bar.append(_tones(hz, amplitude, rng.uniform(0, 6.28, 12), beat) * fade_S)
    return np.resize(np.concatenate(bar), samples)


def rain(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Thousands of ringing drops over bright hiss."""
    drops_S = np.zeros(samples, np.float32)
    places = rng.integers(0, samples, samples // rng.integers(100, 400))
    drops_S[places] = rng.exponential(1.0, len(places))
    hz = rng.uniform(1500, 5000)
    ring = signal.windows.exponential(160, 0, 25, sym=False) * np.sin(2 * np.pi * hz / SAMPLE_RATE_HZ * np.arange(160))
    hiss_S = coloured(rng, samples, -0.5) * np.float32(0.05)
    return signal.oaconvolve(drops_S, ring.astype(np.float32))[:samples] + hiss_S


def engine(rng: np.random.Generator, samples: int) -> np.ndarray:
    """A motor whose speed drifts: harmonics of 30-90 Hz, and rumble."""
    knots = np.cumsum(rng.normal(0, 0.04, samples // SAMPLE_RATE_HZ + 3))
    drift = np.interp(np.arange(samples) / SAMPLE_RATE_HZ, np.arange(len(knots)), knots)
    phase = np.cumsum(rng.uniform(30, 90) * np.exp(drift)) * (2 * np.pi / SAMPLE_RATE_HZ)
    amplitude = rng.exponential(1.0, 16) / np.sqrt(np.arange(1, 17))
    sound = sum(a * np.sin(np.float32(k + 1) * phase + k * k) for k, a in enumerate(amplitude))
    return sound.astype(np.float32) + coloured(rng, samples, 1.5) * np.float32(0.1)


def talkers(rng: np.random.Generator, samples: int, speeches: Sequence[np.ndarray]) -> np.ndarray:
    """Three to eight people talking at once, each repeating one of `speeches` (float32 sounds) with pauses."""
    out_S = np.zeros(samples, np.float32)
    for index in rng.integers(0, len(speeches), rng.integers(3, 9)):
        speech = np.concatenate([speeches[index], np.zeros(int(rng.uniform(0.1, 1) * SAMPLE_RATE_HZ), np.float32)])
        loud = rng.uniform(0.3, 1) / (np.sqrt(np.mean(speech**2)) + 1e-6)
        out_S += np.roll(np.resize(speech, samples), rng.integers(samples)) * np.float32(loud)
    return out_S


TRAIN_NOISES: dict[str, Maker | None] = {
    "white": lambda rng, samples: coloured(rng, samples, rng.uniform(-0.2, 0.4)),
    "pink": lambda rng, samples: coloured(rng, samples, rng.uniform(0.6, 1.4)),
    "brown": lambda rng, samples: coloured(rng, samples, rng.uniform(1.6, 2.4)),
    "hum": hum,
    "keyboard": keyboard,
    "chords": chords,
    "babble": None,  # made by `talkers` of training voices
}
TEST_NOISES: dict[str, Maker | None] = {
    "rain": rain,
    "engine": engine,
    "crowd": None,  # made by `talkers` of test voices
}


def make_noise(rng: np.random.Generator, kind: str, samples: int, speeches: Sequence[np.ndarray] = ()) -> np.ndarray:
    """Noise of a kind named above, swelling by a few dB over seconds; a kind made of speech needs `speeches`."""
    maker = (TRAIN_NOISES | TEST_NOISES)[kind]
    noise_S = talkers(rng, samples, speeches) if maker is None else maker(rng, samples)
    seconds = samples // SAMPLE_RATE_HZ + 2
    swell = np.interp(np.arange(samples) / SAMPLE_RATE_HZ, np.arange(seconds), rng.normal(0, 2.5, seconds))
    return (noise_S * 10 ** (swell / 20)).astype(np.float32)


def kinds_of(noises: dict[str, Maker | None], with_speech: bool) -> list[str]:
    """Names of the kinds that can be made, with or without speech to make them of."""
    return [name for name, maker in noises.items() if with_speech or maker is not None]
