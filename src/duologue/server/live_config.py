"""What a session of the native wire is opened with and told as: OpenAI's GPT-Live, and what `duologue.v1` may wish. See docs/wire.md.

Names and fields after the types of `openai.types.live` (openai 3.54.0). Fields that no version has are refused.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_TEXT = 16_384
Patience = Annotated[float, Field(ge=-8, le=8, allow_inf_nan=False)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Format(Strict):
    type: Literal["audio/pcm"] = "audio/pcm"
    rate: Literal[16_000, 24_000] = 24_000


class Voice(Strict):
    voice: str | dict[str, Any] | None = None


class Audio(Strict):
    format: Format | None = None
    output: Voice | None = None


class Delegation(Strict):
    type: Literal["client", "responses"] = "client"
    responses: dict[str, Any] | None = None
    acknowledgement_delay_ms: int | None = None


class Part(Strict):
    type: Literal["input_text", "output_text", "text"] | None = None
    text: str = Field(max_length=MOST_TEXT)


class Message(Strict):
    role: Literal["developer", "user", "assistant"]
    content: list[Part] = Field(max_length=1)
    type: Literal["message"] | None = None
    id: str | None = None
    status: Literal["incomplete", "completed"] | None = None


class Session(Strict):
    model: str = Field(max_length=200)
    audio: Audio | None = None
    delegation: Delegation | None = None
    input: list[Message] | None = Field(None, max_length=128)
    instructions: str | None = Field(None, max_length=4 * MOST_TEXT)
    safety_identifier: str | None = Field(None, max_length=200)
    store: Literal[False] | None = None


class Resource(BaseModel):
    """A session as it is told."""

    id: str
    expires_at: int
    model: str
    status: Literal["active"] = "active"
    audio: Audio = Audio()
    delegation: Delegation = Delegation()
    input: list[Message] | None = None
    instructions: str | None = None
    store: bool = False


class Changes(Strict):
    delegation: Delegation | None = None


class Wishes(Strict):
    """What `duologue.v1` may ask for at the start."""

    patience: Patience | None = None
    seed: int | None = Field(None, ge=0, lt=2**32)
