"""The wires under events drawn from their own schemas, broken in every way, and under raw bytes: typed errors, nothing else.

No socket: the wires are driven as a connection drives them. The number of messages is examples times events; see MESSAGES.
"""

import asyncio
import contextlib
import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duologue.server import live_events, realtime_events
from duologue.server.clock import Clock
from duologue.server.connection import as_json
from duologue.server.faults import Fault
from duologue.server.host import Host
from duologue.server.live_wire import LiveWire
from duologue.server.metrics import Metrics
from duologue.server.realtime_wire import RealtimeWire
from duologue.server.settings import Settings
from tests.server.stand_in import Engine, pcm

MESSAGES = int(os.environ.get("FUZZ_MESSAGES", "1200"))
EVENTS = 20  # of one session
WIRES = {
    "plain": (lambda host: LiveWire(host, False), live_events.PLAIN),
    "extended": (lambda host: LiveWire(host, True), live_events.EXTENDED),
    "realtime": (RealtimeWire, realtime_events.CLIENT),
}
START = json.dumps({"type": "session.start", "session": {"model": "x"}})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from([pcm(0.01), "AAAA", "typed"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def values(schema: dict, defs: dict, depth: int = 0):
    """Values that mostly follow a JSON schema, down to the formats that pydantic writes."""
    if "$ref" in schema:
        return values(defs[schema["$ref"].split("/")[-1]], defs, depth + 1)
    for one in ("anyOf", "oneOf"):
        if one in schema:
            return st.one_of([values(part, defs, depth + 1) for part in schema[one]])
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    if schema.get("type") == "object" and "properties" in schema and depth < 6:
        wanted = set(schema.get("required", ()))
        fields = {name: values(part, defs, depth + 1) for name, part in schema["properties"].items()}
        return st.fixed_dictionaries(
            {n: f for n, f in fields.items() if n in wanted}, optional={n: f for n, f in fields.items() if n not in wanted}
        )
    if schema.get("type") == "array":
        return st.lists(values(schema.get("items", {}), defs, depth + 1), max_size=3)
    plain = {
        "string": st.text(max_size=30) | st.sampled_from([pcm(0.02), pcm(0.2), "say 3"]),
        "integer": st.integers(-5, 2**40), "number": st.floats(), "boolean": st.booleans(), "null": st.none(),
    }  # fmt: skip
    return plain.get(schema.get("type"), JSON)


def events(adapter):
    """Right events, events with one thing wrong, and what is no event at all."""
    schema = adapter.json_schema()
    right = values(schema, schema["$defs"])
    broken = st.builds(lambda event, key, value: {**event, key: value}, right, st.sampled_from(["type", "audio", "x"]), JSON)
    texts = st.one_of(right, broken, JSON).map(lambda value: json.dumps(value))
    return texts | st.text(max_size=50) | st.binary(max_size=50)


async def session(make, raws: list) -> None:
    """One session's messages, through the wire, and what its log can show afterwards."""
    host = Host(Engine().open, Settings(), Clock(20.0), Metrics(lambda: [1.0]))
    wire = make(host)
    await wire.greet()
    for raw in raws:
        check(await answered(wire, raw))
    if wire.session:
        await asyncio.sleep(0.02)
        with contextlib.suppress(Fault):
            while wire.next_entry < wire.session.log.end:
                entry = await wire.session.log.read(wire.next_entry)
                wire.next_entry += 1
                check([*wire.show(entry), *wire.after(entry)])
    for one in list(host.sessions.values()):
        one.end("close_requested")
    await asyncio.gather(*host.tasks)


async def answered(wire, raw) -> list:
    try:
        return await wire.take(raw)
    except Fault as fault:
        assert fault.code and fault.message and len(fault.message) < 1000
        return [wire.error(fault)]


def check(events: list) -> None:
    for event in events:
        assert json.loads(as_json(event))["type"]


@pytest.mark.parametrize("name", WIRES)
def test_whatever_comes_is_answered_by_events_or_a_fault(name):
    make, adapter = WIRES[name]
    begin = [] if name == "realtime" else [START]

    @settings(max_examples=max(1, MESSAGES // EVENTS // len(WIRES)), deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(events(adapter), max_size=EVENTS, min_size=EVENTS))
    def fuzz(raws):
        asyncio.run(asyncio.wait_for(session(make, begin + raws), 60))

    fuzz()
