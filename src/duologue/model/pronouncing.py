"""Which phonemes the own voice says: decided before the sound is drawn, from the words written and the phonemes so far.

A small trunk of its own reads the positions of own sound of this speech and nothing else: what it must learn, spelling and lengths
of sounds, can be learned from sentences that were never spoken. What is being said then stands in the history as clearly as a
token, whatever became of the sound. It looks one position ahead: how a sound ends hangs on the one that comes, and of twenty
frames to come nineteen belong to a word that is written already (docs/log.md).
"""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import nn

from duologue.config import Config
from duologue.kernels.ops import Ops
from duologue.media.text import ALPHABET, VOCABULARY, Tokenizer
from duologue.model.layout import AUDIO, LETTERS, OUT, PHONED, PHONES
from duologue.model.ring import SPARE, Cache
from duologue.model.trunk import Linear, Trunk

SPOKEN = 24  # positions of own sound that each position sees: 2.4 s
CAPACITY = 2 * SPOKEN + SPARE  # places in its ring
SPELLED = 12  # letters of a token that are read
WIDE = 128  # of the hidden layer that weighs a phoneme against the one before it
HEAD_WIDTH = 64
FRAMES = 2 * PHONED  # decided at once: this position's, and the next one's as far as its words are written
HASTE = 0.7  # against staying with a phoneme: it is sure to end soon and unlikely to at any one frame, so the likeliest would stay too long
ENTRY = PHONED + OUT + 1  # numbers of one position


class Pronouncing(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        w = config.mouth
        heads = w // HEAD_WIDTH
        self.trunk = Trunk(
            replace(
                config, width=w, layers=config.mouth_layers, heads=heads, kv_heads=heads, head_width=HEAD_WIDTH,
                hidden=w // 12 * 32, experts=0, window=SPOKEN,
            ),
            CAPACITY,
        )  # fmt: skip
        self.tokens = nn.Parameter(torch.randn(OUT, config.vocabulary, w) * 0.02)
        self.letters = nn.Parameter(torch.randn(OUT, SPELLED, 1 + LETTERS, w) * 0.05)
        self.phones, self.place = Linear(PHONED * PHONES, w), nn.Parameter(torch.zeros(AUDIO, w))
        self.each, self.bias = Linear(w, FRAMES * PHONES), nn.Parameter(torch.zeros(FRAMES, PHONES))
        self.enter, self.leave = Linear(w, WIDE), Linear(WIDE, PHONES)
        self.context = Linear(config.width, w)
        self.before = nn.Parameter(torch.randn(PHONES, WIDE) * 0.5)
        self.register_buffer("spelling", spelling(config.vocabulary), persistent=False)
        self.register_buffer("staying", torch.diag((torch.arange(PHONES) > 0).float()) * HASTE, persistent=False)
        self.written = None

    def settle(self, ops: Ops) -> None:
        """For inference, after the linears: what each token says is looked up."""
        self.trunk.settle(ops)
        each = torch.arange(len(self.spelling), device=self.spelling.device)
        self.written = torch.stack([self._written(each, slot) for slot in range(OUT)]).detach()

    def forward(self, spoken_BNE: torch.Tensor, hidden_BND: torch.Tensor, phones: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """fp32 logits [B, N, FRAMES, PHONES] at every position of speeches from their beginning, each frame's after the true phoneme
        of the one before; phones [B, N, 1 + FRAMES]. `hidden` is the large trunk's state before each: when to begin, it alone knows."""
        frames, known = self._frames(self.read(spoken_BNE, dtype), hidden_BND, dtype)
        return frames + self._after(known[..., None, :], phones[..., :-1])

    def decide(self, read_BW: torch.Tensor, hidden_BD: torch.Tensor, before_B: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """The likeliest of each frame after the one before, with HASTE [B, FRAMES]; `before` is that of the frame before all, 0 for none."""
        frames, known = self._frames(read_BW, hidden_BD, dtype)
        each = torch.arange(PHONES, device=before_B.device).expand(len(before_B), -1)
        after = self._after(known[:, None], each) - self.staying
        rows, found = torch.arange(len(before_B), device=before_B.device), [before_B]
        for frame in frames.unbind(1):
            found.append((frame + after[rows, found[-1]]).argmax(-1))
        return torch.stack(found[1:], -1)

    def read(self, spoken_BNE: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """Speeches from their beginning, of entries (see `entry`), to fp32 [B, N, W]."""
        time = torch.arange(spoken_BNE.shape[1], device=spoken_BNE.device).expand(len(spoken_BNE), -1)
        return self.trunk(self._embed(spoken_BNE, dtype), time, dtype)

    def extend(self, spoken_BE: torch.Tensor, valid_B: torch.Tensor, cache: Cache) -> torch.Tensor:
        """One position more of each speech, with the bits of `read`: fp32 [B, W]."""
        x = self._embed(spoken_BE[:, None], cache.ring_LBCGK.dtype)
        time_B1 = cache.count_B[:, None].clone()  # the cache counts on where it is
        return self.trunk.extend(x, time_B1, valid_B[:, None], cache)[:, 0]

    def _embed(self, spoken_BNE: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        phones, tokens, half = spoken_BNE.split([PHONED, OUT, 1], -1)
        x = self.phones(marked(phones).to(dtype)).float() + F.embedding(half[..., 0], self.place)
        for slot in range(OUT):
            token = tokens[..., slot]
            written = self._written(token, slot) if self.written is None else F.embedding(token, self.written[slot])
            x = x + written * (token > 0)[..., None]
        return x

    def _written(self, token: torch.Tensor, slot: int) -> torch.Tensor:
        return F.embedding(token, self.tokens[slot]) + self._letters(token, slot)

    def _letters(self, token: torch.Tensor, slot: int) -> torch.Tensor:
        """What the letters of each token say, wherever they stand in it: a token that is seldom seen is spelled like others."""
        at = self.spelling[token] + torch.arange(SPELLED, device=token.device) * (1 + LETTERS)
        weights = (self.spelling[token] > 0).to(self.letters.dtype)
        bags = F.embedding_bag(at.flatten(0, -2), self.letters[slot].flatten(0, 1), per_sample_weights=weights.flatten(0, -2), mode="sum")
        return bags.unflatten(0, token.shape)

    def _frames(self, read: torch.Tensor, hidden: torch.Tensor, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = (read + self.context(hidden.to(dtype)).float()).to(dtype)
        return self.each(hidden).float().unflatten(-1, (FRAMES, PHONES)) + self.bias, self.enter(hidden)

    def _after(self, known: torch.Tensor, phones: torch.Tensor) -> torch.Tensor:
        return self.leave(F.silu(known + F.embedding(phones, self.before).to(known.dtype))).float()


def spelling(vocabulary: int) -> torch.Tensor:
    """The first letters of every token, 1 to LETTERS, then 0: [vocabulary, SPELLED]."""
    tokenizer, known = Tokenizer(), range(min(vocabulary, VOCABULARY))
    letters = [[1 + ALPHABET.find(a) for a in tokenizer.letters(token)[:SPELLED]] for token in known]
    rows = [row + [0] * (SPELLED - len(row)) for row in letters] + [[0] * SPELLED] * (vocabulary - len(known))
    return torch.tensor(rows)


def entry(phones_BP: torch.Tensor, tokens_BX: torch.Tensor, half: int) -> torch.Tensor:
    """What is remembered of a position: the phonemes of the one before it, the words written since then, which half of the turn it is."""
    return torch.cat([phones_BP, tokens_BX, torch.full_like(phones_BP[:, :1], half)], 1)


def marked(phones: torch.Tensor) -> torch.Tensor:
    """Phonemes [..., P] as flow head and fusion take them: 0 or 1 [..., P * PHONES], none a row of zeros."""
    each = torch.arange(PHONES, device=phones.device)
    return ((phones[..., None] == each) & (each > 0)).float().flatten(-2)
