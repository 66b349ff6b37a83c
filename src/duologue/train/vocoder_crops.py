"""What the vocoder learns from: crops of a voice, their mel made as rough as a generated one. Read `draw_batch` first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from duologue.config import cache_dir
from duologue.data.bank import Bank, own_split
from duologue.data.voices import OWN
from duologue.errors import DataError
from duologue.media.dmel import HISTORY, HOP
from duologue.train.pitch import track
from duologue.train.vocoder_losses import mel_of
from duologue.turn import SAMPLE_RATE_HZ

CROP = 60  # frames
PITCH_CHUNK = 60 * SAMPLE_RATE_HZ


@dataclass(frozen=True)
class Voice:
    """One speaker's sound, end to end, with its pitch at the middle of each hop."""

    pcm_S: np.ndarray  # int16
    rate_F: np.ndarray  # cycles a sample
    voiced_F: np.ndarray


@dataclass(frozen=True)
class Batch:
    """Crops: what is fed, and what should come out."""

    mel_BFM: Tensor
    pcm_BS: Tensor
    rate_BF: Tensor
    voiced_BF: Tensor


def load_voice(sounds: Iterable[np.ndarray]) -> Voice:
    """Sounds (int16, 16 kHz) as one stream. Raises DataError when there are none."""
    parts = [sound[: len(sound) // HOP * HOP] for sound in sounds]
    if not parts:
        raise DataError(f"the own voice has said nothing in {cache_dir() / 'bank'}: `duologue synth voices --own-share 1` first")
    pcm = np.concatenate(parts)
    tracked = [track(pcm[i : i + PITCH_CHUNK] / np.float32(32768)) for i in range(0, len(pcm), PITCH_CHUNK)]
    return Voice(pcm, *(np.concatenate(x) for x in zip(*tracked, strict=True)))


def own_sounds(bank: Bank) -> Iterator[np.ndarray]:
    """All that the own voice has said but its test sentences, which `duologue eval copy` judges."""
    for entry in bank.entries:
        if entry.voice == OWN and (entry.line.intent != "open" or own_split(entry.line.text) == "train"):
            yield np.fromfile(entry.sounds, np.int16, entry.row["samples"], offset=2 * entry.row["offset"])


def roughen(mel_BFM: Tensor, draw: torch.Generator) -> Tensor:
    """Noise and smoothing such as a generated mel has; three crops in ten stay clean."""
    batch = len(mel_BFM)

    def uniform(high: float) -> Tensor:
        return torch.rand(batch, 1, 1, generator=draw) * high

    weight = uniform(0.5)
    in_time = F.avg_pool1d(F.pad(mel_BFM.transpose(1, 2), (1, 1), "replicate"), 3, 1).transpose(1, 2)
    rough = torch.lerp(mel_BFM, in_time, weight)
    weight = uniform(0.5)
    rough = torch.lerp(rough, F.avg_pool1d(F.pad(rough, (1, 1), "replicate"), 3, 1), weight)
    rough = rough + torch.randn(mel_BFM.shape, generator=draw) * uniform(0.15)
    return torch.where(torch.rand(batch, 1, 1, generator=draw) < 0.3, mel_BFM, rough)


def sounding(size: int, draw: torch.Generator) -> Tensor:
    """Mask [B, samples]: in one crop of five the voice starts from nothing, in one of five it ends in it."""
    first, last = torch.randint(0, 5 * CROP, (2, size, 1), generator=draw) * HOP
    n = torch.arange(-HISTORY, CROP * HOP)
    return ((first >= CROP * HOP) | (n >= first)) & (n < last.where(last < CROP * HOP, CROP * HOP))


def draw_batch(voice: Voice, size: int, draw: torch.Generator) -> Batch:
    """Random crops at random level (6 dB up or down); in some the voice starts from, or ends in, nothing."""
    last = len(voice.rate_F) - CROP - 1
    starts = (torch.randint(2, last, (size,), generator=draw)).tolist()
    sound = np.stack([voice.pcm_S[s * HOP - HISTORY : (s + CROP) * HOP] for s in starts])
    gain = 10 ** ((torch.rand(size, 1, generator=draw) * 12 - 6) / 20)
    heard = sounding(size, draw)
    pcm = torch.from_numpy(sound.astype(np.float32) / 32768) * gain * heard
    history, pcm = pcm.split([HISTORY, CROP * HOP], 1)
    rate, voiced = (np.stack([x[s : s + CROP] for s in starts]) for x in (voice.rate_F, voice.voiced_F))
    mel = roughen(mel_of(pcm, history), draw)
    voiced = torch.from_numpy(voiced) & heard[:, HISTORY + HOP // 2 :: HOP]
    return Batch(mel, pcm, torch.from_numpy(rate), voiced)
