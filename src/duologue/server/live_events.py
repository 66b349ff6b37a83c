"""Every event of the native wire, both ways: OpenAI's GPT-Live, and what `duologue.v1` adds. See docs/wire.md.

Names and fields after the types of `openai.types.live` (openai 3.54.0). Fields that no version has are refused.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, TypeAdapter

from duologue.server.live_config import MOST_TEXT, Changes, Patience, Resource, Session, Strict, Wishes

MOST_TYPED = 2_000


class ClientEvent(Strict):
    event_id: str | None = Field(None, max_length=200)


class Start(ClientEvent):
    type: Literal["session.start"]
    session: Session


class Update(ClientEvent):
    type: Literal["session.update"]
    session: Changes


class AppendAudio(ClientEvent):
    type: Literal["session.input_audio.append"]
    audio: str


class Mute(ClientEvent):
    type: Literal["session.input_audio.mute", "session.input_audio.unmute"]


class Append(ClientEvent):
    """Text for the model, of its own accord or about a delegation."""

    content: str = Field(max_length=MOST_TEXT)
    delegation_id: str | None = None


class Commentary(Append):
    """What may be spoken."""

    type: Literal["session.commentary.append"]


class CommentaryExtended(Commentary):
    final: bool = False


class Aside(Append):
    """What is for it to know."""

    type: Literal["session.thinking.append", "session.instructions.append"]


class Close(ClientEvent):
    type: Literal["session.close"]


class StartExtended(Start):
    duologue: Wishes = Wishes()


class Resume(ClientEvent):
    type: Literal["session.resume"]
    token: str = Field(max_length=200)
    last_turn: int = Field(-1, ge=-1)


class AppendImage(ClientEvent):
    type: Literal["session.input_image.append"]
    image: str = Field(max_length=350_000)


class AppendText(ClientEvent):
    type: Literal["session.input_text.append"]
    text: str = Field(min_length=1, max_length=MOST_TYPED)
    source: Literal["typed", "ui"] = "typed"


class SetPatience(ClientEvent):
    type: Literal["session.patience.set"]
    patience: Patience


class Played(ClientEvent):
    type: Literal["session.output_audio.played"]
    end_ms: int = Field(ge=0)
    skipped_ms: int = Field(0, ge=0, le=60_000)


Both = Update | AppendAudio | Mute | Aside | Close
Plain = Start | Commentary | Both
Extended = StartExtended | CommentaryExtended | Both | Resume | AppendImage | AppendText | SetPatience | Played
PLAIN: TypeAdapter[Plain] = TypeAdapter(Annotated[Plain, Field(discriminator="type")])
EXTENDED: TypeAdapter[Extended] = TypeAdapter(Annotated[Extended, Field(discriminator="type")])
UNSUPPORTED = {
    "response.item.create", "response.create", "decision.create", "decision.item.create", "decision.item.delete",
    "session.output_audio.fixture.play", "transport.dtmf.send",
}  # fmt: skip


class ServerEvent(BaseModel):
    """`event_id` is added when it is sent."""

    client_event_id: str | None = None


class About(BaseModel):
    """What `duologue.v1` tells at the start."""

    resume_token: str
    grace_ms: int
    turn_ms: int
    lead_ms: int
    patience: float
    seed: int
    recording: bool
    model: str


class Usage(BaseModel):
    seconds: float


class Started(ServerEvent):
    type: Literal["session.started"] = "session.started"
    session: Resource
    duologue: About | None = None


class Updated(ServerEvent):
    type: Literal["session.updated"] = "session.updated"
    session: Resource


class Muted(ServerEvent):
    type: Literal["session.input_audio.muted", "session.input_audio.unmuted"]


class Appended(ServerEvent):
    type: Literal["session.commentary.appended", "session.thinking.appended", "session.instructions.appended"]
    start_ms: int
    end_ms: int


class Sound(ServerEvent):
    type: Literal["session.output_audio.delta"] = "session.output_audio.delta"
    delta: str
    start_ms: int
    end_ms: int
    turn: int | None = None


class Words(ServerEvent):
    type: Literal["session.input_transcript.delta", "session.output_transcript.delta"]
    delta: str
    start_ms: int
    end_ms: int


class Target(BaseModel):
    type: Literal["delegation"] = "delegation"
    id: str
    target: Literal["client", "responses"]


class Delegated(ServerEvent):
    type: Literal["session.delegation.created"] = "session.delegation.created"
    delegation: Target
    offset_ms: int
    context: dict[str, Any] | None = None


class DelegationClosed(ServerEvent):
    type: Literal["session.delegation.closed"] = "session.delegation.closed"
    delegation_id: str
    reason: Literal["done", "failed", "cancelled", "superseded", "expired"]


class UsageUpdated(ServerEvent):
    type: Literal["session.usage.updated"] = "session.usage.updated"
    usage: Usage


class Closed(ServerEvent):
    type: Literal["session.closed"] = "session.closed"
    reason: Literal["close_requested", "expired", "connection_lost"]
    session: Resource
    usage: Usage


class ErrorBody(BaseModel):
    type: str
    code: str
    message: str
    param: str | None = None
    client_event_id: str | None = None


class Error(ServerEvent):
    type: Literal["error"] = "error"
    error: ErrorBody


class CallSeen(BaseModel):
    kind: Literal["delegate", "cancel", "interface"]
    text: str


class NoteSeen(BaseModel):
    source: Literal["typed", "background", "tool", "ui", "memory"]
    text: str


class TurnSeen(ServerEvent):
    """One micro-turn, whole: what went in with input turn `turn`, and what the model did about it."""

    type: Literal["session.turn"] = "session.turn"
    turn: int
    start_ms: int
    end_ms: int
    speak: bool
    heard: str
    said: str
    text: str
    calls: list[CallSeen]
    compute_ms: float
    late: bool
    missing_ms: int
    unplayed_ms: int
    image: bool
    typed: str
    notes: list[NoteSeen]


TaskState = Literal[
    "asked", "working", "heard", "partial", "question", "allowed", "denied", "done", "delivered", "spoken", "failed", "cancelled",
    "superseded", "expired",
]  # fmt: skip


class Task(BaseModel):
    id: str
    turn: int
    request: str
    state: TaskState
    text: str
    active: bool


class TaskChanged(ServerEvent):
    type: Literal["session.task"] = "session.task"
    task: Task
    offset_ms: int


class Interface(ServerEvent):
    type: Literal["session.interface"] = "session.interface"
    id: str
    spec: dict[str, Any]


class Gap(ServerEvent):
    type: Literal["session.gap"] = "session.gap"
    start_ms: int
    end_ms: int
    reason: Literal["disconnected", "behind"]


class Resumed(ServerEvent):
    type: Literal["session.resumed"] = "session.resumed"
    session: Resource
    duologue: About
    turn: int


class PatienceChanged(ServerEvent):
    type: Literal["session.patience.changed"] = "session.patience.changed"
    patience: float


class Draining(ServerEvent):
    type: Literal["session.draining"] = "session.draining"
    deadline_ms: int
