"""The engine: a tick takes the due turn of every session, makes one batched step, and gives every session its output."""

import time
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch

from duologue.engine.session import Session
from duologue.media.dmel import FLOOR
from duologue.media.patches import to_patches
from duologue.media.text import Tokenizer
from duologue.model import checkpoint, stream
from duologue.model.interaction import InteractionModel
from duologue.model.layout import CHANNELS
from duologue.model.vocoder import Vocoder, VocoderState, load_vocoder
from duologue.turn import SAMPLES_PER_TURN, TurnIn, TurnOut

WEIGHTS = Path(__file__).parent.parent / "weights"
TAIL = 640  # samples that the vocoder still owes after the last speaking turn


@dataclass(frozen=True, slots=True)
class Voiced:
    """A model and its voice, ready to run."""

    model: InteractionModel
    vocoder: Vocoder


def load(path: Path | None = None, vocoder: Path | None = None) -> Voiced:
    """The shipped weights, or a checkpoint with the shipped voice. Raises DataError."""
    model, _ = checkpoint.load(path or WEIGHTS / "nano.safetensors")
    return Voiced(model.settle(fast_dtype()), load_vocoder(vocoder or WEIGHTS / "vocoder.safetensors"))


def fast_dtype() -> torch.dtype:
    """bf16 where the CPU multiplies in it, else fp32."""
    return torch.bfloat16 if torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported() else torch.float32


def _put(voice: VocoderState, rows: np.ndarray, state: VocoderState) -> None:
    """Writes the state of some rows back into the state of all."""
    for field in fields(voice):
        getattr(voice, field.name)[rows] = getattr(state, field.name)


class Engine:
    """`rows` sessions side by side, each with its own seed; every tick has the same shapes."""

    def __init__(self, voiced: Voiced, seeds: list[int], patience: float = 0.0):
        tokenizer = Tokenizer()
        self.voiced = voiced
        self.sessions = [Session(seed, tokenizer) for seed in seeds]
        self.sampling = [stream.Sampling(seed=seed, patience=patience) for seed in seeds]
        self.state = stream.start(voiced.model, len(seeds), fast_dtype())
        self.voice = voiced.vocoder.start(len(seeds))

    @torch.no_grad()
    def tick(self, turns: list[TurnIn]) -> list[TurnOut]:
        """One turn of every session."""
        began = time.perf_counter()
        did = stream.step(self.voiced.model, self.state, self._hear(turns), self.sampling)
        pcm_BS = self._sound(did)
        ms = (time.perf_counter() - began) * 1000
        return [self._out(b, turn, did, pcm_BS[b], ms) for b, turn in enumerate(turns)]

    def _hear(self, turns: list[TurnIn]) -> stream.Heard:
        pairs = list(zip(self.sessions, turns, strict=True))
        levels = np.stack([session.levels(turn) for session, turn in pairs])
        lost = torch.tensor([session.lost(turn) for session, turn in pairs])
        patches = [None if t.image is None else torch.from_numpy(to_patches(t.image)) for t in turns]
        return stream.Heard(torch.from_numpy(levels), lost, [session.text(turn) for session, turn in pairs], patches)

    def _sound(self, did: stream.Did) -> np.ndarray:
        """The vocoder's samples [B, S]; exact zeros for who is quiet and owes no tail."""
        spoke = np.array([session.spoke for session in self.sessions])
        pcm_BS = np.zeros((len(spoke), SAMPLES_PER_TURN), np.float32)
        rows = np.flatnonzero(did.speak_B | spoke)
        if len(rows):
            mel = np.where(did.speak_B[rows, None, None], did.mel_BFM[rows], np.float32(FLOOR))
            pcm, state = self.voiced.vocoder.step(torch.from_numpy(mel), self.voice.rows(rows))
            pcm_BS[rows] = pcm.clamp(-1, 1).numpy()
            _put(self.voice, rows, state)
        ending = np.flatnonzero(spoke & ~did.speak_B)
        pcm_BS[ending, TAIL:] = 0
        if len(ending):
            _put(self.voice, ending, self.voiced.vocoder.start(len(ending)))
        return pcm_BS

    def _out(self, b: int, turn: TurnIn, did: stream.Did, pcm_S: np.ndarray, ms: float) -> TurnOut:
        session, tokens = self.sessions[b], did.tokens_BXC[b].tolist()
        session.spoke = bool(did.speak_B[b])
        session.next_turn += 1
        by = dict(zip(CHANNELS, zip(*tokens, strict=True), strict=True))
        heard, said, text = (session.words(name, by[name]) for name in ("hear", "say", "text"))
        return TurnOut(turn.index, pcm_S, session.spoke, heard, said, text, session.calls(by["act"]), ms)
