"""Sight alone learns to name what it sees: `duologue train eyes --out DIR`. Read `eyes` first.

A conversation shows a few things a minute; here there are some hundred a second, and no trunk to wait for.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import IterableDataset, get_worker_info

from duologue.config import Config
from duologue.data import seen
from duologue.media.patches import cut
from duologue.media.text import Tokenizer
from duologue.model import checkpoint
from duologue.model.batch import Looks
from duologue.model.eyes import eye_loss
from duologue.model.interaction import InteractionModel
from duologue.train.feed import Steps, loaded
from duologue.train.loop import Plan, rank_and_world, train

USES, KEPT = 8, 30_000  # how often a picture is drawn, about; pictures that a process draws from


def eyes(config: Config, plan: Plan, rows: int = 64, init: Path | None = None) -> InteractionModel:
    """From `init` or from nothing; all else in the model stays as it is. Goes on where `plan.out` stopped."""
    torch.manual_seed(plan.seed)
    model = checkpoint.load(init)[0].train() if init else InteractionModel(config)
    seen.look(np.random.default_rng(0), "train")  # here, once: what is not installed is said in one line
    rank, world = rank_and_world()
    mine = max(1, rows // world)
    batch_of = Steps(lambda step: loaded(Glances(mine, [plan.seed, step, rank]), plan.device, world))
    return train(model, batch_of, lambda m, looks: eye_loss(m, looks, plan.dtype), plan)


class Glances(IterableDataset):
    """Batches that each process draws by itself, with the same bits for the same seed, first step and number of processes."""

    def __init__(self, rows: int, seed: list[int]):
        self.rows, self.seed = rows, seed

    def __iter__(self) -> Iterator[Looks]:
        worker = get_worker_info()
        rng = np.random.default_rng([*self.seed, worker.id if worker else 0])
        sizes, words = tuple(seen.ASPECTS.values()), [written(of) for of in (seen.WORDS, seen.THERE)]
        for pictures, *about in seen.looks(rng, self.rows, USES, KEPT):
            shown = torch.from_numpy(np.ascontiguousarray(cut(pictures)))
            yield Looks(shown, *map(torch.from_numpy, about), *words, sizes, seen.GROUPS)


def written(words: Sequence[str]) -> torch.Tensor:
    """Their tokens [words, most pieces of one], 0 behind the last."""
    tokenizer = Tokenizer()
    return pad_sequence([torch.tensor(tokenizer.encode(word)) for word in words], batch_first=True)
