"""The own voice: log-mel frames -> 16 kHz waveform, causal and streaming. Read `Vocoder.step` first.

A source-filter vocoder in the short-time Fourier domain. ConvNeXt blocks (Vocos, Siuzdak, arXiv 2306.00814) read the
frames; one read-out gives the pitch, whose integral drives a pulse train (phase is a state, so a held vowel does not
jump at frame edges, which a convolution alone cannot know); the other gives, for each 10 ms, a complex filter for the
pulses and a real one for noise (harmonic plus noise as in HiFTNet, Li et al., arXiv 2309.09493). Filters act on 20 ms
windows that overlap by half.

Timing. When frame j ends at sample T, the hop [T-640, T-320) is given out: `DELAY` = 320 samples behind the mel's
clock, the one frame of look-ahead. Pulses and noise are made up to T-160, where the last window ends.

Chunks of any length give the bits of the whole: phase is counted in integers, convolutions are sums of shifted
products, linears are those of the live operations, noise comes from a table by frame number.
"""

from dataclasses import dataclass, fields
from math import log
from pathlib import Path
from typing import Self

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from duologue.device import CPU
from duologue.errors import DataError
from duologue.kernels.ops import Ops, best
from duologue.media.dmel import CEILING, FLOOR, HOP, MELS
from duologue.model.checkpoint import check_finite
from duologue.turn import SAMPLE_RATE_HZ

DELAY = HOP  # samples between the end of a frame's hop and the end of the sound given out for it
WIDTH, HIDDEN, KERNEL, STACK = 224, 448, 7, 4  # STACK: frames side by side at the input
SLOW_BLOCKS, FAST_BLOCKS, SUB = 4, 3, 2  # blocks at 50 Hz, at 100 Hz; sub-frames in a frame
SUB_HOP = HOP // SUB
WINDOW = 2 * SUB_HOP
BINS = WINDOW // 2 + 1
PITCH_LOW_HZ, PITCH_HIGH_HZ, PITCH_BINS = 60.0, 480.0, 144  # 48 bins an octave
CYCLE = 1 << 24  # integer steps of one period: exact sums, exact in float32
NOISE_FRAMES = 512
TOP_HZ = 7900.0


@dataclass(frozen=True, slots=True)
class VocoderState:
    """All a voice remembers between calls; every tensor's first axis is the session's row."""

    mel_BSM: Tensor  # the last STACK - 1 frames
    slow_BLKC: Tensor  # inputs of each 50 Hz convolution, KERNEL - 1 positions
    fast_BLKC: Tensor  # the same at 100 Hz
    rate_B: Tensor  # cycles a sample at the end of the made source
    phase_B: Tensor  # int64, [0, CYCLE)
    frame_B: Tensor  # int64, place in the noise table
    source_B2S: Tensor  # last SUB_HOP samples of pulses and noise
    tail_BS: Tensor  # half a window, not yet complete

    def rows(self, index) -> "VocoderState":
        """The state of some rows."""
        return VocoderState(*(getattr(self, f.name)[index] for f in fields(self)))


class Linear(nn.Linear):
    """The trainer's is torch's; a settled one computes a row's bits from the row alone, which torch's does on some CPUs only."""

    ops: Ops | None = None

    def settle(self, ops: Ops) -> None:
        """For inference."""
        self.ops, self.packed = ops, ops.pack(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.ops.linear(x, self.weight, self.packed) + self.bias if self.ops else super().forward(x)


class Block(nn.Module):
    """Causal ConvNeXt: depthwise convolution over the past, norm, MLP, scaled residual."""

    def __init__(self):
        super().__init__()
        self.taps_KC = nn.Parameter(torch.randn(KERNEL, WIDTH) * KERNEL**-0.5)
        self.norm = nn.LayerNorm(WIDTH)
        self.up = Linear(WIDTH, HIDDEN)
        self.down = Linear(HIDDEN, WIDTH)
        self.scale_C = nn.Parameter(torch.full((WIDTH,), 0.2))

    def forward(self, x_BTC: Tensor, past_BKC: Tensor) -> tuple[Tensor, Tensor]:
        """The block's output and the inputs that the next call must see as its past."""
        seen, length = torch.cat([past_BKC, x_BTC], 1), x_BTC.shape[1]
        mixed = seen[:, :length] * self.taps_KC[0]
        for tap in range(1, KERNEL):
            mixed = torch.addcmul(mixed, seen[:, tap : tap + length], self.taps_KC[tap])
        change = self.down(F.gelu(self.up(self.norm(mixed))))
        return x_BTC + self.scale_C * change, seen[:, -(KERNEL - 1) :]


def run_blocks(blocks: nn.ModuleList, x_BTC: Tensor, past_BLKC: Tensor) -> tuple[Tensor, Tensor]:
    """All blocks in turn, each with its own past."""
    kept = []
    for block, past in zip(blocks, past_BLKC.unbind(1), strict=True):
        x_BTC, past = block(x_BTC, past)
        kept.append(past)
    return x_BTC, torch.stack(kept, 1)


def read_pitch(logits_BFP: Tensor) -> Tensor:
    """Cycles a sample [B, F]: the mean around the likeliest bin, so that a rival octave does not pull."""
    near = torch.arange(-3, 4, device=logits_BFP.device)
    bins = (logits_BFP.argmax(-1, keepdim=True) + near).clamp(0, PITCH_BINS - 1)
    weight = logits_BFP.gather(-1, bins).softmax(-1)
    span = log(PITCH_HIGH_HZ / PITCH_LOW_HZ) / (PITCH_BINS - 1)
    return torch.exp(log(PITCH_LOW_HZ / SAMPLE_RATE_HZ) + span * (weight * bins).sum(-1))


def pulses(rate_BF: Tensor, rate_B: Tensor, phase_B: Tensor) -> tuple[Tensor, Tensor]:
    """Band-limited pulse train [B, F * HOP] of unit power that glides to each frame's rate, and the next phase.

    All harmonics below TOP_HZ with equal strength, by the closed form of the sum of cosines.
    """
    before = torch.cat([rate_B[:, None], rate_BF[:, :-1]], 1)
    turned = torch.cumsum(torch.round((rate_BF + before) * (HOP / 2 * CYCLE)).long(), 1)
    ends = (phase_B[:, None] + turned) % CYCLE
    starts = torch.cat([phase_B[:, None], ends[:, :-1]], 1)
    i = torch.arange(1, HOP + 1, dtype=torch.float32, device=rate_BF.device)
    slope = (rate_BF - before)[..., None]
    cycles = (starts.float() / CYCLE)[..., None] + before[..., None] * i + slope * (i * i / (2 * HOP))
    half = torch.pi * (cycles - torch.round(cycles))
    harmonics = torch.floor(TOP_HZ / SAMPLE_RATE_HZ / torch.maximum(rate_BF, before))[..., None]
    below = torch.sin(half)
    safe = torch.where(below.abs() < 1e-5, torch.ones_like(below), below)
    ratio = torch.where(below.abs() < 1e-5, 2 * harmonics + 1, torch.sin((2 * harmonics + 1) * half) / safe)
    power = torch.sqrt(4 * (before[..., None] + slope * (i / HOP)))  # 1 / sqrt(harmonics / 2), without its jumps
    return ((ratio - 1) * 0.5 * power).flatten(1), ends[:, -1]


class Vocoder(nn.Module):
    """One voice. `start` once a session, `step` once a turn; a floor turn after the last one brings out the tail."""

    def __init__(self):
        super().__init__()
        self.enter = Linear(STACK * MELS, WIDTH)
        self.slow = nn.ModuleList(Block() for _ in range(SLOW_BLOCKS))
        self.pitch = Linear(WIDTH, PITCH_BINS)
        self.split = Linear(WIDTH, SUB * WIDTH)
        self.fast = nn.ModuleList(Block() for _ in range(FAST_BLOCKS))
        self.norm = nn.LayerNorm(WIDTH)
        self.filters = Linear(WIDTH, 3 * BINS)
        noise = torch.randn(NOISE_FRAMES, HOP, generator=torch.Generator().manual_seed(0))
        self.register_buffer("noise_NS", noise, persistent=False)
        self.register_buffer("window_W", torch.hann_window(WINDOW).sqrt(), persistent=False)

    def settle(self) -> Self:
        """For inference, where it lies: nothing is trained any more. On a GPU the linears stay torch's."""
        if self.window_W.device.type == "cpu":
            for linear in (part for part in self.modules() if isinstance(part, Linear)):
                linear.settle(best())
        return self.eval().requires_grad_(False)

    def start(self, batch: int = 1) -> VocoderState:
        """The state before any sound: a quiet past."""

        def zeros(*shape, dtype=torch.float32):
            return torch.zeros(batch, *shape, dtype=dtype, device=self.window_W.device)

        return VocoderState(
            mel_BSM=zeros(STACK - 1, MELS) + FLOOR,
            slow_BLKC=zeros(SLOW_BLOCKS, KERNEL - 1, WIDTH),
            fast_BLKC=zeros(FAST_BLOCKS, KERNEL - 1, WIDTH),
            rate_B=zeros() + 200 / SAMPLE_RATE_HZ,
            phase_B=zeros(dtype=torch.long),
            frame_B=zeros(dtype=torch.long),
            source_B2S=zeros(2, SUB_HOP),
            tail_BS=zeros(SUB_HOP),
        )

    def step(self, mel_BFM: Tensor, state: VocoderState) -> tuple[Tensor, VocoderState]:
        """Sound [B, F * HOP] of these frames (any F >= 4, log10 magnitude as in `dmel.log_mel`), and the next state.

        The sound lags `DELAY` samples: its last sample is the one that ended a hop before the last frame.
        """
        pcm_BS, state, _ = self.analyse(mel_BFM, state)
        return pcm_BS, state

    def flush(self, state: VocoderState) -> tuple[Tensor, VocoderState]:
        """The DELAY samples still inside, by frames of silence; the caller then skips the vocoder in quiet turns."""
        quiet = torch.full((len(state.phase_B), STACK, MELS), FLOOR, device=self.window_W.device)
        pcm_BS, state = self.step(quiet, state)
        return pcm_BS[:, :DELAY], state

    def analyse(self, mel_BFM: Tensor, state: VocoderState, true: tuple[Tensor, Tensor] | None = None):
        """`step` that also gives the pitch logits [B, F, PITCH_BINS].

        The trainer may put in the true pitch: rate_BF in cycles a sample, and where to use it.
        """
        mel = torch.cat([state.mel_BSM, mel_BFM.clamp(FLOOR, CEILING)], 1)
        frames = mel_BFM.shape[1]
        x = self.enter(mel.unfold(1, STACK, 1).flatten(2) + 1.0)
        x, slow = run_blocks(self.slow, x, state.slow_BLKC)
        logits = self.pitch(x).float()
        rate = read_pitch(logits).detach()
        if true is not None:
            rate = torch.where(true[1], true[0], rate)
        x, fast = run_blocks(self.fast, self.split(x).unflatten(2, (SUB, WIDTH)).flatten(1, 2), state.fast_BLKC)
        filters = self.filters(self.norm(x)).float()
        pulse, phase = pulses(rate, state.rate_B, state.phase_B)
        place = state.frame_B[:, None] + torch.arange(frames, device=mel.device)
        noise = self.noise_NS[place % NOISE_FRAMES].flatten(1)
        source = torch.cat([state.source_B2S, torch.stack([pulse, noise], 1)], 2)
        pcm, tail = self.shape(filters, source, state.tail_BS)
        place = (state.frame_B + frames) % NOISE_FRAMES
        kept = mel[:, -(STACK - 1) :], slow, fast, rate[:, -1], phase, place, source[..., -SUB_HOP:], tail
        return pcm, VocoderState(*kept), logits

    def shape(self, filters_BTN: Tensor, source_B2S: Tensor, tail_BS: Tensor) -> tuple[Tensor, Tensor]:
        """Filter the windows of both sources and overlap-add: finished samples, and the half window left over."""
        loud, turn, hiss = filters_BTN.split(BINS, -1)
        spectrum = torch.fft.rfft(source_B2S.unfold(2, WINDOW, SUB_HOP) * self.window_W)
        pulse, noise = spectrum[:, 0], spectrum[:, 1]
        loud = torch.exp(loud.clamp(max=6) - 4)
        mask = torch.complex(loud * torch.cos(turn), loud * torch.sin(turn))
        windows = torch.fft.irfft(pulse * mask + noise * torch.exp(hiss.clamp(max=6) - 4), n=WINDOW) * self.window_W
        left, right = windows.split(SUB_HOP, -1)
        over = torch.cat([tail_BS[:, None], right[:, :-1]], 1)
        return (left + over).flatten(1), right[:, -1]


def load_vocoder(path: Path, device: torch.device = CPU) -> Vocoder:
    """The exported weights, in float32, ready to run there. Raises DataError for a file that holds no vocoder, or values that are no numbers."""
    model = Vocoder()
    try:
        weights = {name: value.float() for name, value in load_file(path).items()}
        model.load_state_dict(weights)
    except (OSError, RuntimeError, SafetensorError) as why:
        raise DataError(f"{path} holds no vocoder of this version ({why}); export it again") from why
    check_finite(path, weights)
    return model.to(device).settle()
