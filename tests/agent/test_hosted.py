"""Any OpenAI-compatible endpoint: streaming, tools, and ways to fail."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import numpy as np
import pytest

from duologue.agent.budget import Budget
from duologue.agent.hosted import INSTRUCTIONS, MOST_TOKENS, Hosted, _retry_after_s
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


def sent(tokens: int) -> Toolbox:
    return Toolbox([], Desk(), budget=Budget(tokens))


@BOTH
def test_a_stream_s_own_count_of_tokens_is_what_was_spent(endpoint, api):
    tools = sent(50_000)
    assert len(answer(hosted(endpoint.url, "usage 1234", api), tools)) == 3
    assert tools.budget.spent == 1234


@BOTH
def test_without_a_count_four_characters_are_a_token(endpoint, api):
    tools = sent(50_000)
    told = "".join(answer(hosted(endpoint.url, "ok", api), tools))
    written = len(INSTRUCTIONS) + len(PACKET.transcript()) + len(PACKET.request) + len(told)
    assert written / 4 < tools.budget.spent < written / 4 + 150  # the names of fields, and what introduces the request


@BOTH
def test_half_a_stream_has_been_paid_for_and_a_refusal_has_not(endpoint, api):
    for model, paid in (("half", True), ("status 500", False)):
        tools = sent(50_000)
        with pytest.raises(BackendError):
            answer(hosted(endpoint.url, model, api), tools)
        assert (tools.budget.spent > 200) is paid


@BOTH
def test_a_model_may_write_no_more_than_is_left(endpoint, api):
    limit = {"responses": "max_output_tokens", "chat": "max_completion_tokens"}[api]
    answer(hosted(endpoint.url, "ok", api), sent(50_000))
    assert endpoint.requests[-1][1][limit] == MOST_TOKENS
    answer(hosted(endpoint.url, "ok", api), sent(1_000))
    assert 100 <= endpoint.requests[-1][1][limit] < 1_000
    before = len(endpoint.requests)
    with pytest.raises(BackendError, match="tokens are spent") as failed:
        answer(hosted(endpoint.url, "ok", api), sent(300))
    assert len(endpoint.requests) == before and not failed.value.retry and "cost" in failed.value.spoken


@BOTH
def test_a_refusal_says_when_to_come_back(endpoint, api):
    with pytest.raises(BackendError) as failed:
        answer(hosted(endpoint.url, "status 429 7.5", api))
    assert failed.value.wait_s == 7.5 and failed.value.retry


def test_retry_after_may_be_a_date_or_nonsense():
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 85 < _retry_after_s(later) <= 90
    assert [_retry_after_s(value) for value in ("", "soon", "-3", "Wed, 21 Oct 2015 07:28:00 GMT", "2")] == [0, 0, 0, 0, 2]


def test_a_piece_that_is_no_text_is_a_failure_of_the_backend(endpoint):
    with pytest.raises(BackendError, match="piece of text is int"):
        answer(hosted(endpoint.url, "wrong shape", "responses"))


def test_faulty_backends_lose_nothing_and_block_nothing(endpoint):
    """Every kind on both interfaces; five hundred: `make chaos`."""
    talk = ordeal(endpoint.url, len(FAULTS) * len(APIS))
    assert len(talk.agent.board.tasks) == len(FAULTS) * len(APIS) and not faults(talk)


def test_a_task_that_is_told_twice_would_be_seen(endpoint):
    talk = ordeal(endpoint.url, 1)
    (id,) = talk.agent.board.tasks
    talk.agent.board.log(talk.turn, id, "done")
    assert faults(talk)
