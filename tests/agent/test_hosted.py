"""Any OpenAI-compatible endpoint: streaming, tools, and five hundred ways to fail."""

import asyncio
import base64
import itertools

import numpy as np
import openai
import pytest

from duologue.agent.background import Agent
from duologue.agent.hosted import Hosted
from duologue.agent.packet import Entry, Media, Packet
from duologue.agent.tools import Toolbox, tool
from duologue.agent.work import Limits
from duologue.errors import BackendError
from tests.agent.fake_openai import FAULTS, Endpoint, served
from tests.agent.talking import Talk
from tests.agent.test_tools import Desk, add

LOG = (Entry(20, "heard", "weather in oslo"),)
PACKET = Packet("24.0", 24, (0, 28), "2026-05-04T10:00:00", LOG, instructions="The user is called Anna.")
APIS = ("responses", "chat")
BOTH = pytest.mark.parametrize("api", APIS)


@pytest.fixture(scope="module")
def endpoint():
    endpoint = Endpoint()
    with served(endpoint.app) as endpoint.url:
        yield endpoint


def hosted(endpoint, model: str, api: str, timeout_s: float = 120.0, **more) -> Hosted:
    client = openai.AsyncOpenAI(base_url=f"{endpoint.url}/v1", api_key="none", max_retries=0, timeout=timeout_s)
    return Hosted(model, api=api, client=client, **more)


def answer(backend: Hosted, tools: Toolbox | None = None, packet: Packet = PACKET) -> list[str]:
    async def collect():
        return [piece async for piece in backend.answer(packet, tools or Toolbox([], Desk()))]

    return asyncio.run(collect())


@BOTH
def test_text_streams(endpoint, api):
    assert answer(hosted(endpoint, "ok", api)) == ["It rains ", "in Oslo. ", "Take an umbrella."]
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
    text = "".join(answer(hosted(endpoint, "tools", api), tools))
    assert text.startswith("The result is") and "add" in text
    offered = endpoint.requests[-1][1]["tools"]
    assert {t.get("name") or t["function"]["name"] for t in offered} == {"fetch", "add"}
    assert "page 1" in str(endpoint.requests[-1][1])


@BOTH
def test_sound_and_pictures_go_to_who_takes_them(endpoint, api):
    image, sound = np.zeros((120, 160, 3), np.uint8), np.zeros(3200, np.float32)
    media = (Media("picture:1", "picture", image), Media("sound:1-1", "sound", sound))
    packet = Packet("1.0", 1, (0, 5), "now", PACKET.log, media)
    answer(hosted(endpoint, "ok", api, takes=frozenset({"picture", "sound"})), packet=packet)
    body = str(endpoint.requests[-1][1])
    assert (
        media[0].encoded() in body
        and base64.b64decode(media[1].encoded())[:4] == b"RIFF"
        and media[1].encoded() in body
    )
    answer(hosted(endpoint, "ok", api), packet=packet)
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
        answer(hosted(endpoint, model, api))
    assert failed.value.retry is retry


class Routed:
    """Five hundred backends as one: the n-th task goes to the n-th."""

    def __init__(self, backends):
        self.backends, self.by_task = iter(backends), {}

    def answer(self, packet, tools):
        if packet.id not in self.by_task:
            self.by_task[packet.id] = next(self.backends)
        return self.by_task[packet.id][1].answer(packet, tools)


def test_five_hundred_faulty_backends_lose_nothing_and_block_nothing(endpoint, monkeypatch):
    monkeypatch.setattr("duologue.agent.board.EXPIRES_TURNS", 10**9)  # turns run faster than the network here
    made = {
        (kind, api): hosted(endpoint, kind, api, timeout_s=0.3 if kind == "hang" else 120.0)
        for kind, api in itertools.product(FAULTS, APIS)
    }
    every = list(itertools.islice(itertools.cycle(made.items()), 500))
    limits = Limits(seconds=600, attempts=2, backoff_s=0.01, characters=300, tasks=1000)
    talk = Talk(Agent(Routed(every), limits=limits), repeats=True)
    board = talk.agent.board
    for _ in range(10):
        asked = [talk.asks("weather in oslo", "1") for _ in range(50)]
        talk.until(lambda ids=asked: all(board.tasks[id].state in ("done", "failed") for id in ids), seconds=500)
    while any(t.active for t in board.live.values()):
        talk.step()
    talk.agent.close()
    results = {id: [e for e in talk.agent.events if e.task == id] for id in board.tasks}
    assert len(results) == 500
    for id, events in results.items():
        what = [e.what for e in events]
        kind = talk.agent.backend.by_task[id][0][0]
        assert what.count("done") + what.count("failed") == 1 and "stale" not in what and what[-1] == "spoken", (
            kind,
            what,
        )
        assert ("done" in what) == (kind in ("fifty megabytes",)) or kind == "wrong shape", (kind, what)
        told = sum(len(e.text) for e in events if e.what == "delivered")
        assert told < 400 and what.count("delivered") >= 1
