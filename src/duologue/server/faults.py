"""What a client did wrong, or what ends its connection: one value, the same on both wires. See docs/wire.md."""

from dataclasses import dataclass

CLOSES = {
    "busy": ("overloaded_error", 1013),
    "rate_limit_exceeded": ("rate_limit_error", 1008),
    "too_many_errors": ("invalid_request_error", 1008),
    "byte_limit": ("limit_error", 1008),
    "idle_timeout": ("limit_error", 1000),
    "session_expired": ("limit_error", 1000),
    "invalid_token": ("invalid_request_error", 4404),
    "taken_over": ("conflict_error", 4409),
    "slow_reader": ("limit_error", 1008),
    "session_failed": ("server_error", 1011),
    "draining": ("server_error", 1012),
}


@dataclass
class Fault(Exception):
    """One client's mistake or misfortune. Codes in CLOSES end the connection, all others only this event."""

    code: str
    message: str
    param: str | None = None
    event_id: str | None = None  # of the client's event at fault

    def __post_init__(self):
        """A client's own words, quoted back, may be long."""
        self.message, self.param = self.message[:500], self.param and self.param[:200]

    @property
    def type(self) -> str:
        return CLOSES.get(self.code, ("invalid_request_error", None))[0]

    @property
    def close_code(self) -> int | None:
        return CLOSES.get(self.code, ("", None))[1]
