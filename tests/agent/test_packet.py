import base64
import io
import json
import re
import wave
from pathlib import Path

import numpy as np
from PIL import Image

from duologue.agent.packet import Entry, Media, OpenTask, Packet
from duologue.agent.record import SOUND_TURNS, Record
from duologue.turn import SAMPLES_PER_TURN, Call, Note, TurnOut
from tests.agent.talking import QUIET, out, turn_in

LOG = (
    Entry(3, "heard", "hello"),
    Entry(6, "said", "hi there"),
    Entry(20, "heard", "what's the weather"),
    Entry(22, "heard", "in oslo"),
    Entry(23, "typed", "norway"),
    Entry(24, "call", "4", "delegate"),
    Entry(40, "note", "it rains in oslo", "background"),
)


def packet(**more) -> Packet:
    return Packet("24.0", 24, (4, 28), "2026-05-04T10:00:00+02:00", LOG, **more)


def test_the_request_is_what_was_heard_and_typed_in_the_span():
    assert packet().request == "what's the weather in oslo norway"


def test_the_transcript_has_every_word_with_its_second_and_neighbours_on_one_line():
    assert packet().transcript().splitlines() == [
        "[0.6 s] user: hello",
        "[1.2 s] assistant: hi there",
        "[4.0 s] user: what's the weather in oslo",
        "[4.6 s] user (typed): norway",
        "[4.8 s] call (delegate): 4",
        "[8.0 s] note (background): it rains in oslo",
    ]


def test_what_was_said_before_stands_first_and_is_no_part_of_the_request():
    record = Record()
    record.begin([("developer", "be brief"), ("user", "i live in oslo"), ("user", "in norway"), ("assistant", "noted")])
    record.add(turn_in(0, typed="weather"), out(0))
    given = Packet("1.0", 1, (0, 5), "2026-05-04T10:00:00+02:00", tuple(record.log))
    assert given.transcript().splitlines() == [
        "[before] note (developer): be brief",
        "[before] user (typed): i live in oslo",
        "[before] user (typed): in norway",
        "[before] assistant (typed): noted",
        "[0.0 s] user (typed): weather",
    ]
    assert given.request == "weather" and given.to_dict()["log"][1] == {
        "turn": -1, "lane": "typed", "text": "i live in oslo", "source": "",
    }  # fmt: skip


def test_a_long_transcript_keeps_its_end():
    short = packet().transcript(60)
    assert short.startswith("[earlier talk left out]") and short.endswith("it rains in oslo") and len(short) < 90


def test_media_travel_by_reference_and_as_data():
    pcm_S = np.linspace(-1, 1, SAMPLES_PER_TURN, dtype=np.float32)
    image = np.full((120, 160, 3), 200, np.uint8)
    given = packet(media=(Media("sound:24-24", "sound", pcm_S), Media("picture:24", "picture", image)))
    assert [m["ref"] for m in given.to_dict()["media"]] == ["sound:24-24", "picture:24"]
    assert "data" not in given.to_dict()["media"][0]
    sound, picture = (base64.b64decode(m["data"]) for m in given.to_dict(with_data=True)["media"])
    with wave.open(io.BytesIO(sound)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (16_000, 1, SAMPLES_PER_TURN)
    assert Image.open(io.BytesIO(picture)).size == (160, 120)


def test_a_packet_is_json():
    given = packet(pending=(OpenTask("9.0", 9, "the time in tokyo"),), supersedes="8.0")
    back = json.loads(json.dumps(given.to_dict()))
    assert back["pending"] == [{"id": "9.0", "asked": 9, "request": "the time in tokyo"}]
    assert back["supersedes"] == "8.0" and back["log"][0] == {"turn": 3, "lane": "heard", "text": "hello", "source": ""}


def test_the_record_keeps_all_words_and_only_the_recent_sound():
    record = Record()
    for k in range(1000):
        record.add(turn_in(k), out(k, "word" if k % 100 == 0 else ""))
    assert len(record.log) == 10 and len(record.sound) == SOUND_TURNS
    (sound,) = record.media(990)
    assert sound.ref == "sound:990-999" and len(sound.raw) == 10 * SAMPLES_PER_TURN


def test_the_record_has_all_lanes():
    record = Record()
    given = turn_in(0, typed="typed", notes=(Note("ui", "card-1 ok"),))
    record.add(given, TurnOut(0, QUIET, True, "heard", "said", "written", (Call("cancel", "2"),)))
    assert {(e.lane, e.text, e.source) for e in record.log} == {
        ("typed", "typed", ""), ("heard", "heard", ""), ("said", "said", ""), ("written", "written", ""),
        ("note", "card-1 ok", "ui"), ("call", "2", "cancel"),
    }  # fmt: skip


def test_the_protocols_page_shows_the_packet_as_it_is():
    page = (Path(__file__).parents[2] / "docs" / "delegation.md").read_text(encoding="utf-8")
    shown = json.loads(re.search(r"```json\n(.*?)```", page, re.S)[1])
    given = packet(media=(Media("sound:1-1", "sound", QUIET),), pending=(OpenTask("9.0", 9, "x"),)).to_dict()
    assert set(shown) == set(given)
    for name in ("log", "media", "pending"):
        assert set(shown[name][0]) == set(given[name][0]), name
