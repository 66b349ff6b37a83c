"""A recording with a background side, through the one door: a real session with random weights, one call played into it."""

import asyncio
import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from duologue import talk
from duologue.agent.background import Agent
from duologue.agent.loops import Stepped, Threaded
from duologue.engine.log import inputs, replay
from duologue.live import Conversation
from duologue.timeline.story import phrases, read_story, unfinished
from duologue.turn import Call, TurnOut, silence

ASKED, REQUEST = 3, "what is seventeen times twenty three"


def nothing(pcm_S: np.ndarray) -> None:
    pass


class Delegating(Conversation):
    """Hears one request and delegates it; what else its weights would call is left out."""

    def __init__(self, voiced, agent, request: str | None = REQUEST):
        super().__init__(voiced=voiced)
        self.agent, tick = agent, self.engine.tick
        self.engine.tick = lambda due: {session: played(out, request) for session, out in tick(due).items()}


def played(out: TurnOut, request: str | None = REQUEST) -> TurnOut:
    asks = {"heard": request, "calls": (Call("delegate", "2"),)}
    return replace(out, **(asks if out.index == ASKED and request else {"calls": ()}))


def lived(folder, conversation, turns: int = 16) -> list[dict]:
    """The lines of events.jsonl, with as much silence as is wanted."""
    folder.mkdir(exist_ok=True)
    given = map(silence, range(turns))
    given = talk.paced(given, conversation.agent) if conversation.agent else given
    talk.run(conversation, given, folder / "answer.wav", folder / "events.jsonl", nothing)
    return [json.loads(line) for line in (folder / "events.jsonl").open()]


def happened(lines: list[dict]) -> dict[str, int]:
    """What happened to the one task, with its turn."""
    return {task["what"]: line["turn"] for line in lines for task in line["tasks"]}


def test_the_planner_answers_on_the_recording_s_own_clock_with_equal_bits(voiced, tmp_path, monkeypatch):
    monkeypatch.setattr(talk.time, "sleep", lambda seconds: pytest.fail("a turn was held up"))
    runs = []
    for name in ("one", "two"):
        with talk.background(live=False) as agent:
            lines = lived(tmp_path / name, Delegating(voiced, agent))
        told = [task["text"] for line in lines for task in line["tasks"] if task["what"] == "delivered"]
        assert "three hundred and ninety one" in told[0] and len(told) == 1
        runs.append(([line | {"compute_ms": 0} for line in lines], (tmp_path / name / "answer.wav").read_bytes()))
    assert runs[0] == runs[1]
    assert list(happened(runs[0][0])) == ["asked", "working", "partial", "done", "delivered"]


def test_without_a_task_the_bits_are_those_without_a_background_side(voiced, tmp_path, monkeypatch):
    monkeypatch.setattr(talk.time, "sleep", lambda seconds: pytest.fail("a turn was held up"))
    lived(tmp_path / "alone", Delegating(voiced, None, request=None))
    for name, live in (("stepped", False), ("threaded", True)):
        with talk.background(live=live) as agent:
            lines = lived(tmp_path / name, Delegating(voiced, agent, request=None))
        assert (tmp_path / name / "answer.wav").read_bytes() == (tmp_path / "alone" / "answer.wav").read_bytes()
        assert not any(line["tasks"] for line in lines)


class Slow:
    """A model somewhere else, which takes half a second of the world's."""

    async def answer(self, packet, tools):
        await asyncio.sleep(0.5)
        yield "It rains."


def test_the_file_is_not_raced_through_while_something_outside_works(voiced, tmp_path, monkeypatch):
    slept, sleep = [], talk.time.sleep
    monkeypatch.setattr(talk.time, "sleep", lambda seconds: (slept.append(seconds), sleep(seconds)))
    agent = Agent(Slow(), loop=Threaded())
    lines = lived(tmp_path, Delegating(voiced, agent), turns=60)
    agent.close()
    agent.loop.close()
    at = happened(lines)
    assert at["partial"] - at["working"] <= 6  # half a second is three turns; as fast as it can, dozens go by
    assert at["delivered"] == at["partial"] + 1 and len(slept) <= at["done"] - at["working"] and max(slept) <= 0.2


def test_a_recorded_session_is_lived_again_with_what_it_was_told(voiced, tmp_path):
    with talk.background(live=False) as agent:
        conversation, hear = Conversation(voiced=voiced), agent.hear
        agent.hear = lambda turn, out: hear(turn, played(out))
        conversation.agent = agent
        conversation.record(tmp_path / "session.jsonl")
        lines = lived(tmp_path, conversation)
    notes = [note.text for turn in inputs(tmp_path / "session.jsonl") for note in turn.notes]
    assert len(notes) == 1 and "ninety one" in notes[0]
    assert replay(tmp_path / "session.jsonl", voiced) == (len(lines), 0)


def test_the_story_says_what_was_told_and_what_was_still_open(voiced, tmp_path):
    with talk.background(live=False) as agent:
        lived(tmp_path, Delegating(voiced, agent))
    story = read_story("x", tmp_path / "answer.wav", tmp_path / "events.jsonl")
    assert next(p.text for p in phrases(story) if p.who in ("call", "task")) == "delegate 2"
    assert any("delivered" in p.text and "ninety one" in p.text for p in phrases(story) if p.who == "task")
    assert unfinished(story) == []
    agent = Agent(Slow(), loop=Stepped())
    lived(tmp_path, Delegating(voiced, agent), turns=ASKED + 6)
    agent.loop.close()
    assert unfinished(read_story("x", tmp_path / "answer.wav", tmp_path / "events.jsonl")) == [f"{ASKED}.0"]


def test_where_its_packages_are_missing_a_talk_goes_without_unless_one_was_asked_for(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("duologue.agent")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pint", None)
    with talk.background(live=False, model=None, mcp=()) as agent:
        assert agent is None
    with pytest.raises(ModuleNotFoundError, match="pint"), talk.background(live=False, mcp=("some",)):
        pass
