"""What the vocoder's sound is compared by: spectra, mel and pitch. `spectral_loss` is the main one."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from duologue.media.dmel import FFT, FILTERS, FLOOR, HANN, HISTORY, HOP, WINDOW
from duologue.model.vocoder import PITCH_BINS, PITCH_HIGH_HZ, PITCH_LOW_HZ
from duologue.turn import SAMPLE_RATE_HZ

RESOLUTIONS = ((128, 32), (256, 64), (512, 128), (1024, 256), (2048, 512))  # window and hop, samples


def mel_of(pcm_BS: Tensor, history_BS: Tensor) -> Tensor:
    """`dmel.log_mel` in torch, for batches and gradients."""
    frames = torch.cat([history_BS, pcm_BS], 1).unfold(1, WINDOW, HOP) * torch.from_numpy(HANN)
    spectrum = torch.fft.rfft(frames, FFT)
    magnitude = torch.sqrt(spectrum.real.square() + spectrum.imag.square() + 1e-10)
    return torch.log10((magnitude @ torch.from_numpy(FILTERS)).clamp(min=1e-5))


def spectral_loss(made_BS: Tensor, real_BS: Tensor, draw: torch.Generator) -> Tensor:
    """Mean over two drawn resolutions of log-magnitude distance and spectral convergence."""
    total = 0
    for size, hop in (RESOLUTIONS[i] for i in torch.randperm(len(RESOLUTIONS), generator=draw)[:2]):
        both = torch.stft(torch.cat([made_BS, real_BS]), size, hop, window=torch.hann_window(size), return_complex=True)
        made, real = ((both.real.square() + both.imag.square()) / size + 1e-7).chunk(2)
        convergence = (made.sqrt() - real.sqrt()).norm() / real.sqrt().norm()
        total = total + 0.5 * (made.log() - real.log()).abs().mean() + convergence
    return total / 2


def mel_loss(made_BS: Tensor, real_BS: Tensor) -> Tensor:
    """Distance of the log-mels, in the units that the vocoder reads."""
    made, real = (mel_of(x[:, HISTORY : -(HISTORY % HOP)], x[:, :HISTORY]).clamp(min=FLOOR) for x in (made_BS, real_BS))
    return (made - real).abs().mean()


def pitch_loss(logits_BFP: Tensor, rate_BF: Tensor, voiced_BF: Tensor) -> Tensor:
    """Cross-entropy to the true bin, blurred, where the voice sounds."""
    span = math.log(PITCH_HIGH_HZ / PITCH_LOW_HZ) / (PITCH_BINS - 1)
    place = torch.log(rate_BF * SAMPLE_RATE_HZ / PITCH_LOW_HZ) / span
    target = F.softmax(-((torch.arange(PITCH_BINS) - place[..., None]) ** 2) / 2, -1)
    loss = -(target * F.log_softmax(logits_BFP, -1)).sum(-1)
    return (loss * voiced_BF).sum() / voiced_BF.sum().clamp(min=1)
