"""Windows to flat batches: side by side, every position pointing into the table of embeddings. Read `collate` first."""

from functools import cache

import numpy as np
import torch

from duologue.data.labels import HEAR_LAG_TURNS
from duologue.data.labels import LETTERS as ALPHABET
from duologue.media import dmel
from duologue.media.patches import cut as cut_patches
from duologue.media.text import VOCABULARY, Tokenizer
from duologue.model.batch import Batch
from duologue.model.flow import normalise
from duologue.model.fuse import LOOK_BACK, OWN_LOOK_BACK
from duologue.model.layout import AUDIO, BEFORE, CHANNELS, LETTERS, OUT, PHONED, A, I, T, V, X
from duologue.train.disturb import disturb
from duologue.train.windows import FRAMES, Window


def collate(clean: list[Window], positions: int, rng: np.random.Generator | None) -> Batch:
    """Puts windows side by side, padded to `positions`; disturbed when `rng` is given."""
    rows = [disturb(w, rng) for w in clean] if rng is not None else clean
    turns = max(len(w.speak) for w in rows)
    user = np.full((len(rows), LOOK_BACK + turns * FRAMES, dmel.MELS), dmel.FLOOR, np.float32)
    tokens, given = (np.zeros((len(rows), turns, OUT, len(CHANNELS)), np.int64) for _ in range(2))
    speak, important = (np.zeros((len(rows), turns), np.int64) for _ in range(2))
    lost = np.zeros((len(rows), 2, turns), np.float32)
    for b, w in enumerate(rows):
        t = len(w.speak)
        user[b, : len(w.user)], tokens[b, :t], given[b, :t] = w.user, w.tokens, w.given
        speak[b, :t], important[b, :t], lost[b, :, :t] = w.speak, w.important, w.lost
    own, target = _speaking(rows, clean)
    text = [np.argwhere(w.typed != 0) for w in rows]
    texts = [w.typed[tuple(at.T)].astype(np.int64) for w, at in zip(rows, text, strict=True)]
    before = [np.concatenate([[0], tokens])[:-1] for tokens in texts]
    source, time, outputs, output_of, sounds = _pointers(rows, turns, positions, len(own), [len(at) for at in text])
    own_phones, words = (np.concatenate([of(w) for w in rows]) for of in (_own_phones, _own_words))
    values = (
        dmel.quantise(user), lost, dmel.quantise(own), target,
        np.concatenate(texts), np.concatenate(before), np.concatenate(text)[:, 1], tokens, given,
        speak, important, source, time, outputs, output_of, sounds, *(_positions(rows, kind, positions) for kind in (A, I)), _beside(rows, positions),
        np.concatenate([_letters(w) for w in rows]), own_phones,
        np.concatenate([own_phones[:, BEFORE], words], 1), _begun([w.speak for w in rows]), _spelled(rows),
        cut_patches(np.concatenate([w.pictures for w in rows])), np.concatenate([w.moved for w in rows]).astype(np.int64),
    )  # fmt: skip
    return Batch(*(torch.from_numpy(np.ascontiguousarray(v)) for v in values))


def _positions(rows: list[Window], kind: int, positions: int) -> np.ndarray:
    """Flat indices of all positions of a kind."""
    return np.concatenate([row * positions + np.flatnonzero(w.flat.kind_N == kind) for row, w in enumerate(rows)])


def _beside(rows: list[Window], positions: int) -> np.ndarray:
    """Positions of turns in which the camera sees what nobody speaks of, but for the pictures': bool [B, N]."""
    found = np.zeros((len(rows), positions), bool)
    for row, w in zip(found, rows, strict=True):
        row[: len(w.flat.kind_N)] = (w.beside[w.flat.turn_N] != 0) & (w.flat.kind_N != I)
    return found


def _spelled(rows: list[Window]) -> np.ndarray:
    """The letters of the words heard in each row, in order, 1 to LETTERS: int64 [B, S], 0 behind the last."""
    spelling = _spelling()
    letters = [[n for token in w.tokens[2 * HEAR_LAG_TURNS :, :, 0].flatten() for n in spelling[token]] for w in rows]
    spelled = np.zeros((len(rows), max(1, *map(len, letters))), np.int64)
    for row, line in zip(spelled, letters, strict=True):
        row[: len(line)] = line
    return spelled


@cache
def _spelling() -> list[list[int]]:
    """For each token the letters that it spells, 1 to LETTERS."""
    tokenizer = Tokenizer()
    return [[1 + ALPHABET.index(a) for a in tokenizer.letters(i) if a in ALPHABET] for i in range(VOCABULARY)]


def _letters(window: Window) -> np.ndarray:
    """Letters at each position of the user's sound and at the one before it, float32 [2 T, 2 * LETTERS]."""
    bits = window.letters.reshape(-1, 1) >> np.arange(LETTERS, dtype=np.uint32) & 1
    before = np.concatenate([np.zeros_like(bits[:1]), bits[:-1]])
    return np.concatenate([bits, before], 1).astype(np.float32)


def _own_phones(window: Window) -> np.ndarray:
    """Phonemes in the two positions before each position of own sound, in it and in the one after, 0 for none: int64 [2 S, 4 * PHONED]."""
    speaking = (window.speak != 0)[:, None]
    spoken, after = ((phones * speaking).astype(np.int64).reshape(-1, PHONED) for phones in (window.own_phones, window.own_ahead))
    behind = np.concatenate([np.zeros((2, PHONED), np.int64), spoken])
    return np.concatenate([behind[:-2], behind[1:-1], spoken, after], 1)[np.repeat(window.speak != 0, AUDIO)]


def _own_words(window: Window) -> np.ndarray:
    """Tokens written for each position of own sound, both of a turn at its first, and which of the two it is: int64 [2 S, OUT + 1]."""
    said = window.given[window.speak != 0, :, CHANNELS.index("say")].astype(np.int64)
    first, second = np.insert(said, OUT, 0, 1), np.insert(np.zeros_like(said), OUT, 1, 1)
    return np.stack([first, second], 1).reshape(-1, OUT + 1)


def _begun(speaks: list[np.ndarray]) -> np.ndarray:
    """For each position of own sound of all rows the one that began its speech: int64 [2 S]."""
    begins = np.concatenate([np.repeat((np.diff(speak != 0, prepend=False) & (speak != 0))[speak != 0], AUDIO) for speak in speaks])
    begins[1::2] = False
    return np.maximum.accumulate(np.where(begins, np.arange(len(begins)), 0))


def _speaking(rows: list[Window], clean: list[Window]) -> tuple[np.ndarray, np.ndarray]:
    """Own-sound history [S, OWN_LOOK_BACK + 10, MELS] of the speaking turns, and the flow head's targets [2 S, 400]."""
    own, target = [], []
    for w, c in zip(rows, clean, strict=True):
        for turn in np.flatnonzero(w.speak):
            at = slice(turn * FRAMES, OWN_LOOK_BACK + (turn + 1) * FRAMES)
            own.append(w.own[at])
            target.append(c.own[at][OWN_LOOK_BACK:].reshape(AUDIO, -1))
    if not own:
        return np.zeros((0, OWN_LOOK_BACK + FRAMES, dmel.MELS), np.float32), np.zeros((0, 400), np.float32)
    return np.stack(own).astype(np.float32), normalise(np.concatenate(target)).astype(np.float32)


def _pointers(rows: list[Window], turns: int, positions: int, speaking: int, texts: list[int]):
    """Where each position's embedding lies in the table of `InteractionModel.embed`, and which positions are predicted."""
    b = len(rows)
    base = {A: 1, V: 1 + b * turns * AUDIO}
    base[T] = base[V] + speaking * AUDIO
    base[X] = base[T] + sum(texts)
    base[I] = base[X] + b * turns * OUT
    source, time = (np.zeros((b, positions), np.int64) for _ in range(2))
    outputs, output_of, sounds = [], [], []
    spoken = written = shown = 0
    for row, w in enumerate(rows):
        kind, turn, place, when = w.flat
        n = len(kind)
        grid = (row * turns + turn) * AUDIO + place
        where = np.select([kind == A, kind == X], [base[A] + grid, base[X] + grid])
        where[kind == V] = base[V] + spoken + np.arange((kind == V).sum())
        where[kind == T] = base[T] + written + np.arange((kind == T).sum())
        where[kind == I] = base[I] + shown + np.arange((kind == I).sum())
        spoken, written, shown = spoken + (kind == V).sum(), written + (kind == T).sum(), shown + (kind == I).sum()
        source[row, :n], time[row, :n] = where, when
        at = row * positions + np.arange(n)
        outputs.append(at[kind == X])
        output_of.append(grid[kind == X])
        sounds.append(at[kind == V])
    return source, time, *(np.concatenate(x) for x in (outputs, output_of, sounds))
