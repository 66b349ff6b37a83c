"""How much of a folder of shards a model predicts, given the true past (teacher forcing): `duologue train forced SHARDS`.

The cheapest look at learning: seconds, no sampling, no judge. It is kinder than any live figure: the true past holds the very
recordings of the replies, and what a word will be can be read from the sound before it. So what is said is looked at three
times more, each without one part of the past (`WITHOUT`). Read `forced` first.
"""

from collections import Counter
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import torch

from duologue.evals.stats import rate
from duologue.evals.wording import errors
from duologue.kernels.ops import fast_dtype
from duologue.model.batch import Batch
from duologue.model.heads import DECISION
from duologue.model.interaction import InteractionModel
from duologue.model.layout import CHANNELS
from duologue.train.batches import collate
from duologue.train.feed import POSITIONS
from duologue.train.windows import BEFORE, FIRST_TURNS, Shards, cut, stored


def _own_silent(batch: Batch) -> Batch:
    return replace(batch, own_SFM=torch.zeros_like(batch.own_SFM))


def _user_silent(batch: Batch) -> Batch:
    return replace(batch, user_BFM=torch.zeros_like(batch.user_BFM))


def _no_words(batch: Batch) -> Batch:
    return replace(batch, given_BTXC=batch.given_BTXC * torch.tensor([0, 1, 1, 1]))


WITHOUT = {  # parts of the past
    "own voice silent": _own_silent,  # far below "say token": recordings of replies were learned, not answers
    "user silent": _user_silent,  # far above: the sound is believed and not the words written down from it
    "no words": _no_words,  # nothing can be guessed from the words before
}
TURNS = 120  # of a window: at most POSITIONS positions unless the model speaks or is typed at all the time


def forced(model: InteractionModel, folder: Path, windows: int = 40) -> dict[str, dict]:
    """Rates by name: tokens right by channel (where there is a token), gates right, decisions right at events.

    `windows` are of 24 s, spread evenly over the shards.
    """
    right, seen = Counter(), Counter()
    for batch in _batches(stored(folder), windows):
        for name, hits in (_hits(model, batch) | _without(model, batch)).items():
            right[name] += int(hits.sum())
            seen[name] += len(hits)
        wrong, letters = _letters(model, batch) if model.ctc.weight.any() else (0, 0)
        right["letters of the front"] += max(0, letters - wrong)
        seen["letters of the front"] += letters
    return {name: rate(right[name], seen[name]) for name in seen if seen[name]}


def _without(model: InteractionModel, batch: Batch) -> dict[str, torch.Tensor]:
    """What is said, and at last what is heard, when a part of the past is missing."""
    found = {name: _hits(model, change(batch)) for name, change in WITHOUT.items()}
    return {f"say, {name}": hits["say token"] for name, hits in found.items()} | {"hear, no words": found["no words"]["hear token"]}


def _batches(shards: Shards, windows: int):
    """Undisturbed windows, one at a time."""
    rng = np.random.default_rng(0)
    for i in range(windows):
        shard = shards.shards[i % len(shards.shards)]
        start = BEFORE + (len(shard["speak"]) - TURNS - BEFORE) * i // windows
        window = cut(shard, start, start + TURNS, int(rng.integers(FIRST_TURNS)))
        yield collate([window], max(POSITIONS, len(window.flat.kind_N)), None)


@torch.no_grad()
def _letters(model: InteractionModel, batch: Batch) -> tuple[int, int]:
    """Letters wrong (Levenshtein distance) in what the front alone spells, likeliest at each step, and how many there are."""
    wrong = 0
    for steps, wanted in zip(model.spelled(model.sound(batch, fast_dtype()), batch), batch.spelled_BS.tolist(), strict=True):
        spelled = [n for n, _ in groupby(steps.argmax(-1).tolist()) if n]
        wrong += errors(spelled, [n for n in wanted if n])
    return wrong, int((batch.spelled_BS > 0).sum())


@torch.no_grad()
def _hits(model: InteractionModel, batch: Batch) -> dict[str, torch.Tensor]:
    dtype = fast_dtype()
    hidden = model.hidden(batch, dtype)
    before = hidden.index_select(0, batch.outputs_R - 1)
    tokens_RC = batch.tokens_BTXC.flatten(0, 2).index_select(0, batch.output_of_R)
    gates, hits = model.heads.gate(before) > 0, {}
    for c, name in enumerate(CHANNELS):
        there = tokens_RC[:, c] != 0
        logits = model.heads.logits(c, before[there], model.fuse.tokens, dtype)
        hits[f"{name} token"] = logits.argmax(-1) == tokens_RC[there, c]
        hits[f"{name} gate"] = gates[there, c]
    second = batch.output_of_R % 2 == 1
    turns = batch.output_of_R[second] // 2
    matters = batch.important_BT.flatten()[turns] != 0
    hits["decision"] = (gates[second, DECISION] == (batch.speak_BT.flatten()[turns] != 0))[matters]
    return hits
