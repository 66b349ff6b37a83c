"""The own voice alone, the trunk as it is: `duologue train mouth --out DIR`. Read `mouth` first.

In a conversation the model says a few short answers; here it also reads some twenty sentences a second of which it hears nothing.
"""

from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import IterableDataset, get_worker_info

from duologue.data.shards import Recipe
from duologue.data.unspoken import Sentence, sentences
from duologue.model import checkpoint
from duologue.model.batch import Read, Told
from duologue.model.interaction import UNSURE, InteractionModel
from duologue.model.layout import AUDIO, OUT, PHONED
from duologue.model.pronouncing import ENTRY, FRAMES, SPOKEN
from duologue.train.feed import Steps, by_step, loaded
from duologue.train.itself import heard_itself
from duologue.train.loop import Plan, rank_and_world, train
from duologue.train.pretrain import ROUNDS
from duologue.train.windows import stored

STRETCHES = 4  # of sentences for each window of conversation
USES, KEPT, FIRST = 12, 40_000, 4  # how often a sentence is drawn, about; those that a process draws from; batches of them to begin with
LONGEST = 2 * SPOKEN


def mouth(source: Path | Recipe, plan: Plan, rows: int, init: Path) -> InteractionModel:
    """Phonemes and the flow head, from `init`; all else in the model stays as it is. Goes on where `plan.out` stopped."""
    torch.manual_seed(plan.seed)
    model = checkpoint.load(init)[0].train()
    rank, world = rank_and_world()
    talk = by_step(source if isinstance(source, Recipe) else stored(source), rows, plan.seed, plan.device)
    mine = STRETCHES * max(1, rows // world)
    read = Steps(lambda step: loaded(Sentences(mine, [plan.seed, step, rank]), plan.device, world))
    return train(model, lambda step: Told(talk(step), read(step)), lambda m, told: _losses(m, told, plan, ROUNDS[read.following % len(ROUNDS)]), plan)


def _losses(model: InteractionModel, told: Told, plan: Plan, rounds: int) -> dict[str, torch.Tensor]:
    for _ in range(rounds):
        told.talk = heard_itself(model, told.talk, plan.dtype)
    read = said_itself(model, told.read, plan.dtype) if rounds else told.read
    return model.mouth_loss(Told(told.talk, read), plan.dtype)


@torch.no_grad()
def said_itself(model: InteractionModel, read: Read, dtype: torch.dtype) -> Read:
    """Some positions of each stretch, up to all, follow what the model would have decided and not what was to be said: it learns to
    catch up. As `itself.heard_itself` for sound."""
    unknown = torch.zeros(*read.asked_SN.shape, model.config.width, device=read.spoken_SNE.device)
    states = model.pronouncing.read(read.spoken_SNE, dtype)
    found = model.pronouncing.decide(*(x.flatten(0, 1) for x in (states, unknown, read.phones_SNP[..., 0])), dtype)
    own = torch.rand(len(states), LONGEST - 1, 1, device=found.device) < torch.rand(len(states), 1, 1, device=found.device)
    spoken, phones = read.spoken_SNE.clone(), read.phones_SNP.clone()
    spoken[:, 1:, :PHONED] = torch.where(own, found.unflatten(0, states.shape[:2])[:, :-1, :PHONED], spoken[:, 1:, :PHONED])
    phones[:, 1:, 0] = spoken[:, 1:, PHONED - 1]
    return Read(spoken, phones, read.asked_SN)


class Sentences(IterableDataset):
    """Stretches of sentences that each process times by itself, with the same bits for the same seed, first step and number of processes."""

    def __init__(self, rows: int, seed: list[int]):
        self.rows, self.seed = rows, seed

    def __iter__(self) -> Iterator[Read]:
        worker = get_worker_info()
        rng = np.random.default_rng([*self.seed, worker.id if worker else 0])
        coming = sentences(rng)
        pool = deque(islice(coming, FIRST * self.rows), KEPT)
        while True:
            pool.extend(islice(coming, max(1, self.rows // USES)))
            yield stretched([pool[k] for k in rng.integers(len(pool), size=self.rows)], rng)


def stretched(found: list[Sentence], rng: np.random.Generator) -> Read:
    """LONGEST positions of each, from its beginning or, of a longer one, from anywhere."""
    shape = len(found), LONGEST
    spoken, phones, asked = np.zeros((*shape, ENTRY), np.int64), np.zeros((*shape, 1 + FRAMES), np.int64), np.zeros(shape, bool)
    for row, one in enumerate(found):
        entries, wanted = as_positions(one)
        first = int(rng.integers(max(0, len(entries) - LONGEST) + 1))
        n = min(len(entries), LONGEST)
        spoken[row, :n], phones[row, :n] = entries[first : first + n], wanted[first : first + n]
        asked[row, UNSURE if first else 0 : n] = True
    return Read(*map(torch.from_numpy, (spoken, phones, asked)))


def as_positions(one: Sentence) -> tuple[np.ndarray, np.ndarray]:
    """What `pronouncing` remembers of its positions [2 S, ENTRY], and what it decides on there, behind the last phoneme before."""
    spoken, ahead = (a.reshape(-1, PHONED).astype(np.int64) for a in (one.phones, one.ahead))
    before = np.concatenate([np.zeros((1, PHONED), np.int64), spoken[:-1]])
    place = np.arange(len(spoken)) % AUDIO
    words = np.where(place[:, None] == 0, np.repeat(one.say, AUDIO, 0), 0).reshape(-1, OUT)
    return np.concatenate([before, words, place[:, None]], 1), np.concatenate([before[:, -1:], spoken, ahead], 1)
