"""A frozen set: written by one command, read by anybody, scored from files alone; a changed byte is noticed."""

import gzip
import json

import numpy as np
import pytest
import soundfile

from duologue.data.render import images
from duologue.data.scenes import camera
from duologue.data.script import Line
from duologue.data.voices import OWN
from duologue.errors import DataError
from duologue.evals import runs, sets
from duologue.evals.contestants import contestant
from duologue.evals.files import recorded
from duologue.evals.items import digest
from duologue.evals.runs import Asked, run_all
from duologue.evals.suites import EYES
from duologue.evals.systems import Case, oracle
from duologue.evals.voicing import Voicing, draft
from duologue.media.recording import turn_pictures
from tests.data.fake_bank import speech_of

MINE = ("translation", "counting")


def burst(text: str, voice: str, speed: float, language: str):
    return speech_of(text, voice)


@pytest.fixture(scope="module", autouse=True)
def unpinned(tmp_path_factory):
    """As before any set was pinned."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sets, "PINNED", tmp_path_factory.mktemp("items") / "unpinned.json")
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("set") / "eyes"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sets, "EYES", {name: EYES[name] for name in MINE})
        patch.setattr(sets, "TRIES", 12)
        patch.setattr(sets, "_kept", list)
        patch.setattr("duologue.data.scenes.ground.KINDS", {"train": ("plain",), "test": ("graded",)})
        patch.setattr("duologue.data.scenes.ground.WEIGHTS", {"train": (1.0,), "test": (1.0,)})
        assert sets.freeze(folder, 1, 5, Voicing(burst)) == {"translation": 1, "counting": 4}
    return folder


def test_everything_lies_where_the_readme_says(place):
    there = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
    case = {"input.wav", "label.json", "transcription.json"}
    assert {f"translation/0000/{name}" for name in case} | {f"counting/0001/{name}" for name in [*case, "video.mp4"]} <= there
    assert {"README.md", "LICENSE", "set.json", "sha256.json", "conversations.json.gz", "conversations.ogg"} <= there
    assert set(json.loads((place / "sha256.json").read_text())) == there - {"sha256.json"}
    assert json.loads((place / "set.json").read_text())["suites"] == {"translation": 1, "counting": 4}
    assert "CC-BY-4.0" in (place / "LICENSE").read_text()


def test_sound_film_and_label_are_on_one_clock(place):
    label = json.loads((place / "counting/0000/label.json").read_text())
    info = soundfile.info(place / "counting/0000/input.wav")
    assert info.duration == pytest.approx(label["seconds"], abs=0.21)
    shown = list(turn_pictures(place / "counting/0000/video.mp4"))
    assert len(shown) <= np.ceil(label["seconds"] * 5) and sum(image is not None for image in shown) > 0.8 * len(shown)
    rows = {want["row"].split("/")[0] for want in label["wanted"] if want["kind"] == "word"}
    assert rows == {"repetition"} and not label["refilmed"]
    assert json.loads((place / "counting/0001/label.json").read_text())["refilmed"]


def test_what_is_loaded_is_what_was_frozen(place):
    kept = sets.load(place)
    assert {name: len(found) for name, found in kept.items()} == {"translation": 1, "counting": 4}
    (script, trials), (again, _) = kept["counting"][:2]
    assert digest(kept["counting"]) == digest(sets.load(place)["counting"])
    seen, screen = images(script), images(again)
    assert seen[0].shape == (120, 160, 3) and np.abs(seen[0].astype(int) - screen[0]).mean() > 5
    turns = Case(script, 0).inputs()
    assert sum(turn.image is not None for turn in turns) == sum(image is not None for image in seen)
    assert any(trial.kind == "word" for trial in trials)


def test_outputs_are_scored_from_files_alone(place, tmp_path, monkeypatch):
    said = tmp_path / "said"
    for name, kept in sets.load(place).items():
        for i, (script, _) in enumerate(kept):
            (outs,) = oracle([Case(script, i)])
            target = said / name / f"{i:04d}"
            target.mkdir(parents=True)
            own_S = np.concatenate([np.zeros(3200, np.float32), *(out.pcm_S for out in outs)])[: len(outs) * 3200]
            soundfile.write(target / "output.wav", own_S, 16_000)
    monkeypatch.setattr(runs, "ears", lambda: runs.OWN_WORDS)
    asked = Asked(tmp_path / "run", set=place)
    found = run_all([EYES[name] for name in MINE], [contestant("oracle"), contestant(f"files:{said}")], asked)
    assert all(summary["conversations"] == {"translation": 1, "counting": 4}[summary["suite"]] for summary in found)
    assert [s["figures"][s["headline"]]["value"] for s in found if s["system"] == "oracle"] == [100.0, 100.0]
    assert not any(summary["failed"] for summary in found)
    assert recorded(said)([Case(script, 0, name="translation/0000") for script, _ in sets.load(place)["translation"]])


def test_one_changed_byte_is_noticed(place):
    path = place / "counting/0000/label.json"
    before = path.read_text()
    path.write_text(before.replace("1", "2", 1))
    with pytest.raises(DataError, match=r"counting/0000/label\.json .* not what was frozen"):
        sets.load(place)
    path.write_text(before)
    with pytest.raises(DataError, match="not empty"):
        sets.freeze(place, 1, 5, draft())
    with pytest.raises(DataError, match="not a whole set"):
        sets.load(place / "counting")


def test_the_same_sounds_and_films_are_written_to_the_same_bytes(place, tmp_path):
    sets.items.save(sets.items.load(sets.NAME, place), "twice", tmp_path / "a")
    sets.items.save(sets.items.load(sets.NAME, place), "twice", tmp_path / "b")
    for name in ("twice.json.gz", "twice.ogg"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    script = sets.load(place)["counting"][0][0]
    for name in ("a.mp4", "b.mp4"):
        sets.write_film(tmp_path / name, images(script))
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    assert b"threads=1 " in (tmp_path / "a.mp4").read_bytes()  # as many as on any machine


def test_what_came_after_a_version_is_not_in_it():
    """Or version 1 would have other bytes than those that are pinned."""
    kept = {name: list(sets._source(draft(), 5, lambda family: range(2))(name)) for name in ("cue", *sets.LATER)}
    assert set(sets.LATER) == {"pronounce"} and len(kept["cue"]) == 2 and not kept["pronounce"]


def test_a_version_is_pinned_once_and_is_no_other_set(place, tmp_path, monkeypatch):
    monkeypatch.setattr(sets, "PINNED", tmp_path / "set.json")
    assert sets.pin(place) == sets.digest(place) == json.loads(sets.PINNED.read_text())[sets.VERSION] and sets.load(place)
    with pytest.raises(DataError, match="pinned already"):
        sets.pin(place)
    again = tmp_path / "again"
    again.mkdir()
    monkeypatch.setattr(sets, "EYES", {})
    monkeypatch.setattr(sets.items, "save", lambda *_: None)
    monkeypatch.setattr(sets.items, "load", lambda *_: [])
    sets.freeze(again, 1, 5, Voicing(burst))  # what is not the pinned set does not take its name, and can be measured on
    assert sets.about(again)["version"] == sets.VERSION + sets.OWN and sets.load(again) == {}
    for version, why in ((sets.VERSION, "another set than version"), ("0-own", "is version 0-own of the set")):
        sets._write_about(again, {"version": version, "suites": {}})
        with pytest.raises(DataError, match=why):
            sets.load(again)


def test_what_is_said_does_not_depend_on_the_bank_of_the_machine(place, monkeypatch, capsys):
    from duologue.evals.commands import freeze

    given = []
    monkeypatch.setattr("duologue.data.bank.Bank.__init__", lambda *_: pytest.fail("the bank was opened"))
    monkeypatch.setattr(sets, "freeze", lambda folder, cases, seed, voicing, progress: given.append(voicing) or {})
    freeze(place, 1, 5)
    assert given[0].say.__name__ == "spoken" and sets.digest(place) in capsys.readouterr().out
    own = [row for row in json.loads(gzip.decompress((place / "conversations.json.gz").read_bytes()))["sounds"] if row["voice"] == OWN]
    assert own and all(abs(row["samples"] - len(speech_of(row["text"], OWN).pcm_S)) <= 1 for row in own)


def test_only_what_may_be_given_away_is_filmed():
    from duologue.data.scenes.ground import Ground
    from duologue.data.scenes.stage import Prop, Stage
    from duologue.data.scenes.things import Thing
    from duologue.data.script import Script, View
    from duologue.evals.scenery import is_free

    def shows(ground: Ground, *things: Thing) -> Script:
        stage = Stage(ground, camera.Camera(), [Prop(thing, (0.5, 0.5), 0.3) for thing in things])
        return Script("see", 1.0, views=[View(0.0, 1.0, stage.show, stage=stage)])

    plain, looks = Ground("plain", 0, "test"), [Thing("emoji", "apple", "", look) for look in range(2)]
    assert sorted(is_free(shows(plain, thing)) for thing in looks) == [False, True]
    assert is_free(shows(plain, Thing("shape", "ball", "red")))


def test_a_voice_says_what_it_is_asked_for():
    bank, rng = Voicing(burst), np.random.default_rng(0)
    speech = bank.sample(rng, "translate", "sentence", split="test")
    assert speech.line.language == "es" and speech.voice.startswith("kokoro/")
    assert bank.sample(rng, "translate", "rule", speech.voice, "test").voice == speech.voice
    with pytest.raises(DataError, match="cannot say"):
        bank.sample(rng, "translate", "words", "flite/rms-s100-p100", "test")
    assert bank.own("a red ball").words[1].text == "red" and bank.own_word("red").text == "red"
    assert isinstance(bank.sample(rng, "cue", "word", split="test", where=lambda line: line.held_out).line, Line)


def test_a_draft_is_silent_and_lasts_as_long_as_speech():
    speech = draft().own("thirteen apples")
    assert not speech.pcm_S.any() and 0.7 < speech.seconds < 1.5 and [word.text for word in speech.words] == ["thirteen", "apples"]
