"""What was asked is heard again before it is worked on."""

import numpy as np
import pytest

from duologue.agent.backends import Scripted
from duologue.agent.behind import Behind, agents
from duologue.agent.ears import Ears, heard_again
from duologue.agent.packet import Entry, Media, Packet
from duologue.errors import BackendError
from duologue.turn import SAMPLES_PER_TURN
from tests.agent.talking import stepped

WEATHER = {"oslo": [(0.0, "It rains.")], "rome": [(0.0, "It is warm.")]}
LOG = (Entry(3, "heard", "and then"), Entry(10, "heard", "what about"), Entry(11, "said", "mhm"), Entry(12, "heard", "room"),
       Entry(13, "typed", "please"), Entry(14, "call", "4", "delegate"))  # fmt: skip
SOUND_S = np.linspace(-1, 1, 800, dtype=np.float32)
SOUND, PICTURE = Media("sound:8-16", "sound", SOUND_S), Media("picture:9", "picture", SOUND_S)


def packet(log=LOG, media=(SOUND,)) -> Packet:
    return Packet("14.0", 14, (8, 18), "2026-05-04T10:00:00+02:00", tuple(log), media)


def test_the_words_of_the_span_are_replaced_and_nothing_else():
    given = []
    again = heard_again(packet(), lambda sound_S: given.append(sound_S) or " what about rome ")
    assert given[0] is SOUND_S and again.request == "what about rome please"
    assert again.log == (LOG[0], Entry(10, "heard", "what about rome"), LOG[2], *LOG[4:])


def test_words_from_before_the_kept_sound_stay():
    again = heard_again(packet(media=(Media("sound:12-16", "sound", SOUND_S),)), lambda _: "rome")
    assert again.request == "what about rome please"


@pytest.mark.parametrize(
    ("given", "words"),
    [(packet(), "  "), (packet(media=()), "noise"), (packet(media=(PICTURE,)), "noise"), (packet(log=[LOG[0], *LOG[4:]]), "noise")],
)
def test_without_sound_heard_words_or_an_understanding_the_model_s_words_stay(given, words):
    assert heard_again(given, lambda _: words) is given


def test_the_backend_and_the_page_get_the_words_heard_again():
    sounds = []
    talk = stepped(Ears(Scripted(WEATHER), lambda sound_S: sounds.append(sound_S) or "the weather in rome"))
    loud = [np.full(SAMPLES_PER_TURN, level, np.float32) for level in (0.1, 0.2)]
    talk.step("the weather", pcm_S=loud[0])
    talk.step("in oslo", pcm_S=loud[1])
    id = talk.calls("delegate", "4")
    talk.wait(12)
    happened = talk.what(id)
    assert talk.texts == ["It is warm."] and happened[:4] == ["asked", "working", "heard", "partial"]
    requests = [event.request for event in talk.agent.events if event.task == id]
    assert requests == ["the weather in oslo"] * 2 + ["the weather in rome"] * (len(happened) - 2)
    assert np.array_equal(sounds[0][: 2 * SAMPLES_PER_TURN], np.concatenate(loud))


def test_a_typed_request_is_not_listened_for():
    talk = stepped(Ears(Scripted(WEATHER), lambda _: pytest.fail("there is nothing to hear")))
    talk.step(typed="the weather in oslo")
    id = talk.calls("delegate", "4")
    talk.wait(12)
    assert talk.texts == ["It rains."] and "heard" not in talk.what(id)


def test_ears_that_fail_cost_the_task_and_not_the_talk():
    def fails(_):
        raise BackendError("no more memory", spoken="i could not listen")

    talk = stepped(Ears(Scripted(WEATHER), fails))
    talk.asks("weather oslo")
    talk.wait(12)
    assert talk.texts == ["failed: i could not listen"]


def test_all_conversations_hear_by_one_recogniser(monkeypatch):
    loaded = []
    monkeypatch.setattr("duologue.media.whisper.whisper", lambda name, workers: loaded.append(name))
    make = agents(Behind(ears="small.en"))
    one, other = make(), make()
    assert loaded == ["small.en"] and one.backend.write is other.backend.write
    assert one.backend.backend is not other.backend.backend
    one.close(), other.close()
