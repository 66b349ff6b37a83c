"""Every event of the Realtime projection, both ways, after `openai.types.realtime` (openai 3.54.0).

Unlike the native wire this one is lenient: its clients send many settings that mean nothing here, and none may be an error.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

MOST_TEXT = 16_384


class Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Format(Lenient):
    type: Literal["audio/pcm"] = "audio/pcm"
    rate: Literal[24_000] = 24_000


class Input(Lenient):
    format: Format | None = None


class Output(Lenient):
    format: Format | None = None
    voice: Any = None


class Audio(Lenient):
    input: Input | None = None
    output: Output | None = None


class Session(Lenient):
    instructions: str | None = Field(None, max_length=4 * MOST_TEXT)
    output_modalities: list[Literal["audio", "text"]] | None = Field(None, min_length=1)
    audio: Audio | None = None


class Content(Lenient):
    type: str
    text: str | None = Field(None, max_length=MOST_TEXT)
    transcript: str | None = Field(None, max_length=MOST_TEXT)
    image_url: str | None = None


class Item(Lenient):
    id: str | None = Field(None, max_length=200)
    type: Literal["message", "function_call", "function_call_output"]
    role: Literal["user", "assistant", "system"] | None = None
    content: list[Content] | None = Field(None, max_length=32)
    output: str | None = Field(None, max_length=MOST_TEXT)
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    status: str | None = None


class Response(Lenient):
    instructions: str | None = Field(None, max_length=MOST_TEXT)
    metadata: dict[str, str] | None = None


class ClientEvent(Lenient):
    event_id: str | None = Field(None, max_length=512)


class Update(ClientEvent):
    type: Literal["session.update"]
    session: Session


class AppendAudio(ClientEvent):
    type: Literal["input_audio_buffer.append"]
    audio: str


class Commit(ClientEvent):
    type: Literal["input_audio_buffer.commit"]


class Clear(ClientEvent):
    type: Literal["input_audio_buffer.clear"]


class CreateItem(ClientEvent):
    type: Literal["conversation.item.create"]
    item: Item
    previous_item_id: str | None = None


class NamesItem(ClientEvent):
    item_id: str = Field(max_length=200)


class Retrieve(NamesItem):
    type: Literal["conversation.item.retrieve"]


class Delete(NamesItem):
    type: Literal["conversation.item.delete"]


class Truncate(NamesItem):
    type: Literal["conversation.item.truncate"]
    content_index: int
    audio_end_ms: int = Field(ge=0)


class CreateResponse(ClientEvent):
    type: Literal["response.create"]
    response: Response | None = None


class CancelResponse(ClientEvent):
    type: Literal["response.cancel"]
    response_id: str | None = None


class ClearOutput(ClientEvent):
    type: Literal["output_audio_buffer.clear"]


Client = (
    Update | AppendAudio | Commit | Clear | CreateItem | Retrieve | Delete | Truncate | CreateResponse | CancelResponse
    | ClearOutput
)  # fmt: skip
CLIENT: TypeAdapter[Client] = TypeAdapter(Annotated[Client, Field(discriminator="type")])


class ServerEvent(BaseModel):
    """`event_id` is added when it is sent."""


class SessionTold(ServerEvent):
    type: Literal["session.created", "session.updated"]
    session: dict[str, Any]


class ItemTold(ServerEvent):
    type: Literal["conversation.item.added", "conversation.item.done", "conversation.item.retrieved"]
    item: dict[str, Any]
    previous_item_id: str | None = None


class Deleted(ServerEvent):
    type: Literal["conversation.item.deleted"] = "conversation.item.deleted"
    item_id: str


class Truncated(ServerEvent):
    type: Literal["conversation.item.truncated"] = "conversation.item.truncated"
    item_id: str
    content_index: int
    audio_end_ms: int


class Transcribed(ServerEvent):
    type: Literal["conversation.item.input_audio_transcription.completed"] = (
        "conversation.item.input_audio_transcription.completed"
    )
    item_id: str
    content_index: int = 0
    transcript: str
    usage: dict[str, Any]


class Cleared(ServerEvent):
    type: Literal["input_audio_buffer.cleared"] = "input_audio_buffer.cleared"


class OutputCleared(ServerEvent):
    type: Literal["output_audio_buffer.cleared"] = "output_audio_buffer.cleared"
    response_id: str


class Committed(ServerEvent):
    type: Literal["input_audio_buffer.committed"] = "input_audio_buffer.committed"
    item_id: str
    previous_item_id: str | None = None


class SpeechStarted(ServerEvent):
    type: Literal["input_audio_buffer.speech_started"] = "input_audio_buffer.speech_started"
    item_id: str
    audio_start_ms: int


class SpeechStopped(ServerEvent):
    type: Literal["input_audio_buffer.speech_stopped"] = "input_audio_buffer.speech_stopped"
    item_id: str
    audio_end_ms: int


class ResponseTold(ServerEvent):
    type: Literal["response.created", "response.done"]
    response: dict[str, Any]


class OutputItem(ServerEvent):
    type: Literal["response.output_item.added", "response.output_item.done"]
    response_id: str
    output_index: int = 0
    item: dict[str, Any]


class InPart(ServerEvent):
    """What all events within a content part carry."""

    response_id: str
    item_id: str
    output_index: int = 0
    content_index: int = 0


class ContentPart(InPart):
    type: Literal["response.content_part.added", "response.content_part.done"]
    part: dict[str, Any]


class Delta(InPart):
    type: Literal["response.output_audio.delta", "response.output_audio_transcript.delta", "response.output_text.delta"]
    delta: str


class AudioDone(InPart):
    type: Literal["response.output_audio.done"] = "response.output_audio.done"


class TranscriptDone(InPart):
    type: Literal["response.output_audio_transcript.done"] = "response.output_audio_transcript.done"
    transcript: str


class TextDone(InPart):
    type: Literal["response.output_text.done"] = "response.output_text.done"
    text: str


class RateLimits(ServerEvent):
    type: Literal["rate_limits.updated"] = "rate_limits.updated"
    rate_limits: list[dict[str, Any]] = []


class ErrorBody(BaseModel):
    type: str
    code: str
    message: str
    param: str | None = None
    event_id: str | None = None


class Error(ServerEvent):
    type: Literal["error"] = "error"
    error: ErrorBody
