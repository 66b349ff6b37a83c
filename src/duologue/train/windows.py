"""Windows of shards. A shard is one long stream of turns; windows of a fixed number of positions are cut from it.

Conversations follow each other inside a window, as they do in a session that goes on: the ring is never only one script.
Read `Shards.draw` first.
"""

from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from duologue.errors import DataError
from duologue.media import dmel
from duologue.media.patches import from_jpeg
from duologue.model.fuse import LOOK_BACK, OWN_LOOK_BACK
from duologue.model.layout import CHANNELS, VIEW, Flat, flatten
from duologue.turn import PICTURE_HEIGHT, PICTURE_WIDTH

FRAMES = dmel.FRAMES_PER_TURN
BEFORE = -(-LOOK_BACK // FRAMES)  # turns before a window that its first turn depends on
FIRST_TURNS = 100_000  # windows start at a random turn of a session up to 5.5 hours long
NEEDED = ("user_mel", "own_mel", *CHANNELS, "shown", "letters", "own_phones", "own_ahead", "speak", "typed", "missing", "important", "moved", "beside")


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
    own_phones: np.ndarray  # uint8 [T, 10]
    own_ahead: np.ndarray  # the same, 100 ms on
    flat: Flat
    pictures: np.ndarray  # uint8 [pictures, height, width, 3] in the order of their turns
    moved: np.ndarray  # uint8 [pictures, 3]
    beside: np.ndarray  # uint8 [T] 1 where the camera sees what nobody speaks of


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

    def draw(self, positions: int, rng: np.random.Generator, whole: float = 0.0) -> Window:
        """A window of at most `positions`, from any turn of any shard; this share of them from the beginning of a conversation."""
        shard = int(rng.integers(len(self.shards)))
        ends = self.ends[shard]
        last = int(np.searchsorted(ends, ends[-1] - positions))
        start = int(rng.integers(BEFORE, max(BEFORE + 1, last)))
        if whole and rng.random() < whole:
            start = max(BEFORE, int(rng.choice(self.shards[shard]["offsets"][:-1])))
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
    return 4 + 2 * (shard["speak"] != 0) + (shard["typed"] != 0).sum(1) + VIEW * _shown(shard)


def _shown(shard: dict[str, np.ndarray]) -> np.ndarray:
    """Which turns carry a picture."""
    return shard["jpeg_bytes"] != 0 if "jpeg" in shard else np.zeros(len(shard["speak"]), bool)


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
    flat = flatten(shard["speak"][turns], shard["typed"][turns], _shown(shard)[turns], first_turn)
    return Window(
        frames("user_mel", LOOK_BACK), own, tokens, given, shard["speak"][turns], shard["important"][turns],
        shard["typed"][turns], lost, shard["letters"][turns], shard["own_phones"][turns], shard["own_ahead"][turns], flat,
        _pictures(shard, turns), shard["moved"][turns][_shown(shard)[turns]], shard["beside"][turns],
    )  # fmt: skip
