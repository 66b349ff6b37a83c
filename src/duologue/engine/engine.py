"""The engine: a tick takes the due turns of some sessions, makes one batched step, and gives each session its output.

Read `Engine.tick` first. Not thread-safe: one thread owns it (`schedule.py`).
"""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np
import torch

from duologue.device import CPU
from duologue.engine import snapshot
from duologue.engine.session import Session
from duologue.errors import SessionError
from duologue.kernels.ops import live_dtype
from duologue.media.dmel import FLOOR
from duologue.media.patches import to_patches
from duologue.media.text import Tokenizer
from duologue.model import checkpoint, stream
from duologue.model.graphs import Graphs
from duologue.model.interaction import InteractionModel
from duologue.model.layout import CHANNELS
from duologue.model.state import State, start
from duologue.model.vocoder import Vocoder, VocoderState, load_vocoder
from duologue.turn import SAMPLES_PER_TURN, TurnIn, TurnOut

WEIGHTS = Path(__file__).parent.parent / "weights"
TAIL = 640  # samples that the vocoder still owes after the last speaking turn


@dataclass(frozen=True, slots=True)
class Voiced:
    """A model and its voice, ready to run; `sha256` names the weights of both."""

    model: InteractionModel
    vocoder: Vocoder
    sha256: str = ""

    @property
    def dtype(self) -> str:
        """What the model computes in: bfloat16 or float32."""
        return str(self.model.dtype).removeprefix("torch.")

    @property
    def device(self) -> str:
        """What kind of device it computes on: cpu or cuda."""
        return self.model.device.type


def load(
    path: Path | None = None, vocoder: Path | None = None, dtype: torch.dtype | None = None, device: torch.device = CPU
) -> Voiced:
    """The shipped weights, or a checkpoint with the shipped voice, in `live_dtype` or another. Raises DataError."""
    path, vocoder = path or WEIGHTS / "nano.safetensors", vocoder or WEIGHTS / "vocoder.safetensors"
    model, _ = checkpoint.load(path)
    voice = load_vocoder(vocoder, device)
    sha256 = hashlib.sha256(path.read_bytes() + vocoder.read_bytes()).hexdigest()
    return Voiced(model.to(device).settle(dtype or live_dtype(device.type)), voice, sha256)


def _put(voice: VocoderState, rows_B: torch.Tensor, state: VocoderState) -> None:
    """Writes the state of some rows back into the state of all."""
    for field in fields(voice):
        getattr(voice, field.name)[rows_B] = getattr(state, field.name).to(rows_B.device)


class Engine:
    """At most `capacity` sessions, each in a row of its own; what one hears and does never depends on another.

    It computes where the model lies. Turns come and go as numpy.
    """

    def __init__(self, voiced: Voiced, capacity: int = 1):
        self.voiced, self.capacity = voiced, capacity
        self.step = Graphs(voiced.model).step if voiced.device == "cuda" else partial(stream.step, voiced.model)
        self.tokenizer = Tokenizer()
        self.sessions: dict[int, Session] = {}
        self.state = start(voiced.model, capacity)
        self.voice = voiced.vocoder.start(capacity)
        self._fresh = start(voiced.model, 1), voiced.vocoder.start()

    def open(self, seed: int = 0, patience: float = 0.0) -> Session:
        """A session that has heard nothing. Raises SessionError when every row is taken."""
        if not 0 <= seed < 1 << 64:
            raise SessionError(f"seed {seed} cannot be used; give one from 0 to 2**64 - 1")
        return self._seat(Session(self._free(), seed, patience), *self._fresh)

    def close(self, session: Session) -> None:
        """Forgets the session; nothing of it stays in memory. Once only."""
        del self.sessions[session.row]
        self._write(session.row, *self._fresh)

    @torch.no_grad()
    def tick(self, due: Mapping[Session, TurnIn]) -> dict[Session, TurnOut]:
        """One turn of each of these sessions. Raises SessionError for a turn that does not fit; no session has moved then."""
        began = time.perf_counter()
        for session, turn in due.items():
            session.check(turn)
        for session, turn in due.items():
            session.heed(turn)
        pairs = sorted(due.items(), key=lambda pair: pair[0].row)
        rows = self._rows([session.row for session, _ in pairs])
        part = self.state.take(rows)
        did = self.step(part, self._hear(pairs), [session.sampling for session, _ in pairs])
        self.state.put(rows, part)
        pcm_BS = self._sound([session for session, _ in pairs], did)
        ms = (time.perf_counter() - began) * 1000
        return {session: self._out(session, did, b, pcm_BS[b], ms) for b, (session, _) in enumerate(pairs)}

    def snapshot(self, session: Session) -> bytes:
        """All of a session between two of its turns, for `restore` here or in another process with the same weights."""
        rows = self._rows([session.row])
        return snapshot.pack(session, self.state.take(rows), self.voice.rows(rows), self.voiced.sha256)

    def restore(self, snapshotted: bytes) -> Session:
        """A session that goes on where the snapshot was taken, bit for bit. Raises SessionError."""
        return self._seat(*snapshot.unpack(snapshotted, self._free(), self.voiced.sha256))

    def _free(self) -> int:
        """The lowest free row: neighbours need no copy of their rings in a tick."""
        if len(self.sessions) == self.capacity:
            raise SessionError(f"busy: all {self.capacity} sessions are taken; try again later")
        return next(row for row in range(self.capacity) if row not in self.sessions)

    def _seat(self, session: Session, state: State, voice: VocoderState) -> Session:
        self._write(session.row, state, voice)
        self.sessions[session.row] = session
        return session

    def _write(self, row: int, state: State, voice: VocoderState) -> None:
        self.state.replace(row, state)
        _put(self.voice, self._rows([row]), voice)

    def _rows(self, rows: list[int]) -> torch.Tensor:
        return torch.tensor(rows, device=self.voiced.model.device)

    def _hear(self, pairs: list[tuple[Session, TurnIn]]) -> stream.Heard:
        levels = np.stack([session.levels(turn) for session, turn in pairs])
        lost = torch.tensor([session.lost(turn) for session, turn in pairs])
        patches = [None if turn.image is None else torch.from_numpy(to_patches(turn.image)) for _, turn in pairs]
        text = [session.text(turn, self.tokenizer) for session, turn in pairs]
        return stream.Heard(torch.from_numpy(levels), lost, text, patches)

    def _sound(self, sessions: list[Session], did: stream.Did) -> np.ndarray:
        """The vocoder's samples [B, S]; exact zeros for who is quiet and owes no tail."""
        spoke, rows = np.array([s.spoke for s in sessions]), np.array([s.row for s in sessions])
        pcm_BS = np.zeros((len(spoke), SAMPLES_PER_TURN), np.float32)
        loud = np.flatnonzero(did.speak_B | spoke)
        if len(loud):
            mel = np.where(did.speak_B[loud, None, None], did.mel_BFM[loud], np.float32(FLOOR))
            at = self._rows(rows[loud].tolist())
            pcm, state = self.voiced.vocoder.step(torch.from_numpy(mel).to(at.device), self.voice.rows(at))
            pcm_BS[loud] = pcm.clamp(-1, 1).cpu().numpy()
            _put(self.voice, at, state)
        ending = np.flatnonzero(spoke & ~did.speak_B)
        pcm_BS[ending, TAIL:] = 0
        if len(ending):
            _put(self.voice, self._rows(rows[ending].tolist()), self.voiced.vocoder.start(len(ending)))
        return pcm_BS

    def _out(self, session: Session, did: stream.Did, b: int, pcm_S: np.ndarray, ms: float) -> TurnOut:
        by = dict(zip(CHANNELS, zip(*did.tokens_BXC[b].tolist(), strict=True), strict=True))
        heard, said, text = (session.words(name, by[name], self.tokenizer) for name in ("hear", "say", "text"))
        calls = session.calls(by["act"], self.tokenizer)
        session.spoke, index = bool(did.speak_B[b]), session.next_turn
        session.next_turn += 1
        return TurnOut(index, pcm_S, session.spoke, heard, said, text, calls, ms)
