"""One message of a client to one event, or the Fault that says what is wrong with it."""

import json
from collections.abc import Collection

from pydantic import TypeAdapter, ValidationError

from duologue.server.faults import Fault


def parse(adapter: TypeAdapter, raw: str | bytes, unsupported: Collection[str] = ()):
    """Raises Fault for what is not JSON, not an event, or an event with a wrong field."""
    try:
        return adapter.validate_json(raw)
    except ValidationError as error:
        raise _fault(error.errors(include_url=False)[0], raw, unsupported) from None


def _fault(first: dict, raw: str | bytes, unsupported: Collection[str]) -> Fault:
    kind = first["type"]
    if kind == "json_invalid":
        return Fault("invalid_json", f"not JSON: {first['msg'][:200]}; send one event as one JSON object")
    name, event_id = _named(raw)
    if kind == "union_tag_invalid":
        if name in unsupported:
            return Fault("unsupported", f"{name} is part of the protocol, but not of this server", "type", event_id)
        return Fault("unknown_event", f"unknown event type {name[:100]!r}", "type", event_id)
    where = ".".join(str(place) for place in first["loc"][1:])
    return Fault("invalid_event", f"{where or 'event'}: {first['msg'][:200]}", where or None, event_id)


def _named(raw: str | bytes) -> tuple[str, str | None]:
    """Type and id of the event at fault, where it says so."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return "", None
    if not isinstance(value, dict):
        return "", None
    event_id = value.get("event_id")
    return str(value.get("type", "")), event_id[:200] if isinstance(event_id, str) else None
