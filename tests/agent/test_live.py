"""The agent beside a real session, its weights random: a note that the agent gives goes into the model."""

from dataclasses import replace

import numpy as np

from duologue.agent.backends import Scripted
from duologue.agent.background import Agent
from duologue.live import Conversation
from duologue.turn import Call, silence
from tests.agent.talking import turn_loop

TURNS, ASKED = 16, 3
SPEAKS = -1e9  # patience of who always speaks: only then a note can be heard to change something


def talk(conversation: Conversation, agent: Agent | None) -> list[np.ndarray]:
    """Silence, and one call played into what the model did."""
    heard = []
    for k in range(TURNS):
        turn = replace(silence(k), notes=agent.notes() if agent else ())
        out = conversation.step(turn)
        heard.append(out.pcm_S)
        if agent:
            agent.hear(
                turn,
                replace(out, heard="oslo", calls=(Call("delegate", "2"),)) if k == ASKED else replace(out, calls=()),
            )
    return heard


def test_what_the_agent_found_reaches_the_model(voiced):
    agent = Agent(Scripted({"oslo": [(0.2, "It rains.")]}), loop=turn_loop())
    alone, together = (talk(Conversation(voiced=voiced, patience=SPEAKS), one) for one in (None, agent))
    (note,) = [entry for entry in agent.record.log if entry.lane == "note"]
    same = [np.array_equal(a, b) for a, b in zip(alone, together, strict=True)]
    assert note.text == "It rains." and ASKED < note.turn < TURNS
    assert all(same[: note.turn]) and not all(same[note.turn :])
    assert {entry.lane for entry in agent.record.log} >= {"heard", "call", "note"}
