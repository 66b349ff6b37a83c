"""A GPT-Live client as the background model. The events are checked with the types of the `openai` SDK."""

import pytest
from openai.types.live import DelegationCreatedEvent

from duologue.agent.client import QUIET_S, ClientBackend
from duologue.errors import DataError
from tests.agent.talking import Talk, stepped


def talking(extended: bool) -> tuple[Talk, ClientBackend, list[dict]]:
    sent: list[dict] = []
    backend = ClientBackend(sent.append, extended)
    return stepped(backend), backend, sent


def commentary(id: str | None, text: str, **more) -> dict:
    return {"type": "session.commentary.append", "delegation_id": id, "content": text} | more


def test_a_plain_client_gets_openais_event_and_its_commentary_is_the_answer():
    talk, backend, sent = talking(extended=False)
    id = talk.asks("weather in oslo", "1")
    talk.wait(6)
    (event,) = sent
    parsed = DelegationCreatedEvent.model_validate(event | {"event_id": "e1"})
    assert parsed.delegation.id == id and parsed.delegation.target == "client" and parsed.offset_ms == 600
    assert set(event) == {"type", "offset_ms", "delegation"}
    ack = backend.receive(commentary(id, "It rains in Oslo. Take care."), talk.turn)
    assert ack == {"type": "session.commentary.appended", "start_ms": talk.turn * 200, "end_ms": talk.turn * 200}
    talk.wait(int(QUIET_S * 5) + 5)
    assert talk.texts == ["It rains in Oslo.", "Take care."] and len(sent) == 1
    assert talk.what(id)[-2:] == ["spoken", "done"]


def test_an_extended_client_gets_the_packet_and_ends_the_task_itself():
    talk, backend, sent = talking(extended=True)
    id = talk.asks("weather in oslo", "1")
    talk.wait(6)
    assert sent[0]["context"]["request"] == "weather in oslo" and sent[0]["context"]["log"]
    thinking = {"type": "session.thinking.append", "delegation_id": id, "content": "looking"}
    assert backend.receive(thinking, 9)["type"] == "session.thinking.appended"
    backend.receive(commentary(id, "It rains.", final=True), 9)
    talk.wait(10)
    assert talk.texts == ["It rains."] and "done" in talk.what(id) and backend.open == {} and len(sent) == 1


def test_the_client_learns_that_a_task_was_cancelled_and_what_it_sends_later_is_acknowledged_and_dropped():
    talk, backend, sent = talking(extended=True)
    id = talk.asks("weather in oslo", "1")
    talk.wait(6)
    talk.calls("cancel")
    talk.wait(3)
    assert sent[-1] == {"type": "session.delegation.closed", "delegation_id": id}
    assert backend.receive(commentary(id, "It rains."), 20) is not None
    talk.wait(10)
    assert talk.texts == []


def test_what_belongs_to_no_task_is_left_to_the_session():
    _, backend, _ = talking(extended=False)
    assert backend.receive(commentary(None, "hello"), 0) is None
    assert backend.receive({"type": "session.close"}, 0) is None
    with pytest.raises(DataError, match="must be text"):
        backend.receive({"type": "session.thinking.append", "delegation_id": "1.0", "content": 7}, 0)
