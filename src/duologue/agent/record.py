"""What the agent remembers of a conversation: every word with its turn, and the recent sound and pictures."""

from collections import deque
from collections.abc import Iterable

import numpy as np

from duologue.agent.packet import BEFORE, Entry, Media
from duologue.turn import TurnIn, TurnOut

SOUND_TURNS = 150  # half a minute
PICTURES = 4
LANES = {"user": "typed", "assistant": "written", "developer": "note"}  # role -> lane


class Record:
    """The log grows with the words only; silence adds nothing to it."""

    def __init__(self, log: Iterable[Entry] = ()):
        self.log = list(log)
        self.sound: deque[tuple[int, np.ndarray]] = deque(maxlen=SOUND_TURNS)
        self.pictures: deque[tuple[int, np.ndarray]] = deque(maxlen=PICTURES)

    def add(self, turn: TurnIn, out: TurnOut) -> None:
        """One turn: what the world did, and what the model did after it."""
        self.sound.append((turn.index, turn.pcm_S))
        if turn.image is not None:
            self.pictures.append((turn.index, turn.image))
        texts = (("typed", turn.typed), ("heard", out.heard), ("said", out.said), ("written", out.text))
        self.log += [Entry(turn.index, lane, text) for lane, text in texts if text]
        self.log += [Entry(turn.index, "note", note.text, note.source) for note in turn.notes]
        self.log += [Entry(turn.index, "call", call.text, call.kind) for call in out.calls]

    def begin(self, history: Iterable[tuple[str, str]]) -> None:
        """Roles and texts of what was said before the conversation began."""
        self.log += [Entry(BEFORE, LANES[role], text, role if role == "developer" else "") for role, text in history]

    def media(self, first: int) -> tuple[Media, ...]:
        """The sound from a turn on as far as it is kept, and the kept pictures."""
        recent = [(turn, pcm_S) for turn, pcm_S in self.sound if turn >= first]
        pictures = [Media(f"picture:{turn}", "picture", image) for turn, image in self.pictures]
        if not recent:
            return tuple(pictures)
        ref = f"sound:{recent[0][0]}-{recent[-1][0]}"
        return (Media(ref, "sound", np.concatenate([pcm_S for _, pcm_S in recent])), *pictures)
