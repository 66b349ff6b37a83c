"""One response of the Realtime projection: a stretch of the model's speech, or of its writing, in Realtime's order of events."""

import secrets
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from duologue.server import realtime_events as wire

Status = Literal["completed", "cancelled", "incomplete"]


def new_id(kind: str) -> str:
    return f"{kind}_{secrets.token_hex(10)}"


@dataclass(slots=True)
class Response:
    """Each method gives the events that say what it did."""

    modality: Literal["audio", "text"] = "audio"
    written: bool = False  # a typed answer, not speech
    metadata: dict[str, Any] | None = None
    id: str = field(default_factory=lambda: new_id("resp"))
    item_id: str = field(default_factory=lambda: new_id("item"))
    begun: bool = False
    words: str = ""
    sent_ms: int = 0  # of sound
    until_turn: int = 0  # asked for, but not begun by then: incomplete

    def created(self) -> list[BaseModel]:
        return [wire.ResponseTold(type="response.created", response=self._body("in_progress", []))]

    def begin(self, previous_item_id: str | None) -> list[BaseModel]:
        self.begun = True
        item = self.item("in_progress")
        return [
            wire.OutputItem(type="response.output_item.added", response_id=self.id, item=item),
            wire.ItemTold(type="conversation.item.added", item=item, previous_item_id=previous_item_id),
            wire.ContentPart(type="response.content_part.added", part=self._part(""), **self._place()),
        ]

    def say(self, words: str) -> list[BaseModel]:
        delta = words if not self.words else " " + words
        self.words += delta
        kind = "output_audio_transcript" if self.modality == "audio" else "output_text"
        return [wire.Delta(type=f"response.{kind}.delta", delta=delta, **self._place())]

    def sound(self, delta: str, ms: int) -> BaseModel:
        self.sent_ms += ms
        return wire.Delta(type="response.output_audio.delta", delta=delta, **self._place())

    def done(self, status: Status, reason: str | None = None) -> list[BaseModel]:
        """Closes everything that is open, from the inside out."""
        details = {"type": status, **({"reason": reason} if reason else {})}
        output = [self.item(status)] if self.begun else []
        body = self._body(status, output) | {"status_details": None if status == "completed" else details}
        ends = self._close_part(status) if self.begun else []
        return [*ends, wire.ResponseTold(type="response.done", response=body), wire.RateLimits()]

    def _close_part(self, status: Status) -> list[BaseModel]:
        place, item = self._place(), self.item(status)
        if self.modality == "audio":
            ends = [wire.AudioDone(**place), wire.TranscriptDone(transcript=self.words, **place)]
        else:
            ends = [wire.TextDone(text=self.words, **place)]
        return [
            *ends,
            wire.ContentPart(type="response.content_part.done", part=self._part(self.words), **place),
            wire.OutputItem(type="response.output_item.done", response_id=self.id, item=item),
            wire.ItemTold(type="conversation.item.done", item=item),
        ]

    def item(self, status: str) -> dict[str, Any]:
        kind, key = ("output_audio", "transcript") if self.modality == "audio" else ("output_text", "text")
        content = [{"type": kind, key: self.words}] if status != "in_progress" else []
        status = status if status in ("in_progress", "completed") else "incomplete"
        return {
            "id": self.item_id, "object": "realtime.item", "type": "message", "role": "assistant", "status": status,
            "content": content,
        }  # fmt: skip

    def _part(self, words: str) -> dict[str, str]:
        return {"type": "audio", "transcript": words} if self.modality == "audio" else {"type": "text", "text": words}

    def _place(self) -> dict[str, Any]:
        return {"response_id": self.id, "item_id": self.item_id}

    def _body(self, status: str, output: list) -> dict[str, Any]:
        return {
            "id": self.id, "object": "realtime.response", "status": status, "output": output, "metadata": self.metadata,
            "output_modalities": [self.modality], "usage": None,
        }  # fmt: skip
