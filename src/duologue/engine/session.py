"""What one session remembers outside the network: sound history, text waiting to go in, words not yet whole."""

from dataclasses import asdict, dataclass, field

import numpy as np

from duologue.errors import SessionError
from duologue.kernels.noise import noise_for
from duologue.media import dmel
from duologue.media.text import CALLS, END, MARKERS, Tokenizer
from duologue.model.layout import TEXT
from duologue.model.stream import Sampling
from duologue.turn import PICTURE_HEIGHT, PICTURE_WIDTH, TURN_MS, Call, TurnIn

CALL_KINDS = {token: kind for kind, token in CALLS.items()}
DITHER_LANE = 1  # of the counted noise; `model.stream` has the others
MOST_TEXT = 20_000  # characters that one turn may bring, and tokens that may wait: half an hour of reading


@dataclass(slots=True, eq=False)
class Session:
    """One stream. `seed` decides all of its noise; `row` is its place in the engine."""

    row: int
    seed: int
    patience: float = 0.0
    next_turn: int = 0
    spoke: bool = False
    waiting: list[int] = field(default_factory=list)  # text tokens that did not fit yet
    unfinished: dict[str, list[int]] = field(default_factory=dict)  # by channel: tokens of a word not yet whole
    call: list[int] = field(default_factory=list)
    history_S: np.ndarray = field(default_factory=lambda: np.zeros(dmel.HISTORY, np.float32))

    @property
    def sampling(self) -> Sampling:
        return Sampling(seed=self.seed, patience=self.patience)

    def plain(self) -> dict:
        """All that JSON can hold of it, but its row and its sound."""
        return {name: value for name, value in asdict(self).items() if name not in ("row", "history_S")}

    def check(self, turn: TurnIn) -> None:
        """Raises SessionError for a turn that this session cannot take. Nothing has changed then."""
        if turn.index != self.next_turn:
            raise SessionError(f"turn {turn.index} came when turn {self.next_turn} was due; send turns in order, none twice")
        if not np.isfinite(turn.pcm_S).all():
            raise SessionError(f"turn {turn.index}: sound with samples that are not numbers; send values in [-1, 1]")
        if turn.image is not None and (turn.image.shape, turn.image.dtype) != ((PICTURE_HEIGHT, PICTURE_WIDTH, 3), np.uint8):
            raise SessionError(f"turn {turn.index}: picture {turn.image.dtype} {turn.image.shape}; letterbox it to uint8 "
                               f"[{PICTURE_HEIGHT}, {PICTURE_WIDTH}, 3]")  # fmt: skip
        if unknown := {note.source for note in turn.notes} - set(MARKERS):
            raise SessionError(f"turn {turn.index}: note from {unknown.pop()!r}; known sources: {', '.join(MARKERS)}")
        length = len(turn.typed) + sum(len(note.text) for note in turn.notes)
        if max(length, len(self.waiting)) > MOST_TEXT:
            raise SessionError(f"turn {turn.index}: {length} characters, {len(self.waiting)} tokens waiting; at most {MOST_TEXT}")

    def heed(self, turn: TurnIn) -> None:
        """Takes over the turn's patience, if it brings one."""
        self.patience = self.patience if turn.patience is None else turn.patience

    def levels(self, turn: TurnIn) -> np.ndarray:
        """The turn's sound as dMel levels [10, MELS], dithered by this session's own noise."""
        pcm_S = turn.pcm_S + noise_for(self.seed, turn.index, DITHER_LANE, len(turn.pcm_S)) * dmel.DITHER
        mel = dmel.log_mel(pcm_S, self.history_S)
        self.history_S = pcm_S[-dmel.HISTORY :]
        return dmel.quantise(mel)

    def text(self, turn: TurnIn, tokenizer: Tokenizer) -> list[int]:
        """At most TEXT tokens for this turn; what does not fit waits, in order."""
        pieces = [("typed", turn.typed)] if turn.typed else []
        for source, text in [*pieces, *((note.source, note.text) for note in turn.notes)]:
            self.waiting += [tokenizer.marker(source), *tokenizer.encode(text)]
        now, self.waiting = self.waiting[:TEXT], self.waiting[TEXT:]
        return now

    def lost(self, turn: TurnIn) -> tuple[float, float]:
        """Shares of the turn that never came, and of own sound that was never heard."""
        return turn.missing_ms / TURN_MS, min(1.0, turn.unplayed_ms / TURN_MS)

    def words(self, channel: str, tokens: list[int], tokenizer: Tokenizer) -> str:
        """Whole words that these tokens complete."""
        whole, rest = tokenizer.words(self.unfinished.get(channel, []) + [t for t in tokens if t])
        self.unfinished[channel] = rest
        return whole

    def calls(self, tokens: list[int], tokenizer: Tokenizer) -> tuple[Call, ...]:
        """Calls that these tokens of the act channel complete."""
        done = []
        for token in tokens:
            if token in CALL_KINDS:
                self.call = [token]
            elif token == END and self.call:
                done.append(Call(CALL_KINDS[self.call[0]], tokenizer.decode(self.call[1:])))
                self.call = []
            elif token and self.call:
                self.call.append(token)
        return tuple(done)
