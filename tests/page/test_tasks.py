"""The lane of background tasks: every task has its name and its state from its asking to its end, and a row of its own."""

import base64
import io
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from duologue.agent.background import Agent
from duologue.agent.planner import Planner
from tests.page.conftest import Visit
from tests.server.stand_in import planner_tools, running

SEE = """
globalThis.texts = [];
const { pen } = duologue.timeline, fillText = pen.fillText.bind(pen);
pen.fillText = (text, x, y) => (texts.push([text, x, y]), fillText(text, x, y));
"""
STATES = "asked working partial question allowed delivered spoken done cancelled superseded failed expired".split()
WORDS = {"question": "asks you", "superseded": "replaced"}


def tell(visit, id: str, state: str, at_ms: int, request: str, text: str = "", active: bool = True, turn: int = 0) -> None:
    task = {"id": id, "turn": turn, "request": request, "state": state, "text": text, "active": active}
    visit.server.say({"type": "session.task", "task": task, "offset_ms": at_ms})


def drawn(visit) -> list[list]:
    """Text, x and y of all words on the timeline, as one frame draws them."""
    return visit.js("texts.length = 0; duologue.timeline.frame(); return texts")


def words(visit) -> set[str]:
    return {text for text, _, _ in drawn(visit)}


def legend(visit) -> dict[str, np.ndarray]:
    """The looks of the states without colour: 0 is black."""
    script = "return [...document.querySelectorAll('#legend li')].map((li) => [li.textContent, li.firstChild.toDataURL()])"
    pictures = {}
    for name, url in visit.js(script):
        picture = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGBA")
        paper = Image.new("RGBA", picture.size, "white")
        pictures[name] = np.asarray(Image.alpha_composite(paper, picture).convert("L")).astype(int)
    return pictures


@pytest.fixture
def lane(visit):
    visit.begin()
    visit.js(SEE)
    visit.until(lambda: len(visit.server.turns) > 2)
    return visit


def test_a_bar_has_its_name_in_every_state(lane):
    name = "what is the weather in oslo"
    for k, state in enumerate(STATES):
        tell(lane, "1.0", state, 300 + k, name, "It rains in Oslo.")
        lane.until(lambda state=state: lane.js("return duologue.talk.story.tasks[0]?.steps.at(-1).state") == state)
        assert {name, WORDS.get(state, state)} <= words(lane)
        stands = lane.js("return duologue.timeline.describe(duologue.talk.story.now)")
        assert f"“{name}” {WORDS.get(state, state)}" in stands
    tell(lane, "1.0", "spoken", 400, name, active=False)
    lane.until(lambda: lane.js("return duologue.talk.story.tasks[0].to") == 0.4)
    assert {name, "spoken"} <= words(lane)


def test_a_request_that_is_heard_out_later_names_the_bar_anew(lane):
    tell(lane, "1.0", "asked", 200, "weather in")
    tell(lane, "1.0", "working", 300, "weather in rome")
    lane.until(lambda: "weather in rome" in words(lane))
    assert "weather in" not in words(lane)


def test_there_are_as_many_rows_as_tasks_overlap(lane):
    names = ["oslo", "rome", "lima", "bern"]
    for k, name in enumerate(names):
        tell(lane, name, "asked", 200 + k, name)
    lane.until(lambda: set(names) <= words(lane))
    assert len({y for text, _, y in drawn(lane) if text in names}) == 4
    tell(lane, "rome", "cancelled", 300, "rome", active=False)
    tell(lane, "kiel", "asked", 1600, "kiel", turn=7)
    lane.until(lambda: "kiel" in words(lane))
    at = {text: y for text, _, y in drawn(lane)}
    assert at["kiel"] == at["rome"]


def test_a_name_ends_where_the_next_task_of_its_row_begins(lane):
    tell(lane, "1.0", "asked", 200, "a request of many words that says nothing")
    tell(lane, "1.0", "cancelled", 500, "a request of many words that says nothing", active=False)
    tell(lane, "2.0", "asked", 1600, "short", turn=7)
    lane.until(lambda: "short" in words(lane))
    at = {text: x for text, x, _ in drawn(lane)}
    long = next(text for text in at if text.startswith("a req"))
    assert long.endswith("…") and at[long] < at["cancelled"] < at["short"]


def test_the_looks_differ_and_not_by_their_colour_alone(lane):
    assert not lane.js("return document.getElementById('legend').checkVisibility()")
    tell(lane, "1.0", "asked", 200, "weather in rome")
    lane.until(lambda: lane.js("return document.getElementById('legend').checkVisibility()"))
    pictures = legend(lane)
    assert {"asked", "working", "partial", "delivered", "spoken", "cancelled"} <= pictures.keys()
    for one, other in combinations(pictures, 2):
        a, b = pictures[one], pictures[other]
        assert a.shape != b.shape or (np.abs(a - b) > 60).mean() > 0.03, (one, other)


def test_a_name_stays_in_sight_as_long_as_its_bar(lane):
    tell(lane, "1.0", "asked", 200, "weather in rome")
    lane.until(lambda: "weather in rome" in words(lane))
    lane.js("duologue.talk.story.end = 100; duologue.timeline.follow()")
    assert {text: x for text, x, _ in drawn(lane)}["weather in rome"] == 3


def test_what_is_told_again_after_a_lost_line_changes_nothing(lane):
    for _ in range(2):
        tell(lane, "1.0", "asked", 200, "weather")
        tell(lane, "1.0", "working", 1000, "weather")
    tell(lane, "1.0", "partial", 1200, "weather", "It rains.")
    lane.until(lambda: "partial" in words(lane))
    assert lane.js("return duologue.talk.story.tasks.map((task) => task.steps.map((step) => step.second))") == [[0.2, 1, 1.2]]


class Url:
    def __init__(self, url: str):
        self.url = url


def test_a_real_agent_behind_the_real_server_is_seen_from_asking_to_speaking(browser):
    tools = planner_tools()
    with running(speed=1.0) as server:
        server.host.agents = lambda instructions: Agent(Planner(), tools, instructions=instructions)
        visit = Visit(browser, Url(f"http://127.0.0.1:{server.port}/"))
        visit.begin()
        visit.js(SEE)
        typed = visit.browser.find_element("id", "typed")
        typed.send_keys("what is seven times six\n")
        visit.until(lambda: visit.js("return duologue.talk.story.turns.some((turn) => turn?.typed)"))
        typed.send_keys("do 4\n")
        steps = "return duologue.talk.story.tasks[0]?.steps.map((step) => step.state) ?? []"
        visit.until(lambda: "delivered" in visit.js(steps))
        assert any(text.startswith("what is seven times six") for text in words(visit))
        typed.send_keys("tell seven times six is forty two\n")
        visit.until(lambda: visit.js("return duologue.talk.story.tasks[0].to") is not None)
        assert visit.js(steps) == ["asked", "working", "partial", "done", "delivered", "spoken"]
        assert "spoken" in words(visit) and any(text.startswith("what is seven times six") for text in words(visit))
        browser.get("about:blank")
