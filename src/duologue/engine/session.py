"""What one session remembers outside the network: sound history, text waiting to go in, words not yet whole."""

from dataclasses import dataclass, field

import numpy as np

from duologue.media import dmel
from duologue.media.text import CALLS, END, Tokenizer
from duologue.model.layout import TEXT
from duologue.turn import TURN_MS, Call, TurnIn

CALL_KINDS = {token: kind for kind, token in CALLS.items()}


@dataclass(slots=True)
class Session:
    """One stream. `seed` decides all of its noise."""

    seed: int
    tokenizer: Tokenizer
    next_turn: int = 0
    history_S: np.ndarray = field(default_factory=lambda: np.zeros(dmel.HISTORY, np.float32))
    waiting: list[int] = field(default_factory=list)  # text tokens that did not fit yet
    unfinished: dict[str, list[int]] = field(default_factory=dict)  # by channel: tokens of a word not yet whole
    call: list[int] = field(default_factory=list)
    spoke: bool = False

    def levels(self, turn: TurnIn) -> np.ndarray:
        """The turn's sound as dMel levels [10, MELS], dithered by this session's own noise."""
        rng = np.random.Generator(np.random.Philox(key=[self.seed, 1], counter=[0, 0, 0, turn.index]))
        pcm_S = turn.pcm_S + rng.standard_normal(len(turn.pcm_S), dtype=np.float32) * dmel.DITHER
        mel = dmel.log_mel(pcm_S, self.history_S)
        self.history_S = pcm_S[-dmel.HISTORY :]
        return dmel.quantise(mel)

    def text(self, turn: TurnIn) -> list[int]:
        """At most TEXT tokens for this turn; what does not fit waits, in order."""
        pieces = [("typed", turn.typed)] if turn.typed else []
        for source, text in [*pieces, *((note.source, note.text) for note in turn.notes)]:
            self.waiting += [self.tokenizer.marker(source), *self.tokenizer.encode(text)]
        now, self.waiting = self.waiting[:TEXT], self.waiting[TEXT:]
        return now

    def lost(self, turn: TurnIn) -> tuple[float, float]:
        """Shares of the turn that never came, and of own sound that was never heard."""
        return turn.missing_ms / TURN_MS, min(1.0, turn.unplayed_ms / TURN_MS)

    def words(self, channel: str, tokens: list[int]) -> str:
        """Whole words that these tokens complete."""
        whole, rest = self.tokenizer.words(self.unfinished.get(channel, []) + [t for t in tokens if t])
        self.unfinished[channel] = rest
        return whole

    def calls(self, tokens: list[int]) -> tuple[Call, ...]:
        """Calls that these tokens of the act channel complete."""
        done = []
        for token in tokens:
            if token in CALL_KINDS:
                self.call = [token]
            elif token == END and self.call:
                done.append(Call(CALL_KINDS[self.call[0]], self.tokenizer.decode(self.call[1:])))
                self.call = []
            elif token and self.call:
                self.call.append(token)
        return tuple(done)
