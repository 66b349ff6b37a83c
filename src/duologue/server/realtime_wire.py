"""OpenAI's Realtime API as a projection: a conversation without turns, told to clients that need them. See docs/wire.md.

A stretch of speech is a response. What the model heard becomes a user's item, and `speech_started` is told only while the
model does not speak: clients stop their sound on it, and who talks over whom is not for them to decide.
Read `RealtimeWire.take` (up), `show` and `after` (down).
"""

import secrets
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from duologue.server import realtime_events as wire
from duologue.server.faults import Fault
from duologue.server.host import Host
from duologue.server.log import Entry, Turned
from duologue.server.outbox import Outbox
from duologue.server.parse import parse
from duologue.server.pcm import Decoder, Encoder, decode_base64
from duologue.server.realtime_items import Items
from duologue.server.realtime_response import Response, new_id
from duologue.server.session import Opening, Session
from duologue.server.settings import MODEL
from duologue.turn import TURN_MS

RATE_HZ = 24_000
ANSWER_TURNS = 15  # a response that was asked for and not begun by then is incomplete
GAP_TURNS = 5  # without a word: the user's item, or a written answer, is whole
HEARD_LATE_MS = 600  # words are written about so much after they were said
FORMAT = {"type": "audio/pcm", "rate": RATE_HZ}


class RealtimeWire:
    """One connection, one session: there is no way to resume on this wire."""

    def __init__(self, host: Host):
        self.host = host
        self.session: Session | None = None
        self.outbox = Outbox()
        self.next_entry = 0
        self.config = wire.Session()
        self.decoder, self.encoder = Decoder(RATE_HZ), Encoder(RATE_HZ)
        self.items = Items()
        self.response: Response | None = None
        self.ignored = False  # the client cancelled this stretch of speech
        self.early = ""  # words said before their sound
        self.written, self.written_turn = "", 0  # typed answer that waits for the end of a response
        self.heard: list[str] = []
        self.heard_turns = (0, 0)  # first and last turn with a word of the user's open item
        self.user_item: str | None = None
        self.appended = False
        self.silence: Callable[[], int] | None = None  # throws queued sound away; gives its milliseconds

    async def greet(self) -> list[BaseModel]:
        opening = Opening(self.host.settings.patience, secrets.randbits(32), delegates=True)
        self.session = await self.host.open(opening)
        self.session.attach(self)
        return [wire.SessionTold(type="session.created", session=self._resource())]

    async def take(self, raw: str | bytes) -> list[BaseModel]:
        """What to answer to one message. Raises Fault."""
        event = parse(wire.CLIENT, raw)
        try:
            return self._handle(event)
        except Fault as fault:
            fault.event_id = event.event_id
            raise

    def _handle(self, event: wire.ClientEvent) -> list[BaseModel]:
        match event:
            case wire.AppendAudio():
                self.session.hear(self.decoder.decode(event.audio))
                self.appended = True
                return []
            case wire.Update():
                changes = event.session.model_dump(exclude_unset=True)
                self.config = self.config.model_copy(update=changes)
                return [wire.SessionTold(type="session.updated", session=self._resource())]
            case wire.Commit():
                return self._commit()
            case wire.Clear():
                self.session.inbox.clear()
                self.appended = False
                return [wire.Cleared()]
            case wire.CreateResponse():
                return self._ask(event.response or wire.Response())
            case wire.CancelResponse():
                return self._cancel()
            case wire.ClearOutput():
                return self._clear_output()
        return self._handle_item(event)

    def _clear_output(self) -> list[BaseModel]:
        """Over WebRTC the sound that waits is here, and can be thrown away; the model is told."""
        if self.silence is None:
            raise Fault("unsupported", "output_audio_buffer.clear is for WebRTC; use conversation.item.truncate", "type")
        self.session.inbox.unplayed_ms += self.silence()
        return [wire.OutputCleared(response_id=self.response.id if self.response else "")]

    def _handle_item(self, event: wire.ClientEvent) -> list[BaseModel]:
        if isinstance(event, wire.CreateItem):
            return self._create_item(event.item, event.previous_item_id)
        match event:
            case wire.Retrieve():
                return [wire.ItemTold(type="conversation.item.retrieved", item=self.items.find(event.item_id))]
            case wire.Delete():
                self.items.delete(event.item_id)
                return [wire.Deleted(item_id=event.item_id)]
        return self._truncate(event)

    def _truncate(self, event: wire.Truncate) -> list[BaseModel]:
        """How much of an item's sound was really heard; the model is told about the rest, once."""
        self.session.inbox.unplayed_ms += self.items.truncate(event.item_id, event.audio_end_ms)
        place = {"item_id": event.item_id, "content_index": event.content_index}
        return [wire.Truncated(audio_end_ms=event.audio_end_ms, **place)]

    def _create_item(self, item: wire.Item, previous: str | None) -> list[BaseModel]:
        """A user's text is typed text; what others said, and results of functions, are notes."""
        source = "typed" if item.role == "user" else "tool" if item.type == "function_call_output" else "memory"
        for part in item.content or ():
            if part.type == "input_audio":
                raise Fault("unsupported", "sound as an item: append it to the input audio buffer", "item.content")
            if part.image_url:
                header, _, data = part.image_url.partition(";base64,")
                if not header.startswith("data:image/"):
                    raise Fault("invalid_image", "image_url must be a data: URL; nothing is fetched", "item.content")
                self.session.see(decode_base64(data, "image"))
        texts = [part.text or part.transcript or "" for part in item.content or ()] + [item.output or ""]
        if text := "\n".join(filter(None, texts)):
            self.session.read(source, text)
        told = {"id": item.id or new_id("item"), "object": "realtime.item", "status": "completed"}
        return self.items.add(item.model_dump(exclude_none=True) | told, previous)

    def _commit(self) -> list[BaseModel]:
        if not self.appended:
            raise Fault("input_audio_buffer_commit_empty", "no sound has come since the last commit")
        self.appended = False
        return self._user_done(committed=True)

    def _ask(self, wanted: wire.Response) -> list[BaseModel]:
        """A wish to be answered is one more thing that the model reads: whether it speaks stays its own decision."""
        if self.response:
            raise Fault("conversation_already_has_active_response", "wait for response.done, or cancel it")
        if wanted.instructions:
            self.session.read("typed", wanted.instructions)
        else:
            self.session.read("ui", "please answer")
        until = self.session.inbox.index + ANSWER_TURNS
        self.response = Response(self._modality(), metadata=wanted.metadata, until_turn=until)
        return self.response.created()

    def _cancel(self) -> list[BaseModel]:
        """The client will not play the rest of this stretch; the model is told, and goes on or stops as it decides."""
        if not self.response:
            raise Fault("response_cancel_not_active", "no response is active")
        self.ignored = self.response.begun
        return self._response_done("cancelled", "client_cancelled")

    def show(self, entry: Entry) -> list[BaseModel]:
        """What to send for an entry, before its sound."""
        if not isinstance(entry, Turned):
            return []
        out = entry.out
        if out.heard:
            self.heard_turns = (self.heard_turns[0] if self.heard else out.index, out.index)
            self.heard.append(out.heard)
        events = self._speak() if out.speak and not self.ignored else []
        if out.said and self._speaks():
            events += self.response.say(out.said)
        elif out.said and not self.ignored:
            self.early = f"{self.early} {out.said}".strip()
        return events

    def _speaks(self) -> bool:
        return self.response is not None and self.response.begun and not self.response.written

    def _speak(self) -> list[BaseModel]:
        """Makes sure that there is a response for what the model says."""
        if self._speaks():
            return []
        events = self._user_done()
        if self.response and self.response.begun:
            events += self._response_done("completed")
        if self.response is None:
            self.response = Response(self._modality())
            events += self.response.created()
        events += self._begin()
        if self.early:
            events += self.response.say(self.early)
            self.early = ""
        return events

    def _begin(self) -> list[BaseModel]:
        last = self.items.last
        self.items.keep(self.response.item("in_progress"))
        return self.response.begin(last)

    def sound(self, entry: Turned) -> BaseModel | None:
        delta = self.encoder.encode(entry.out.pcm_S)
        if self._speaks() and self.response.modality == "audio":
            return self.response.sound(delta, TURN_MS)
        if self.ignored:
            self.session.inbox.unplayed_ms += TURN_MS * entry.out.speak
        return None

    def unsent(self, entry: Turned) -> list[BaseModel]:
        return []

    def after(self, entry: Entry) -> list[BaseModel]:
        """What to send when an entry's sound is out: ends, and what the user said meanwhile."""
        if not isinstance(entry, Turned):
            return []
        out, events = entry.out, []
        if out.text:
            self.written, self.written_turn = f"{self.written} {out.text}".strip(), out.index
        if not out.speak:
            self.ignored = False
            if self._speaks():
                events += self._response_done("completed")
            events += self._user(out.index) + self._write(out.index)
        if self.response and not self.response.begun and out.index >= self.response.until_turn:
            events += self._response_done("incomplete")
        return events

    def _write(self, turn: int) -> list[BaseModel]:
        """A typed answer is a response of its own, whole when no more words come."""
        events = []
        if self.written and not (self.response and self.response.begun and not self.response.written):
            if self.response is None:
                self.response = Response("text", written=True)
                events += self.response.created()
            if not self.response.begun:
                self.response.modality, self.response.written = "text", True
                events += self._begin()
            events += self.response.say(self.written)
            self.written = ""
        elif self.response and self.response.written and turn - self.written_turn >= GAP_TURNS:
            events += self._response_done("completed")
        return events

    def _response_done(self, status: str, reason: str | None = None) -> list[BaseModel]:
        response, self.response = self.response, None
        if response.begun:
            self.items.keep(response.item(status))
            self.items.sent_ms[response.item_id] = response.sent_ms
        return response.done(status, reason)

    def _user(self, turn: int) -> list[BaseModel]:
        """The user's words, told while the model is quiet; whole after GAP_TURNS without one."""
        if self.heard and self.user_item is None:
            self.user_item = new_id("item")
            begin_ms = max(0, self.heard_turns[0] * TURN_MS - HEARD_LATE_MS)
            return [wire.SpeechStarted(item_id=self.user_item, audio_start_ms=begin_ms)]
        if self.heard and turn - self.heard_turns[1] >= GAP_TURNS:
            return self._user_done()
        return []

    def _user_done(self, committed: bool = False) -> list[BaseModel]:
        """Closes the user's item, if there is one or the client says that there is."""
        if self.user_item is None and not committed:
            return []
        stopped = self.user_item is not None
        item_id, words = self.user_item or new_id("item"), " ".join(self.heard)
        end_ms = max(0, (self.heard_turns[1] + 1) * TURN_MS - HEARD_LATE_MS)
        item = {
            "id": item_id, "object": "realtime.item", "type": "message", "role": "user", "status": "completed",
            "content": [{"type": "input_audio", "transcript": words or None}],
        }  # fmt: skip
        self.user_item, self.heard = None, []
        usage = {"type": "duration", "seconds": max(0, end_ms - self.heard_turns[0] * TURN_MS) / 1000}
        return [
            *([wire.SpeechStopped(item_id=item_id, audio_end_ms=end_ms)] if stopped else []),
            wire.Committed(item_id=item_id, previous_item_id=self.items.last),
            *self.items.add(item),
            *([wire.Transcribed(item_id=item_id, transcript=words, usage=usage)] if words else []),
        ]

    def _modality(self) -> str:
        return (self.config.output_modalities or ["audio"])[0]

    def _resource(self) -> dict[str, Any]:
        """What holds, and not what was asked for: tools, voices and settings for turns mean nothing here."""
        return {
            "type": "realtime", "object": "realtime.session", "id": self.session.id, "model": MODEL,
            "expires_at": self.session.expires_at, "output_modalities": [self._modality()],
            "instructions": self.config.instructions or "", "tools": [],
            "audio": {"input": {"format": FORMAT}, "output": {"format": FORMAT}},
        }  # fmt: skip

    def error(self, fault: Fault) -> wire.Error:
        body = wire.ErrorBody(
            type=fault.type, code=fault.code, message=fault.message, param=fault.param, event_id=fault.event_id
        )
        return wire.Error(error=body)
