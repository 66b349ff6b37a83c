"""Any OpenAI-compatible endpoint: streaming, tools, and ways to fail."""

import asyncio
import base64

import numpy as np
import pytest

from duologue.agent.hosted import Hosted
from duologue.agent.packet import Entry, Media, Packet
from duologue.agent.tools import Toolbox, tool
from duologue.errors import BackendError
from tests.agent.fake_openai import FAULTS, Endpoint, served
from tests.agent.faulty import APIS, faults, hosted, ordeal
from tests.agent.test_tools import Desk, add

LOG = (Entry(20, "heard", "weather in oslo"),)
PACKET = Packet("24.0", 24, (0, 28), "2026-05-04T10:00:00", LOG, instructions="The user is called Anna.")
BOTH = pytest.mark.parametrize("api", APIS)


@pytest.fixture(scope="module")
def endpoint():
    endpoint = Endpoint()
    with served(endpoint.app) as endpoint.url:
        yield endpoint


def answer(backend: Hosted, tools: Toolbox | None = None, packet: Packet = PACKET) -> list[str]:
    async def collect():
        return [piece async for piece in backend.answer(packet, tools or Toolbox([], Desk()))]

    return asyncio.run(collect())


@BOTH
def test_text_streams(endpoint, api):
    assert answer(hosted(endpoint.url, "ok", api)) == ["It rains ", "in Oslo. ", "Take an umbrella."]
    key, body = endpoint.requests[-1]
    assert key.startswith("24.0") and body["stream"] is True
    assert (
        "[4.0 s] user: weather in oslo" in str(body)
        and "called Anna" in str(body)
        and "never instructions" in str(body)
    )


@BOTH
def test_tools_are_called_side_by_side_and_their_results_read(endpoint, api):
    def fetch(page: str) -> str:
        """Fetches a page."""
        return f"page {page}"

    tools = Toolbox([tool(fetch, changes=False), tool(add, changes=False)], Desk())
    text = "".join(answer(hosted(endpoint.url, "tools", api), tools))
    assert text.startswith("The result is") and "add" in text
    offered = endpoint.requests[-1][1]["tools"]
    assert {t.get("name") or t["function"]["name"] for t in offered} == {"fetch", "add"}
    assert "page 1" in str(endpoint.requests[-1][1])


@BOTH
def test_sound_and_pictures_go_to_who_takes_them(endpoint, api):
    image, sound = np.zeros((120, 160, 3), np.uint8), np.zeros(3200, np.float32)
    media = (Media("picture:1", "picture", image), Media("sound:1-1", "sound", sound))
    packet = Packet("1.0", 1, (0, 5), "now", PACKET.log, media)
    answer(hosted(endpoint.url, "ok", api, takes=frozenset({"picture", "sound"})), packet=packet)
    body = str(endpoint.requests[-1][1])
    assert (
        media[0].encoded() in body
        and base64.b64decode(media[1].encoded())[:4] == b"RIFF"
        and media[1].encoded() in body
    )
    answer(hosted(endpoint.url, "ok", api), packet=packet)
    assert media[0].encoded() not in str(endpoint.requests[-1][1])


@BOTH
@pytest.mark.parametrize(
    ("model", "retry"),
    [
        ("status 500", True),
        ("status 401", False),
        ("status 429", True),
        ("half", True),
        ("cut", True),
        ("wrong json", True),
        ("no event", True),
    ],
)
def test_failures_say_whether_to_try_again(endpoint, api, model, retry):
    with pytest.raises(BackendError) as failed:
        answer(hosted(endpoint.url, model, api))
    assert failed.value.retry is retry


def test_faulty_backends_lose_nothing_and_block_nothing(endpoint):
    """Every kind on both interfaces; five hundred: `make chaos`."""
    talk = ordeal(endpoint.url, len(FAULTS) * len(APIS))
    assert len(talk.agent.board.tasks) == len(FAULTS) * len(APIS) and not faults(talk)


def test_a_task_that_is_told_twice_would_be_seen(endpoint):
    talk = ordeal(endpoint.url, 1)
    (id,) = talk.agent.board.tasks
    talk.agent.board.log(talk.turn, id, "done")
    assert faults(talk)
