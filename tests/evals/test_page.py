"""The report from end to end, with a system that stands in for ours: figures, pictures, sound, JSON, one file."""

import json
import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest

from duologue import cli
from duologue.errors import DataError
from duologue.evals import closed, contestants, curves, draw, runs
from duologue.evals.contestants import Contestant
from duologue.evals.page import VIEWS, render
from duologue.evals.runs import OWN_WORDS
from duologue.evals.suites import GROUPS, voice
from duologue.evals.systems import oracle
from tests.data.fake_bank import FakeBank


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch, tmp_path):
    """No weights, no judges, no bank, and no curves that are shipped."""
    monkeypatch.setattr(contestants, "ours", lambda checkpoint, patiences, device: [Contestant("ours", oracle, "stand-in")])
    monkeypatch.setattr(runs, "source_of", lambda cases: runs.from_bank(FakeBank(), 3, 60))
    monkeypatch.setattr(runs, "ears", lambda: OWN_WORDS)
    monkeypatch.setattr(voice, "quality", lambda _: None)
    monkeypatch.setattr(voice, "likeness", lambda *_: None)
    monkeypatch.setattr(curves, "FOLDER", tmp_path / "curves")
    monkeypatch.chdir(tmp_path)


def duologue(monkeypatch, capsys, *words) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["duologue", "eval", *words])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    printed = capsys.readouterr()
    return stop.value.code or 0, printed.out, printed.err


def test_a_suite_a_line(monkeypatch, capsys):
    code, out, _ = duologue(monkeypatch, capsys, "--list")
    assert code == 0 and [line.split()[0] for line in out.splitlines()] == [name for suites in GROUPS.values() for name in suites]
    assert all("other data" in line or "data differs" in line for line in out.splitlines())


def test_a_report_is_of_a_frozen_set_with_its_own_suites_and_cases(monkeypatch, capsys, tmp_path):
    given = []
    monkeypatch.setattr("duologue.evals.page.report", lambda tier, suites, who, asked, *_: given.append((suites, asked)) or [])
    (tmp_path / "eyes").mkdir()
    (tmp_path / "eyes" / "set.json").write_text('{"version": "1", "cases": 3}')
    code, _, err = duologue(monkeypatch, capsys, "report", "--set", "eyes")
    ((suites, asked),) = given
    assert code == 0 and suites == list(GROUPS["eyes"].values()), err
    assert (str(asked.set), asked.cases) == ("eyes", 3)
    code, _, err = duologue(monkeypatch, capsys, "report", "--set", "absent")
    assert code == 2 and "not a whole set" in err


def test_the_page_holds_everything_and_needs_nothing(monkeypatch, capsys, tmp_path):
    words = ("report", "--suite", "turn", "--suite", "timed", "--cases", "3", "--out", "page.html")
    code, out, err = duologue(monkeypatch, capsys, *words)
    assert code == 0 and "page.html" in out, err
    page, result = (tmp_path / "page.html").read_text(), json.loads((tmp_path / "page.json").read_text())
    HTMLParser().feed(page)
    assert "{{" not in page and not re.search(r'(src|href)="(?!data:|#)', page)
    assert page.count("<audio") == 6 and page.count("data:audio/ogg;base64,T2dn") == 6
    assert {s["system"] for s in result["suites"]} == {"ours", "oracle", "silent", "always", "random", "metronome"}
    ours = next(s for s in result["suites"] if s["suite"] == "turn" and s["system"] == "ours")
    assert ours["figures"]["good"]["value"] == 100.0 and "<b>100.0</b>" in page


def test_the_same_seed_gives_the_same_page(monkeypatch, capsys, tmp_path):
    for run in ("a", "b"):
        duologue(monkeypatch, capsys, "report", "--suite", "repair", "--cases", "2", "--run", run, "--out", f"{run}.html")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert re.sub(r"base64,[^\"]*", "", (tmp_path / "a.html").read_text()) == re.sub(r"base64,[^\"]*", "", (tmp_path / "b.html").read_text())


def test_run_prints_json_or_a_table_and_goes_on(monkeypatch, capsys):
    words = ("run", "repair", "--system", "ours", "--system", "silent", "--cases", "2", "--out", "run")
    code, out, _ = duologue(monkeypatch, capsys, *words, "--json")
    found = json.loads(out)
    assert code == 0 and [s["system"] for s in found] == ["ours", "silent"]
    code, table, _ = duologue(monkeypatch, capsys, *words)
    assert code == 0 and "repair" in table and "100.0" in table


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "size"), "there is no suite 'size'"),
        (("run", "turn", "--system", "theirs"), "there is no system 'theirs'"),
        (("run", "turn", "--system", "files:none"), "not a folder of outputs"),
        (("run", "turn", "--system", "ours@much"), "after the @ stands a number"),
    ],
)
def test_mistakes_are_one_line(monkeypatch, capsys, words, message):
    code, _, err = duologue(monkeypatch, capsys, *words)
    assert code == 2 and message in err and err.count("\n") == 1


def test_inputs_are_written_for_systems_that_run_elsewhere(monkeypatch, capsys, tmp_path):
    code, out, _ = duologue(monkeypatch, capsys, "inputs", "repair", "--cases", "2", "--out", "in")
    assert code == 0 and (tmp_path / "in/repair/0000/input.wav").exists() and "inputs in" in out


def test_a_curve_is_kept_and_drawn(monkeypatch, capsys, tmp_path):
    points = [Contestant("ours@-1", oracle), Contestant("ours", oracle)]
    found = curves.curve("ours", points, runs.Asked(tmp_path / "run", cases=2))
    assert [point["setting"] for point in found["points"]] == ["ours@-1", "ours"]
    curves.keep(found, tmp_path / "curves")
    (kept,) = curves.kept(tmp_path / "curves")
    assert kept == json.loads(json.dumps(found)) and kept["points"][0]["pause"]["takeover"]["value"] == 0.0
    page = render({"about": {"cases": 2}, "ceilings": {}, "suites": [], "curves": [kept]}, [], tmp_path)
    assert page.count("ours@-1: ") == len(VIEWS) and "ours@-1: 100.0 % after" in page
    (tmp_path / "curves/bad.json").write_text("{")
    with pytest.raises(DataError, match=r"bad\.json"):
        curves.kept(tmp_path / "curves")


def test_pictures_show_what_they_are_given():
    figure = {"value": 50.0, "low": 40.0, "high": 60.0, "cases": 9}
    picture = draw.bars({"ours": figure, "silent": {**figure, "value": None}}, "a <b>")
    assert "50.0 (40 to 60), n=9" in picture and "no value" in picture and "a &lt;b&gt;" in picture
    line = draw.curves({"ours": [(0.5, 10.0, "ours@1"), (1.0, 5.0, "ours@2")]}, "t", "x", "y")
    assert line.count("<circle") == 2 and "ours@1" in line
    assert draw.histogram({"ours": [0.1, 0.1, 5.0], "none": []}, -1, 1, "t").count("<rect") == 40
    story = {"seconds": 10.0, "user": [[1.0, 2.0, "hi"]], "wanted": [["answer", 2.0, 4.5, "hello"], ["quiet", 5.0, 6.0, ""]]}
    drawn = draw.timeline(story, [[2.4, 3.0], [99.0, 99.5]], "t")
    assert drawn.count("<rect") == 4 and "hi" in drawn and "silence" in drawn


def test_a_low_ceiling_is_said_beside_the_row(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("duologue.evals.page.ceilings", lambda: {"repair": {"good": 91.5}})
    duologue(monkeypatch, capsys, "report", "--suite", "repair", "--cases", "2", "--out", "low.html")
    page = (tmp_path / "low.html").read_text()
    assert "91.5<br>do not quote" in page and "judge 91.5" in page
    _, table, _ = duologue(monkeypatch, capsys, "run", "repair", "--system", "oracle", "--cases", "2", "--out", "run")
    assert "100.0" in table and "not headlined" not in table


def test_the_second_ear_listens(tmp_path):
    pytest.importorskip("pocketsphinx")
    words = closed.closed_words(tmp_path)
    assert words(np.zeros(8000, np.float32)) == words(np.zeros(8000, np.float32))
    assert len(list(tmp_path.glob("pocketsphinx-*.jsonl"))) == 1


def test_the_second_ear_knows_every_right_answer():
    words = closed.vocabulary()
    assert {"thirteen", "wednesday", "moo", "about", "seconds", "okay"} <= set(words) and len(words) > 1000
    model = closed._unigrams(["moo", "baa"])
    assert "ngram 1=4" in model and model.count("-0.6021") == 4
