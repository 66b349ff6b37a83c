import asyncio

import pytest

from duologue.agent.builtin import dictionary
from duologue.agent.packet import Entry, Packet
from duologue.agent.planner import Planner, builtin_tools, plan
from duologue.agent.speakable import speakable
from duologue.agent.tools import Toolbox
from duologue.errors import BackendError, ConfigError
from tests.agent.test_tools import Desk


def told(request: str, folder=None) -> str:
    packet = Packet("1.0", 1, (0, 5), "now", (Entry(1, "heard", request),))

    async def collect():
        return "".join([piece async for piece in Planner().answer(packet, Toolbox(builtin_tools(folder), Desk()))])

    return speakable(asyncio.run(collect())).lower()


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ("what is seventeen times twenty three", "seventeen times twenty three is three hundred and ninety one"),
        ("um what's one hundred divided by seven", "is about fourteen point two eight six"),
        ("how much is two plus three times four", "is fourteen"),
        ("what's fifteen percent of eighty", "is twelve"),
        ("how many feet are in two and a half kilometres", "about eight thousand two hundred and two point one foot"),
        ("convert ten miles to kilometres please", "ten miles is about sixteen point zero nine three kilometer"),
        ("twenty degrees celsius in fahrenheit", "is sixty eight degree fahrenheit"),
        ("how many metres per second are ninety kilometres per hour", "is twenty five meter/second"),
    ],
)
def test_sums_and_units_are_exact(request_, answer):
    assert answer in told(request_)


@pytest.mark.skipif(not (dictionary.FOLDER / "index.noun").exists(), reason="WordNet is not installed")
@pytest.mark.parametrize(("request_", "answer"), [("what does anchor mean", "mechanical device that prevents a vessel"),
                                                  ("define mice", "rodents")])  # fmt: skip
def test_words_are_looked_up(request_, answer):
    assert answer in told(request_)


def test_time_is_told_for_a_place():
    assert told("what time is it in tokyo").startswith("in tokyo it is ")
    assert told("what day is it tomorrow").startswith("tomorrow is ")


def test_documents_are_found_with_their_place(tmp_path):
    (tmp_path / "recipes.md").write_text(
        "# Recipes\n\nBread: flour, water.\n\n\nPancakes: two eggs,\nmilk and flour.\n"
    )
    (tmp_path / "long.txt").write_text("nothing here\n" * 100)
    found = told("find pancakes with eggs in my notes", tmp_path)
    assert found == "this is what i found: recipes.md line six: pancakes: two eggs, milk and flour."


def test_two_requests_at_once_are_both_answered():
    steps = plan("what's two plus two and what time is it in rome")
    assert [step.tool for step in steps] == ["calculate", "now"]


def test_what_cannot_be_found_is_a_failure_in_words():
    with pytest.raises(BackendError) as failed:
        told("sing me a song")
    assert failed.value.spoken == "i do not know how to find that out"
    with pytest.raises(BackendError) as failed:
        told("how many feet are in three zorks")
    assert failed.value.spoken == "i could not find that out"


def test_a_folder_that_is_none_is_said_at_once(tmp_path):
    with pytest.raises(ConfigError, match="is no folder"):
        builtin_tools(tmp_path / "absent")
