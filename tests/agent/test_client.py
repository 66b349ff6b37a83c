"""A client as the background model: tasks go out, what it finds comes in. Over the wire: tests/server/test_client_owned.py."""

from duologue.agent.client import QUIET_S, ClientBackend
from duologue.agent.packet import Packet
from tests.agent.talking import Talk, stepped


def asking() -> tuple[Talk, ClientBackend, list[Packet], str]:
    """A conversation whose model has just handed something on."""
    handed: list[Packet] = []
    backend = ClientBackend(handed.append)
    talk = stepped(backend)
    id = talk.asks("weather in oslo", "1")
    talk.wait(6)
    return talk, backend, handed, id


def test_a_client_that_does_not_say_final_is_done_when_it_has_been_quiet_for_a_while():
    talk, backend, (packet,), id = asking()
    assert packet.id == id and packet.request == "weather in oslo"
    assert backend.found(id, "It rains in Oslo. Take care.")
    talk.wait(int(QUIET_S * 5) - 2)
    assert "done" not in talk.what(id)
    talk.wait(5)
    assert talk.texts == ["It rains in Oslo.", "Take care."] and talk.what(id)[-2:] == ["spoken", "done"]


def test_a_sign_of_life_prolongs_the_wait_and_is_not_told():
    talk, backend, _, id = asking()
    backend.found(id, "It rains.")
    for _ in range(4):
        talk.wait(int(QUIET_S * 5) - 5)
        assert backend.found(id, "")
    backend.found(id, "", final=True)
    talk.wait(3)
    assert talk.texts == ["It rains."] and talk.what(id)[-1] == "done" and backend.open == {}


def test_final_ends_it_at_once():
    talk, backend, _, id = asking()
    backend.found(id, "It rains.", final=True)
    talk.wait(3)
    assert talk.texts == ["It rains."] and "done" in talk.what(id) and not backend.found(id, "It snows.")


def test_nobody_waits_for_the_answer_to_a_cancelled_task():
    talk, backend, _, id = asking()
    talk.calls("cancel")
    talk.wait(3)
    assert not backend.found(id, "It rains.") and not backend.found("7.0", "who knows")
    talk.agent.late(id, "It rains.")
    talk.wait(10)
    assert talk.texts == [] and talk.what(id)[-2:] == ["cancelled", "stale"]
