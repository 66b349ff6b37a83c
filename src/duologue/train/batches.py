"""Shards to flat batches. A shard is one long stream of turns; windows of a fixed number of positions are cut from it.

Conversations follow each other inside a window, as they do in a session that goes on: the ring is never only one script.
Read `Shards.draw` and `collate` first.
"""

from collections import deque
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file

from duologue.data.labels import HEAR_LAG_TURNS
from duologue.data.labels import LETTERS as ALPHABET
from duologue.data.seen import disturbed as disturbed_pictures
from duologue.errors import DataError
from duologue.media import dmel
from duologue.media.patches import cut as cut_patches
from duologue.media.patches import from_jpeg
from duologue.media.text import VOCABULARY, Tokenizer
from duologue.model.flow import normalise
from duologue.model.fuse import LOOK_BACK, OWN_LOOK_BACK
from duologue.model.interaction import LETTERS, Batch
from duologue.model.layout import AUDIO, CHANNELS, OUT, PATCHES, A, Flat, I, T, V, X, flatten
from duologue.turn import PICTURE_HEIGHT, PICTURE_WIDTH

BEFORE = -(-LOOK_BACK // dmel.FRAMES_PER_TURN)  # turns before a window that its first turn depends on
FIRST_TURNS = 100_000  # windows start at a random turn of a session up to 5.5 hours long
FRAMES = dmel.FRAMES_PER_TURN
HURRY, HURRY_FRAMES = 0.2, 100  # spread of the speed (log), and how long it stays about the same
COLOUR_POINTS = 6
MISHEARD = (0.0, 0.0, 0.3, 1.0)  # share of heard words that a disturbed window shows wrongly
FORGOTTEN = (0.0, 0.0, 0.3, 1.0)  # share of its turns whose own sound a disturbed window forgets
NEEDED = ("user_mel", "own_mel", *CHANNELS, "shown", "letters", "own_letters", "speak", "typed", "missing", "important")
UNASKED = -1  # in place of a wanted token: nothing is asked of this channel here


@dataclass(slots=True)
class Window:
    """Some turns of a stream, ready to be put beside others."""

    user: np.ndarray  # float log-mel [LOOK_BACK + T * 10, MELS]
    own: np.ndarray  # the same of the own sound [OWN_LOOK_BACK + T * 10, MELS]
    tokens: np.ndarray  # [T, 2, channels]
    given: np.ndarray  # the same as the model's own history shows them
    speak: np.ndarray
    important: np.ndarray
    typed: np.ndarray  # [T, 8]
    lost: np.ndarray  # [2, T]
    letters: np.ndarray  # uint32 [T, 2]
    own_letters: np.ndarray
    flat: Flat
    pictures: np.ndarray  # uint8 [pictures, height, width, 3] in the order of their turns


class Shards:
    """Shards held in memory, the last `most` of them; `draw` cuts windows at random places of random shards.

    Ten minutes take about 5 MB, and up to 12 MB more where there are pictures, which stay JPEG files until drawn.
    """

    def __init__(self, most: int | None = None):
        self.shards: deque[dict[str, np.ndarray]] = deque(maxlen=most)
        self.ends: deque[np.ndarray] = deque(maxlen=most)

    def add(self, shard: dict[str, np.ndarray]) -> int:
        """One more to draw from; returns its positions."""
        self.shards.append(shard)
        self.ends.append(np.cumsum(_positions(shard)))
        return int(self.ends[-1][-1])

    def draw(self, positions: int, rng: np.random.Generator) -> Window:
        """A window of at most `positions`, from any turn of any shard."""
        shard = int(rng.integers(len(self.shards)))
        ends = self.ends[shard]
        last = int(np.searchsorted(ends, ends[-1] - positions))
        start = int(rng.integers(BEFORE, max(BEFORE + 1, last)))
        stop = int(np.searchsorted(ends, ends[start - 1] + positions, side="right"))
        return cut(self.shards[shard], start, stop, int(rng.integers(FIRST_TURNS)))


def stored(folder: Path) -> Shards:
    """All shards of a folder. Raises DataError when there are none, or older ones."""
    paths, shards = sorted(folder.glob("*.safetensors")), Shards()
    if not paths:
        raise DataError(f"no shards (*.safetensors) in {folder}; make some with `duologue synth shards --out {folder}`")
    for path in paths:
        shards.add(_read(path))
    return shards


def _read(path: Path) -> dict[str, np.ndarray]:
    shard = load_file(path)
    if absent := [name for name in NEEDED if name not in shard]:
        raise DataError(f"{path} has no {', '.join(absent)}: an older version made it; make it again with `duologue synth shards`")
    return shard


def _positions(shard: dict[str, np.ndarray]) -> np.ndarray:
    """How many positions each turn has."""
    return 4 + 2 * (shard["speak"] != 0) + (shard["typed"] != 0).sum(1) + _patches(shard)


def _patches(shard: dict[str, np.ndarray]) -> np.ndarray | int:
    """How many patches each turn has."""
    return PATCHES * (shard["jpeg_bytes"] != 0) if "jpeg" in shard else 0


def _pictures(shard: dict[str, np.ndarray], turns: slice) -> np.ndarray:
    """The pictures of these turns, uint8 [pictures, height, width, 3]."""
    none = np.zeros((0, PICTURE_HEIGHT, PICTURE_WIDTH, 3), np.uint8)
    if "jpeg" not in shard:
        return none
    sizes, at = shard["jpeg_bytes"][turns], int(shard["jpeg_bytes"][: turns.start].sum(dtype=np.int64))
    ends = at + np.cumsum(sizes, dtype=np.int64)
    files = [shard["jpeg"][end - size : end].tobytes() for end, size in zip(ends, sizes, strict=True) if size]
    return np.stack([from_jpeg(file) for file in files]) if files else none


def cut(shard: dict[str, np.ndarray], start: int, stop: int, first_turn: int) -> Window:
    """Turns start..stop of a stream (start >= BEFORE, for the frames before)."""
    turns = slice(start, stop)

    def frames(name: str, before: int) -> np.ndarray:
        return dmel.from_fine(shard[name][start - BEFORE : stop].reshape(-1, dmel.MELS)[BEFORE * FRAMES - before :])

    own = frames("own_mel", OWN_LOOK_BACK)
    quiet = np.repeat(shard["speak"][start - 1 : stop] == 0, FRAMES)[FRAMES - OWN_LOOK_BACK :]
    own[quiet] = dmel.FLOOR  # as in a live session, where a quiet turn has no own sound at all
    tokens = np.stack([shard[name][turns] for name in CHANNELS], -1)
    given = tokens.copy()
    given[..., 0] = np.where(tokens[..., 0] == 0, shard["shown"][turns], tokens[..., 0])
    lost = np.stack([shard["missing"][turns] / 20, np.zeros(stop - start)])
    patches = _patches(shard)[turns] if "jpeg" in shard else None
    flat = flatten(shard["speak"][turns], shard["typed"][turns], patches, first_turn)
    return Window(
        frames("user_mel", LOOK_BACK), own, tokens, given, shard["speak"][turns], shard["important"][turns],
        shard["typed"][turns], lost, shard["letters"][turns], shard["own_letters"][turns], flat,
        _pictures(shard, turns),
    )  # fmt: skip


def disturb(window: Window, rng: np.random.Generator) -> Window:
    """Cheap augmentation on log-mel: level, tilt, colour, warped channels, masked bands and moments, noise on the own history.

    Pictures get another exposure and white balance, and are shifted.
    """
    level = rng.uniform(-0.25, 0.25) + rng.uniform(-0.2, 0.2) * np.linspace(-1, 1, dmel.MELS) + _coloured(rng)
    user = window.user + level.astype(np.float32)
    if rng.random() < 0.7:
        user = _warp_channels(user, rng.uniform(0.9, 1.1))  # on top of the renderer's `warp`
    for _ in range(rng.integers(0, 4)):
        low, wide = rng.integers(0, dmel.MELS), rng.integers(1, 13)
        user[:, low : low + wide] = dmel.FLOOR
    for _ in range(rng.poisson(len(user) / 200)):
        start = rng.integers(0, len(user))
        user[start : start + rng.integers(1, 8)] = dmel.FLOOR
    spread = rng.uniform(0, 0.35) if rng.random() < 0.9 else rng.uniform(0.35, 0.8)
    own, sounding = window.own.copy(), window.own > dmel.FLOOR
    own[sounding] += np.float32(spread) * rng.standard_normal(np.count_nonzero(sounding), dtype=np.float32)
    own[_forgotten(len(window.speak), rng)] = dmel.FLOOR
    noisy = user + np.float32(0.08) * rng.standard_normal(user.shape, dtype=np.float32)
    tokens, given = _misheard(window, rng)
    disturbed = replace(window, user=noisy, own=own, tokens=tokens, given=given)
    return replace(disturbed, pictures=disturbed_pictures(window.pictures, rng)) if len(window.pictures) else disturbed


def hurried(window: Window, rng: np.random.Generator) -> Window:
    """The user's sound now faster, now slower, over the same span: for losses that know the order of words and not their times."""
    frames = len(window.user)
    speed = np.exp(rng.normal(0, HURRY, max(2, frames // HURRY_FRAMES)))
    read = np.cumsum(np.interp(np.linspace(0, 1, frames), np.linspace(0, 1, len(speed)), speed))
    read = (read - read[0]) * (frames - 1) / (read[-1] - read[0])
    low = np.minimum(read.astype(int), frames - 2)
    part = (read - low).astype(np.float32)[:, None]
    return replace(window, user=window.user[low] * (1 - part) + window.user[low + 1] * part)


def _misheard(window: Window, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """What is wanted, and the history with some heard words wrong or missing: what comes next must be heard, not guessed from
    what came. There nothing else is asked, for an answer must follow from the words that are shown."""
    tokens, given, heard = window.tokens.copy(), window.given.copy(), window.tokens[..., 0]
    at = np.argwhere((heard != 0) & (rng.random(heard.shape) < rng.choice(MISHEARD)))
    if len(at):
        given[(*at.T, 0)] = np.where(rng.random(len(at)) < 0.3, 0, rng.choice(heard[heard != 0], len(at)))
        tokens[..., 1:] = UNASKED
    return tokens, given


def _forgotten(turns: int, rng: np.random.Generator) -> np.ndarray:
    """Frames of the own history that are left out: how a word goes on must be known from the word, and not from the recording
    that it was in."""
    at = np.repeat(rng.random(turns) < rng.choice(FORGOTTEN), FRAMES)
    return np.concatenate([np.full(OWN_LOOK_BACK, at[0]), at])


def _coloured(rng: np.random.Generator) -> np.ndarray:
    """What another microphone adds to each channel: a smooth curve."""
    points = rng.uniform(-0.25, 0.25, COLOUR_POINTS)
    return np.interp(np.linspace(0, 1, dmel.MELS), np.linspace(0, 1, COLOUR_POINTS), points)


def _warp_channels(mel: np.ndarray, factor: float) -> np.ndarray:
    """Moves formants as a longer or shorter vocal tract does: channel c reads from channel c * factor."""
    read = np.clip(np.arange(dmel.MELS) * factor, 0, dmel.MELS - 1)
    low = np.minimum(read.astype(int), dmel.MELS - 2)
    part = (read - low).astype(np.float32)
    return mel[:, low] * (1 - part) + mel[:, low + 1] * part


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
    listening = [row * positions + np.flatnonzero(w.flat.kind_N == A) for row, w in enumerate(rows)]
    values = (
        dmel.quantise(user), lost, dmel.quantise(own), target,
        np.concatenate(texts), np.concatenate(before), np.concatenate(text)[:, 1], tokens, given,
        speak, important, source, time, outputs, output_of, sounds, np.concatenate(listening),
        np.concatenate([_letters(w) for w in rows]), np.concatenate([_own_letters(w) for w in rows]), _spelled(rows),
        cut_patches(np.concatenate([w.pictures for w in rows])),
    )  # fmt: skip
    return Batch(*(torch.from_numpy(np.ascontiguousarray(v)) for v in values))


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
    bits = _bits(window.letters)
    before = np.concatenate([np.zeros_like(bits[:1]), bits[:-1]])
    return np.concatenate([bits, before], 1).astype(np.float32)


def _own_letters(window: Window) -> np.ndarray:
    """Letters at each position of the own sound, float32 [2 S, LETTERS]."""
    return _bits(window.own_letters[window.speak != 0]).astype(np.float32)


def _bits(letters: np.ndarray) -> np.ndarray:
    return letters.reshape(-1, 1) >> np.arange(LETTERS, dtype=np.uint32) & 1


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
