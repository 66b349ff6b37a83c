"""The context packet: what the background side learns of a conversation when the model delegates. Read `Packet` first.

It is the whole conversation with its times, never a lone query: both minds know the same. docs/delegation.md has its
form on the wire.
"""

import base64
import io
import wave
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import Literal

import numpy as np
from PIL import Image

from duologue.turn import SAMPLE_RATE_HZ, TURN_MS

Lane = Literal["heard", "said", "typed", "written", "note", "call"]
BEFORE = -1  # the turn of what was said before the conversation
NAMES = {"heard": "user", "said": "assistant", "typed": "user (typed)", "written": "assistant (typed)"}
PAUSE_TURNS = 5  # words further apart than this are different lines of the transcript


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened in one turn, or BEFORE them all. `source` is a note's source or a call's kind."""

    turn: int
    lane: Lane
    text: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Media:
    """Recent sound or a picture of the user: by reference for everybody, as data for a backend that takes it."""

    ref: str  # "sound:120-164", "picture:150": kind and turns
    kind: Literal["sound", "picture"]
    raw: np.ndarray = field(repr=False, compare=False)  # float32 samples at 16 kHz, or uint8 [height, width, 3]

    @property
    def mime(self) -> str:
        return {"sound": "audio/wav", "picture": "image/jpeg"}[self.kind]

    def encoded(self) -> str:
        """The file (WAV or JPEG) as base64."""
        file = io.BytesIO()
        if self.kind == "picture":
            Image.fromarray(self.raw).save(file, "JPEG")
        else:
            _write_wav(file, self.raw)
        return base64.b64encode(file.getvalue()).decode()


@dataclass(frozen=True, slots=True)
class OpenTask:
    """Another task of the same conversation that is still being worked on."""

    id: str
    asked: int
    request: str


@dataclass(frozen=True, slots=True)
class Packet:
    """One delegated task with all that is known. Turns count from the session's start, 200 ms each."""

    id: str  # "184.0": turn and place of the call, so that a replayed session asks under the same id
    asked: int  # the turn of the call
    span: tuple[int, int]  # first and last turn of what is meant
    clock: str  # ISO 8601 with offset: the user's time when it was asked
    log: tuple[Entry, ...]
    media: tuple[Media, ...] = ()
    pending: tuple[OpenTask, ...] = ()
    supersedes: str | None = None
    instructions: str = ""  # of whoever opened the session

    @property
    def request(self) -> str:
        """The user's words in the span, heard and typed, in order."""
        return words_in(self.log, self.span, ("heard", "typed"))

    def transcript(self, characters: int = 12_000) -> str:
        """The conversation as text, a line for each stretch of words with its second; the oldest gives way first."""
        text = "\n".join(_line(*stretch) for stretch in _stretches(self.log))
        return text if len(text) <= characters else "[earlier talk left out]\n" + text[-characters:]

    def to_dict(self, with_data: bool = False) -> dict:
        """The packet as JSON values; sound and pictures as references, with their data if asked for."""
        media = [{"ref": m.ref, "kind": m.kind, "mime": m.mime} for m in self.media]
        if with_data:
            media = [row | {"data": m.encoded()} for row, m in zip(media, self.media, strict=True)]
        return {
            "id": self.id,
            "asked": self.asked,
            "span": list(self.span),
            "clock": self.clock,
            "turn_ms": TURN_MS,
            "request": self.request,
            "log": [{"turn": e.turn, "lane": e.lane, "text": e.text, "source": e.source} for e in self.log],
            "media": media,
            "pending": [asdict(task) for task in self.pending],
            "supersedes": self.supersedes,
            "instructions": self.instructions,
        }


def words_in(log: Iterable[Entry], span: tuple[int, int], lanes: tuple[Lane, ...]) -> str:
    """What these lanes hold in a span of turns, both ends included."""
    first, last = span
    return " ".join(e.text for e in log if e.lane in lanes and first <= e.turn <= last)


def _stretches(log: Iterable[Entry]) -> Iterable[tuple[Entry, str]]:
    """Neighbouring words of one lane as one text, with their first entry."""
    number, before = 0, None
    numbered = []
    for entry in log:
        if before and (
            before.lane != entry.lane
            or entry.lane in ("note", "call")
            or entry.turn - before.turn > PAUSE_TURNS
            or before.turn == BEFORE
        ):
            number += 1
        numbered.append((number, entry))
        before = entry
    for _, group in groupby(numbered, key=lambda pair: pair[0]):
        entries = [entry for _, entry in group]
        yield entries[0], " ".join(entry.text for entry in entries)


def _line(first: Entry, text: str) -> str:
    who = NAMES.get(first.lane) or f"{first.lane} ({first.source})"
    when = "before" if first.turn == BEFORE else f"{first.turn * TURN_MS / 1000:.1f} s"
    return f"[{when}] {who}: {text}"


def _write_wav(file: io.BytesIO, pcm_S: np.ndarray) -> None:
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLE_RATE_HZ)
        sound.writeframes(np.rint(np.clip(pcm_S, -1, 1) * 32767).astype("<i2").tobytes())
