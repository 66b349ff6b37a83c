"""The native wire, without a socket: a client's events to deeds, the log's entries to events. See docs/wire.md.

Read `LiveWire.take` (up) and `LiveWire.show` (down).
"""

import json
import secrets
from typing import get_args

from pydantic import BaseModel

from duologue.agent.board import State
from duologue.server import live_config
from duologue.server import live_events as wire
from duologue.server.faults import Fault
from duologue.server.host import Host
from duologue.server.log import Drained, Ended, Entry, Handed, Happened, Over, Turned
from duologue.server.outbox import LEAD_MS, Outbox
from duologue.server.parse import parse
from duologue.server.pcm import Decoder, Encoder, decode_base64
from duologue.server.session import Opening, Session
from duologue.server.settings import MODEL
from duologue.turn import TURN_MS, Note, Source

USAGE_TURNS = 60_000 // TURN_MS
TASK_STATES = get_args(wire.TaskState)
SEES = "session.{}_transcript.delta"


class LiveWire:
    """One connection. `extended` speaks `duologue.v1`."""

    def __init__(self, host: Host, extended: bool):
        self.host, self.extended = host, extended
        self.session: Session | None = None
        self.outbox = Outbox()
        self.next_entry = 0  # of the log, to be shown

    async def greet(self) -> list[BaseModel]:
        return []

    async def take(self, raw: str | bytes) -> list[BaseModel]:
        """What to answer to one message. Raises Fault."""
        event = parse(wire.EXTENDED if self.extended else wire.PLAIN, raw, wire.UNSUPPORTED)
        try:
            answers = self._handle(event) if self.session else await self._open(event)
        except Fault as fault:
            fault.event_id = event.event_id
            raise
        for answer in answers[:1]:
            answer.client_event_id = event.event_id
        return answers

    async def _open(self, event: wire.ClientEvent) -> list[BaseModel]:
        if isinstance(event, wire.Start):
            return await self._start(event)
        if isinstance(event, wire.Resume):
            return self._resume(event)
        raise Fault("wrong_order", f"{event.type} came before session.start", "type")

    async def _start(self, event: wire.Start) -> list[BaseModel]:
        wishes = event.duologue if isinstance(event, wire.StartExtended) else live_config.Wishes()
        config = event.session
        opening = Opening(
            patience=self.host.settings.patience if wishes.patience is None else wishes.patience,
            seed=secrets.randbits(32) if wishes.seed is None else wishes.seed,
            resumable=self.extended,
            delegates=self._owns(config),
            instructions=config.instructions or "",
            history=tuple((message.role, part.text) for message in config.input or () for part in message.content),
        )
        self._bind(await self.host.open(opening), config)
        return [wire.Started(session=self._resource(), duologue=self._about() if self.extended else None)]

    def _owns(self, config: live_config.Session) -> bool:
        """Whether the server's background side answers: GPT-Live leaves it to the client unless told otherwise, and
        `duologue.v1` to the server."""
        return config.delegation.type == "responses" if config.delegation else self.extended and self.host.agents is not None

    def _bind(self, session: Session, config: live_config.Session) -> None:
        self.session, session.config = session, config
        rate_hz = _format(config).rate
        self.decoder, self.encoder = Decoder(rate_hz), Encoder(rate_hz)
        session.attach(self)

    def _resume(self, event: wire.Resume) -> list[BaseModel]:
        session = self.host.resume(event.token)
        missed = session.log.after_turn(event.last_turn)
        standing = [] if session.log.reaches(event.last_turn) else session.standing()
        self.next_entry = session.log.end
        self._bind(session, session.config)
        turns = [entry for entry in missed if isinstance(entry, Turned)]
        turn = turns[-1].out.index + 1 if turns else event.last_turn + 1
        resumed = wire.Resumed(session=self._resource(), duologue=self._about(), turn=turn)
        told = [one for entry in (*missed, *standing) for one in self._again(entry)]
        return [resumed, *told, *_gap(turns)]

    def _again(self, entry: Entry) -> list[BaseModel]:
        """What to send for an entry that was missed."""
        return [seen(entry)] if isinstance(entry, Turned) else self.show(entry)

    def _handle(self, event: wire.ClientEvent) -> list[BaseModel]:
        deeds = {
            wire.AppendAudio: self._hear,
            wire.Played: self._played,
            wire.AppendImage: self._see,
            wire.AppendText: self._read,
            wire.Commentary: self._comment,
            wire.CommentaryExtended: self._comment,
            wire.Aside: self._remark,
            wire.Mute: self._mute,
            wire.SetPatience: self._be_patient,
            wire.Update: self._update,
            wire.Close: self._end,
        }
        if type(event) not in deeds:
            raise Fault("wrong_order", f"{event.type} can only be the first event", "type")
        return [*filter(None, [deeds[type(event)](event)])]

    def _hear(self, event: wire.AppendAudio) -> None:
        self.session.hear(self.decoder.decode(event.audio))

    def _played(self, event: wire.Played) -> None:
        self.outbox.played(self.session.clock.now(), event.end_ms)
        self.session.inbox.unplayed_ms += event.skipped_ms

    def _see(self, event: wire.AppendImage) -> None:
        self.session.see(decode_base64(event.image, "image"))

    def _read(self, event: wire.AppendText) -> None:
        self.session.read(event.source, event.text)

    def _end(self, event: wire.Close) -> None:
        self.session.end("close_requested")

    def _mute(self, event: wire.Mute) -> wire.Muted:
        self.session.inbox.mute(event.type == "session.input_audio.mute")
        return wire.Muted(type=event.type + "d")

    def _be_patient(self, event: wire.SetPatience) -> wire.PatienceChanged:
        self.session.be_patient(event.patience)
        return wire.PatienceChanged(patience=event.patience)

    def _comment(self, event: wire.Commentary) -> wire.Appended:
        final = isinstance(event, wire.CommentaryExtended) and event.final
        if final and event.delegation_id is None:
            raise Fault("invalid_event", "final ends the answer to a delegation; name it, or leave final out", "delegation_id")
        return self._note(event, "background", final)

    def _remark(self, event: wire.Aside) -> wire.Appended:
        return self._note(event, "memory")

    def _note(self, event: wire.Append, source: Source, final: bool = False) -> wire.Appended:
        if event.delegation_id is None:
            self.session.read(source, event.content)
        else:
            self.session.answered(event.delegation_id, Note(source, event.content), final)
        begin_ms = self.session.inbox.index * TURN_MS
        return wire.Appended(type=event.type + "ed", start_ms=begin_ms, end_ms=begin_ms + TURN_MS)

    def _update(self, event: wire.Update) -> wire.Updated:
        now, wanted = self._delegation(), event.session.delegation or self._delegation()
        if wanted.type != now.type:
            raise Fault("invalid_event", f"delegation.type is {now.type} since the start", "session.delegation.type")
        changes = wanted.model_dump(exclude_unset=True)
        self.session.config = self.session.config.model_copy(update={"delegation": now.model_copy(update=changes)})
        return wire.Updated(session=self._resource())

    def show(self, entry: Entry) -> list[BaseModel]:
        """What to send for an entry, before its sound."""
        match entry:
            case Turned():
                return self._turned(entry)
            case Happened():
                return self._happened(entry)
            case Handed(id=id, asked=asked):
                return [self._delegated(id, asked, entry.context if self.extended else None)]
            case Over(id=id, why=why):
                return [wire.DelegationClosed(delegation_id=id, reason=why)] if self.extended else []
            case Drained():
                return [wire.Draining(deadline_ms=entry.deadline_ms)] if self.extended else []
            case Ended():
                usage = wire.Usage(seconds=self.session.seconds)
                return [wire.Closed(reason=entry.reason, session=self._resource(), usage=usage)]

    def _turned(self, entry: Turned) -> list[BaseModel]:
        out, begin_ms = entry.out, heard_from(entry)
        span = {"start_ms": begin_ms, "end_ms": begin_ms + TURN_MS}
        lanes = (("input", out.heard), ("output", out.said))
        events: list[BaseModel] = [seen(entry)] if self.extended else []
        events += [wire.Words(type=SEES.format(lane), delta=words + " ", **span) for lane, words in lanes if words]
        if (out.index + 1) % USAGE_TURNS == 0:
            events.append(wire.UsageUpdated(usage=wire.Usage(seconds=self.session.seconds)))
        return events

    def _happened(self, entry: Happened) -> list[BaseModel]:
        event, opening = entry.event, self.session.opening
        begun = opening.delegates and event.what == State.WORKING
        events: list[BaseModel] = [self._delegated(event.task, entry.asked)] if begun else []
        return [*events, *filter(None, [task_event(entry)])] if self.extended else events

    def _delegated(self, id: str, asked: int, context: dict | None = None) -> wire.Delegated:
        target = wire.Target(id=id, target=self._delegation().type)
        return wire.Delegated(delegation=target, offset_ms=(asked + 1) * TURN_MS, context=context)

    def sound(self, entry: Turned) -> wire.Sound | None:
        begin_ms = heard_from(entry)
        delta = self.encoder.encode(entry.out.pcm_S)
        return wire.Sound(
            delta=delta, start_ms=begin_ms, end_ms=begin_ms + TURN_MS, turn=entry.out.index if self.extended else None
        )

    def unsent(self, entry: Turned) -> list[BaseModel]:
        """What to send when its sound came too late to be sent."""
        begin_ms = heard_from(entry)
        return [wire.Gap(start_ms=begin_ms, end_ms=begin_ms + TURN_MS, reason="behind")] if self.extended else []

    def after(self, entry: Entry) -> list[BaseModel]:
        return []

    def error(self, fault: Fault) -> wire.Error:
        body = wire.ErrorBody(
            type=fault.type, code=fault.code, message=fault.message, param=fault.param, client_event_id=fault.event_id
        )
        return wire.Error(error=body, client_event_id=fault.event_id)

    def _delegation(self) -> live_config.Delegation:
        owner = "responses" if self.session.opening.delegates else "client"
        return self.session.config.delegation or live_config.Delegation(type=owner)

    def _resource(self) -> live_config.Resource:
        config = self.session.config
        audio = live_config.Audio(format=_format(config))
        return live_config.Resource(
            id=self.session.id, expires_at=self.session.expires_at, model=MODEL, audio=audio,
            delegation=self._delegation(), input=config.input, instructions=config.instructions,
        )  # fmt: skip

    def _about(self) -> wire.About:
        session, settings = self.session, self.host.settings
        return wire.About(
            resume_token=session.token, grace_ms=round(settings.grace_s * 1000), turn_ms=TURN_MS, lead_ms=LEAD_MS,
            patience=session.patience, seed=session.opening.seed, recording=settings.record is not None, model=MODEL,
        )  # fmt: skip


def heard_from(entry: Turned) -> int:
    """Milliseconds of the clock at which this turn's output begins to be heard."""
    return (entry.out.index + 1) * TURN_MS


def _gap(turns: list[Turned]) -> list[wire.Gap]:
    """Of the turns whose sound was missed."""
    if not turns:
        return []
    return [wire.Gap(start_ms=heard_from(turns[0]), end_ms=heard_from(turns[-1]) + TURN_MS, reason="disconnected")]


def seen(entry: Turned) -> wire.TurnSeen:
    turn, out, begin_ms = entry.turn, entry.out, heard_from(entry)
    return wire.TurnSeen(
        turn=out.index, start_ms=begin_ms, end_ms=begin_ms + TURN_MS, speak=out.speak, heard=out.heard, said=out.said,
        text=out.text, calls=[wire.CallSeen(kind=call.kind, text=call.text) for call in out.calls],
        compute_ms=round(out.compute_ms, 2), late=out.late, missing_ms=turn.missing_ms,
        unplayed_ms=turn.unplayed_ms, image=turn.image is not None, typed=turn.typed,
        notes=[wire.NoteSeen(source=note.source, text=note.text) for note in turn.notes],
    )  # fmt: skip


def task_event(entry: Happened) -> wire.TaskChanged | wire.Interface | None:
    """What the page draws; the rest of what happens to a task is between the agent and the model."""
    event = entry.event
    if event.what == "interface":
        spec = json.loads(event.text)
        return wire.Interface(id=spec["id"], spec=spec)
    if event.what not in TASK_STATES:
        return None
    about = {"request": event.request, "state": event.what, "text": event.text, "active": event.active}
    task = wire.Task(id=event.task, turn=entry.asked, **about)
    return wire.TaskChanged(task=task, offset_ms=(event.turn + 1) * TURN_MS)


def _format(config: live_config.Session) -> live_config.Format:
    return (config.audio and config.audio.format) or live_config.Format()
