"""Who may come in, and how often: API keys, origins, rates. `refusal` is the function to read."""

import hmac
from collections import OrderedDict
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from duologue.server.bucket import Bucket
from duologue.server.settings import Settings

KEY_PROTOCOL = "openai-insecure-api-key."
MOST_ADDRESSES = 10_000


def protocols(socket: HTTPConnection) -> list[str]:
    return [name.strip() for name in socket.headers.get("sec-websocket-protocol", "").split(",") if name.strip()]


def key_of(socket: HTTPConnection) -> str:
    """The API key that came with the handshake, or nothing."""
    scheme, _, key = socket.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and key:
        return key.strip()
    return next((p.removeprefix(KEY_PROTOCOL) for p in protocols(socket) if p.startswith(KEY_PROTOCOL)), "")


def known(key: str, keys: tuple[str, ...]) -> bool:
    """Every key is compared, each in constant time."""
    return max([hmac.compare_digest(key.encode(), one.encode()) for one in keys], default=False)


def same_origin(socket: HTTPConnection, allowed: tuple[str, ...]) -> bool:
    """No browser, the server's own page, or an origin that the operator named."""
    origin = socket.headers.get("origin")
    return origin is None or origin in allowed or urlsplit(origin).netloc == socket.headers.get("host")


def refusal(socket: HTTPConnection, settings: Settings) -> tuple[int, str] | None:
    """HTTP status and code for a handshake that is turned away."""
    if not same_origin(socket, settings.origins):
        return 403, "forbidden_origin"
    if settings.keys and not known(key_of(socket), settings.keys):
        return 401, "invalid_api_key"
    return None


class Doorkeeper:
    """Counts connections of each address; forgets those that came longest ago."""

    def __init__(self, per_minute: float):
        self.per_minute = per_minute
        self.buckets: OrderedDict[str, Bucket] = OrderedDict()

    def admits(self, address: str, now_s: float) -> bool:
        bucket = self.buckets.setdefault(address, Bucket.full(self.per_minute / 60, self.per_minute, now_s))
        self.buckets.move_to_end(address)
        if len(self.buckets) > MOST_ADDRESSES:
            self.buckets.popitem(last=False)
        return bucket.take(now_s)
