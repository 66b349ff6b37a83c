"""Early fusion: everything that comes in becomes positions of one sequence. No pretrained encoder, no codec.

Sound is a bag of embeddings (one row a channel and level, summed) under a light causal convolution at the frame rate;
pictures are 40x40 patches (`sight`); text and the model's own output tokens share one table.
Source: dMel, arXiv 2407.15835.
"""

from collections.abc import Iterator
from itertools import islice

import torch
import torch.nn.functional as F
from torch import nn

from duologue.config import Config
from duologue.kernels.backward import through
from duologue.media.dmel import FRAMES_PER_TURN, LEVELS, MELS
from duologue.model.layout import AUDIO, CHANNELS, PHONED, PHONES, TEXT
from duologue.model.sight import Sight
from duologue.model.trunk import Linear, Norm

KERNEL, LAYERS = 5, 6
OWN_LAYERS = 2  # what the model says itself need not be recognised
LOOK_BACK, OWN_LOOK_BACK = LAYERS * (KERNEL - 1), OWN_LAYERS * (KERNEL - 1)  # frames before a turn that it depends on
OLDEST = 640  # output slots (64 s): an older token is as old as this
CLOCK_RATES = 12  # of the sines that tell a token's age, with periods from 4 slots to 1,024


class Front(nn.Module):
    """dMel frames to positions of 100 ms. Causal convolutions over frames see what happens within a position and before."""

    def __init__(self, config: Config):
        super().__init__()
        w, self.frames = config.front, FRAMES_PER_TURN // AUDIO
        self.bag = Linear(MELS * LEVELS, w)
        nn.init.normal_(self.bag.weight, std=0.05)
        self.norms = nn.ModuleList(Norm(w) for _ in range(LAYERS))
        self.wide = nn.ModuleList(Linear(KERNEL * w, 2 * w) for _ in self.norms)
        self.narrow = nn.ModuleList(Linear(2 * w, w) for _ in self.norms)
        self.join = Linear(self.frames * w, config.width)
        self.settled: dict[int, torch.Tensor] = {}

    def settle(self, dtype: torch.dtype) -> None:
        """For inference, after the linears: silence is known."""
        self.settled = {layers: self.quiet(layers, dtype).detach() for layers in (LAYERS, OWN_LAYERS)}

    def forward(self, levels: torch.Tensor, dtype: torch.dtype, layers: int) -> torch.Tensor:
        """levels uint8 [B, layers * 4 + F, MELS] through the first `layers` to [B, F // 5, D] fp32.

        The bag is a product with one-hot rows: on a CPU its backward is a matrix product too, where a gather's scatters.
        """
        x = self.bag(_hot(levels, dtype))
        for layer in islice(self.layers(), layers):
            x = x[:, KERNEL - 1 :] + _seen(layer, x)
        return self._positions(x)

    def step(self, levels: torch.Tensor, past_BLKW: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The same for frames as they come: levels [B, F, MELS], and what each layer took in before. Returns positions and what
        it has taken in now; with the bits of `forward`, since a frame depends on no later one."""
        x, taken = self.bag(_hot(levels, past_BLKW.dtype)), []
        for layer, past in zip(self.layers(), past_BLKW.unbind(1), strict=False):
            both = torch.cat([past, x], 1)
            taken.append(both[:, 1 - KERNEL :])
            x = x + _seen(layer, both)
        return self._positions(x), torch.stack(taken, 1)

    def quiet(self, layers: int, dtype: torch.dtype) -> torch.Tensor:
        """What the first `layers` have taken in where there was only silence [1, layers, KERNEL - 1, W]."""
        if layers in self.settled and self.settled[layers].dtype == dtype:
            return self.settled[layers]
        levels = self.bag.weight.new_zeros(1, layers * (KERNEL - 1), MELS, dtype=torch.uint8)
        x, taken = self.bag(_hot(levels, dtype)), []
        for layer in islice(self.layers(), layers):
            taken.append(x[:, 1 - KERNEL :])
            x = x[:, KERNEL - 1 :] + (_seen(layer, x) if x.shape[1] >= KERNEL else 0)
        return torch.stack(taken, 1)

    def layers(self) -> Iterator[tuple[nn.Module, nn.Module, nn.Module]]:
        return zip(self.norms, self.wide, self.narrow, strict=True)

    def _positions(self, x: torch.Tensor) -> torch.Tensor:
        return self.join(x.unflatten(1, (-1, self.frames)).flatten(-2)).float()


def _hot(levels: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return F.one_hot(levels.long(), LEVELS).to(dtype).flatten(-2)


def _seen(layer: tuple[nn.Module, nn.Module, nn.Module], x: torch.Tensor) -> torch.Tensor:
    """What one layer adds to each frame but the first KERNEL - 1."""
    norm, wide, narrow = layer
    return narrow(F.gelu(wide(through(_beside, _beside_back, norm(x).to(x.dtype)))))


def _beside(x: torch.Tensor) -> torch.Tensor:
    """[B, F, W] as [B, F - KERNEL + 1, KERNEL * W], each frame after those before it. Nothing is copied."""
    return x.unfold(1, KERNEL, 1).transpose(-1, -2).flatten(-2)


def _beside_back(dy: torch.Tensor, x: torch.Tensor) -> tuple[torch.Tensor]:
    """A fifth of the time of unfold's own on a CPU."""
    dx = torch.zeros_like(x)
    for k, part in enumerate(dy.chunk(KERNEL, -1)):
        dx[:, k : k + part.shape[1]] += part
    return (dx,)


class Recall(nn.Module):
    """What each channel wrote last and how many output slots ago, known at every output position and just before.

    So a word knows which word it followed, and copying takes one look back instead of two (an induction head: Olsson et al.,
    arXiv 2209.11895); and time since the last word need not be read off the attention's geometry. Starts as nothing.
    """

    def __init__(self, config: Config):
        super().__init__()
        self.last, self.age = Linear(config.width, config.width), Linear(len(CHANNELS) * 2 * CLOCK_RATES, config.width)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.age.weight)
        self.register_buffer("clock", _clock(), persistent=False)

    def forward(self, written: torch.Tensor, age: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """The last tokens as they were written [..., D] and their ages [..., channels], 0 where there is none, to [..., D]."""
        ages = self.clock[age] * (age != 0)[..., None]
        return (self.last(written.to(dtype)) + self.age(ages.flatten(-2).to(dtype))).float()


def _clock() -> torch.Tensor:
    """Sines and cosines of every age [OLDEST + 1, 2 CLOCK_RATES]."""
    periods = 4 * 256 ** (torch.arange(CLOCK_RATES, dtype=torch.float64) / (CLOCK_RATES - 1))
    angles = torch.arange(OLDEST + 1)[:, None] * (2 * torch.pi / periods)
    return torch.cat([angles.cos(), angles.sin()], -1).float()


def last_written(tokens_BSC: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Of whole sequences of output slots: for each slot the last token of each channel before it (0: none) and its age, both [B, S, C]."""
    slots = torch.arange(tokens_BSC.shape[1], device=tokens_BSC.device)[None, :, None]
    at = torch.where(tokens_BSC != 0, slots, -1).cummax(1).values.roll(1, 1)
    at[:, 0] = -1
    last = tokens_BSC.gather(1, at.clamp(min=0)) * (at >= 0)
    return last, (slots - at).clamp(max=OLDEST) * (at >= 0)


class Fuse(nn.Module):
    """Embeddings of every kind of position, each fp32 [..., D]."""

    def __init__(self, config: Config):
        super().__init__()
        d = config.width
        self.front = Front(config)
        self.stem = Sight(d)
        self.tokens = nn.Parameter(torch.randn(config.vocabulary, d) * 0.5)
        self.text_place = nn.Parameter(torch.randn(TEXT, d) * 0.02)
        self.recall, self.phones = Recall(config), Linear(PHONED * PHONES, d)
        nn.init.zeros_(self.phones.weight)
        self.channel = nn.ModuleList(Linear(d, d) for _ in CHANNELS)
        self.kind = nn.Parameter(torch.randn(3, 2, d) * 0.1)  # user's sound, own sound, output: first and second position
        self.decision = nn.Parameter(torch.randn(2, d) * 0.1)
        self.missing = nn.Parameter(torch.zeros(2, d))  # user's sound that never came, own sound never heard

    def user_sound(
        self, levels: torch.Tensor, lost: torch.Tensor, dtype: torch.dtype, recalled_BTD: torch.Tensor | float = 0.0
    ) -> torch.Tensor:
        """levels [B, LOOK_BACK + F, MELS]; lost [B, 2, turns] shares of each turn in 0..1. Returns [B, turns * 2, D].

        `recalled_BTD` is known to the last position, which the first output position is predicted from.
        """
        return self._user(self.front(levels, dtype, LAYERS), lost, recalled_BTD)

    def user_turn(
        self, levels: torch.Tensor, past: torch.Tensor, lost: torch.Tensor, recalled_BTD: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The same live: levels [B, F, MELS] behind `past`, see `Front.step`. Returns positions and the new past."""
        x, past = self.front.step(levels, past)
        return self._user(x, lost, recalled_BTD), past

    def _user(self, x: torch.Tensor, lost: torch.Tensor, recalled_BTD: torch.Tensor | float) -> torch.Tensor:
        x = x.unflatten(1, (-1, AUDIO)) + self.kind[0]
        heard, played = lost[..., None].unbind(1)  # summed in one order, which a product of two numbers a row is not everywhere
        marked = x[:, :, 0] + (heard * self.missing[0] + played * self.missing[1])
        return torch.stack([marked, x[:, :, 1] + recalled_BTD], 2).flatten(1, 2)

    def own_sound(self, levels: torch.Tensor, phones: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """levels [B, OWN_LOOK_BACK + F, MELS] of turns in which the model speaks, phones [B, F // 5, PHONED * PHONES], to [B, F // 5, D]."""
        x = self.front(levels, dtype, OWN_LAYERS)
        return x + self.kind[1].repeat(x.shape[1] // AUDIO, 1) + self.phones(phones.to(dtype)).float()

    def own_position(
        self, levels: torch.Tensor, past: torch.Tensor, phones: torch.Tensor, place: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """One position of it live: levels [B, 5, MELS] behind `past`, phones [B, PHONED * PHONES], the first or second of a turn, to [B, D];
        and the new past."""
        x, past = self.front.step(levels, past)
        return x[:, 0] + self.kind[1, place] + self.phones(phones.to(past.dtype)).float(), past

    def picture(self, patches: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """patches float [B, PATCHES, 40, 40, 3] to [B, VIEW, D]."""
        return self.stem(patches, dtype)

    def text(self, tokens: torch.Tensor, before: torch.Tensor, place: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """tokens, those before them (0: none) and their places in the turn, any equal shape."""
        behind = self.recall.last((F.embedding(before, self.tokens) * (before != 0)[..., None]).to(dtype)).float()
        return F.embedding(tokens, self.tokens) + behind + self.text_place[place]

    def recalled(self, last: torch.Tensor, age: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """Last tokens and their ages [..., channels], as `last_written` has them, to what every output slot knows of them [..., D]."""
        return self.recall(self.written(last, dtype), age, dtype)

    def output(self, tokens_C: torch.Tensor, place: int, speak: torch.Tensor | None, dtype: torch.dtype) -> torch.Tensor:
        """tokens [..., channels] of one output position; `speak` [...] with the second position only."""
        x = self.kind[2, place] + self.written(tokens_C, dtype)
        return x if speak is None else x + F.embedding(speak.long(), self.decision)

    def written(self, tokens_C: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """Tokens [..., channels], 0 where there is none, each in its channel's own way: their sum [..., D]."""
        x = self.tokens.new_zeros(*tokens_C.shape[:-1], self.tokens.shape[1])
        for channel, project in enumerate(self.channel):
            token = tokens_C[..., channel]
            if token.is_cpu and not torch.is_grad_enabled() and not token.any():  # a GPU would have to stop and answer
                continue
            y = project(F.embedding(token, self.tokens).to(dtype)).float()
            x = x + y * (token != 0)[..., None]
        return x
