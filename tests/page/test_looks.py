"""What is drawn and shown: the timeline, the generated interface, and whether everybody can use the page."""

import base64
import io
import re

import numpy as np
import pytest
import soundfile
import soxr
from PIL import Image

from tests.page.conftest import QUESTION
from tests.page.stand_in import PAGE

SCRIPTS = sorted(PAGE.glob("*.js"))


def of_colour(visit, name: str) -> int:
    """How many dots of the timeline have this colour of the style sheet."""
    png = base64.b64decode(visit.js("return document.getElementById('sheet').toDataURL()").partition(",")[2])
    dots = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA")).astype(int)
    dots = dots[dots[..., 3] > 250][:, :3]
    colour = visit.js("return duologue.timeline.resolved(arguments[0]).match(/\\d+/g).slice(0, 3).map(Number)", name)
    return int((np.abs(dots - colour).sum(1) < 12).sum())


def show(visit, spec: dict) -> None:
    visit.server.say({"type": "session.interface", "id": spec["id"], "spec": spec})


def shown(visit) -> list[str]:
    return visit.js("return [...document.querySelectorAll('.shown')].map((part) => part.innerText)")


def test_the_timeline_draws_what_happens(visit):
    visit.begin()
    visit.until(lambda: len(visit.server.turns) > 4)
    assert of_colour(visit, "duo") < 40
    visit.server.plan = [{"speak": True, "said": "hello", "heard": "good morning"}] * 5
    visit.until(lambda: of_colour(visit, "duo-wash") > 1000 and of_colour(visit, "duo") > 400)
    assert of_colour(visit, "you-wash") > 300
    visit.server.plan = [{"compute_ms": 230.0, "late": True}] * 3
    visit.until(lambda: of_colour(visit, "late") > 300)


def test_the_timeline_is_for_those_who_do_not_see_it_too(visit):
    visit.begin()
    visit.server.plan = [{}, {"heard": "good morning", "compute_ms": 41.7}]
    visit.until(lambda: visit.captions())
    turn = visit.js("return duologue.talk.story.turns.find((turn) => turn?.heard).turn")
    stage = visit.browser.find_element("id", "stage")
    for key in ["\ue011", *["\ue014"] * (turn + 1)]:  # Home, then right
        stage.send_keys(key)
    minutes, seconds = divmod((turn + 1) * 0.2, 60)
    assert visit.text("moment") == f"{minutes:.0f}:{seconds:04.1f} · heard “good morning” · hush · tick 42 ms"
    assert not visit.js("return document.getElementById('back').hidden")
    assert visit.js("return duologue.timeline.follows") is False
    stage.send_keys("\ue010")  # End
    assert visit.js("return duologue.timeline.follows") is True


def test_the_past_is_played_again_and_not_heard_by_the_model(visit):
    visit.begin()
    visit.server.burst([{"speak": True, "pcm": np.full(4800, 7000, "<i2")}] * 5)
    visit.server.plan = [{"speak": True}] * 1000
    visit.until(lambda: visit.js("return duologue.talk.story.duo.loudest") > 20)
    visit.browser.find_element("id", "stage").send_keys("\ue011")
    visit.click("replay")
    visit.until(lambda: visit.text("replay") == "stop")
    assert visit.js("return duologue.talk.microphone.gate.gain.value") == 0
    visit.click("replay")
    visit.until(lambda: visit.text("replay") == "replay from here")
    assert visit.js("return duologue.talk.microphone.gate.gain.value") == 1


def test_cards_tables_and_charts_are_drawn(visit):
    visit.begin()
    show(visit, {"id": "c", "kind": "card", "title": "Milk", "text": "<img src=x onerror=alert(1)>", "buttons": ["buy it"]})
    show(visit, {"id": "t", "kind": "table", "columns": ["day", "high"], "rows": [["Mon", 9], ["Tue", 11]]})
    axes = {"x": {"field": "day", "type": "ordinal"}, "y": {"field": "high", "type": "quantitative"}}
    values = [{"day": "Mon", "high": 9}, {"day": "Tue", "high": 11}, {"day": "Wed", "high": None}]
    for mark in ("bar", "line", "area", "point"):
        show(visit, {"id": mark, "kind": "chart", "mark": mark, "values": values, **axes})
    visit.until(lambda: len(shown(visit)) == 6)
    assert visit.js("return document.querySelectorAll('#shown img').length") == 0
    assert "<img src=x onerror=alert(1)>" in shown(visit)[-1]
    assert visit.js("return [...document.querySelectorAll('.table td')].map((cell) => cell.textContent)") == ["Mon", "9", "Tue", "11"]
    heights = visit.js("return [...document.querySelectorAll('[data-id=bar] rect')].map((bar) => +bar.getAttribute('height'))")
    assert heights[1] / heights[0] == pytest.approx(11 / 9) and len(heights) in (2, 3)
    visit.js("document.querySelector('[data-id=c] button').click()")
    visit.until(lambda: visit.server.of("session.input_text.append"))
    sent = visit.server.of("session.input_text.append")[0]
    assert (sent["text"], sent["source"]) == ("c buy it", "ui")


def test_a_form_comes_back_as_a_note(visit):
    visit.begin()
    fields = [
        {"name": "city", "label": "City"},
        {"name": "nights", "label": "Nights", "kind": "number"},
        {"name": "room", "label": "Room", "kind": "choice", "choices": ["single", "double"]},
    ]
    show(visit, {"id": "form-1", "kind": "form", "title": "Stay", "fields": fields})
    visit.until(lambda: shown(visit))
    visit.browser.find_element("name", "city").send_keys("Paris")
    visit.browser.find_element("name", "nights").send_keys("3\n")
    visit.until(lambda: visit.server.of("session.input_text.append"))
    assert visit.server.of("session.input_text.append")[0]["text"] == "form-1 send: city Paris; nights 3; room single"
    assert visit.js("return document.querySelector('.form button').disabled")


def test_a_timer_ends_and_says_so(visit):
    visit.begin()
    show(visit, {"id": "tea", "kind": "timer", "title": "Tea", "seconds": 1})
    visit.until(lambda: visit.server.of("session.input_text.append"))
    assert visit.server.of("session.input_text.append")[0]["text"] == "tea over"
    assert "time is up" in shown(visit)[0]


@pytest.mark.parametrize(
    "spec",
    [
        {"kind": "script", "text": "alert(1)"},
        {"kind": "constructor"},
        {"kind": "image", "data": "https://example.com/x.png", "description": "x"},
        {"kind": "image", "data": "data:image/svg+xml;base64,PHN2Zz4=", "description": "x"},
        {"kind": "table", "rows": "no rows", "columns": None},
        {"kind": "form", "fields": [None, 3]},
        {"kind": "chart", "mark": "bar", "values": [None, 1], "x": {"field": "a"}, "y": {"field": "b"}},
        {"kind": "chart"},
    ],
)
def test_what_cannot_be_drawn_harms_nothing(visit, spec):
    visit.begin()
    show(visit, {"id": "odd", **spec})
    show(visit, {"id": "good", "kind": "card", "text": "still here"})
    visit.until(lambda: any("still here" in part for part in shown(visit)))
    assert visit.js("return document.querySelectorAll('#shown img, #shown script, #shown iframe').length") == 0
    assert len(shown(visit)) == 2


def test_nothing_is_recorded_is_said_unless_it_is(visit):
    assert "A machine listens and speaks here, not a person." in visit.text("notice")
    assert visit.text("recorded") == "Nothing is recorded."
    visit.server.recording = True
    visit.begin()
    assert visit.text("recorded") == "This server records the conversation."


def test_everything_has_a_name_and_a_place_in_the_order(visit):
    visit.begin()
    nameless = visit.js(
        "return [...document.querySelectorAll('button, input, select, [tabindex]')].filter((part) => part.offsetParent &&"
        "!(part.ariaLabel || part.textContent.trim() || part.labels?.length)).map((part) => part.outerHTML)"
    )
    assert not nameless
    assert not visit.js("return document.querySelectorAll('[tabindex]:not([tabindex=\"0\"])').length")
    assert visit.js("return [...document.querySelectorAll('svg')].every((svg) => svg.ariaHidden || svg.role === 'img')")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_stand_out_from_their_ground(visit, theme):
    visit.begin()
    visit.js("document.documentElement.dataset.theme = arguments[0]", theme)

    def brightness(name: str) -> float:
        colour = visit.js("return duologue.timeline.resolved(arguments[0]).match(/\\d+/g).slice(0, 3).map(Number)", name)
        parts = [v / 255 / 12.92 if v < 10.3 else ((v / 255 + 0.055) / 1.055) ** 2.4 for v in colour]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    pairs = [(ink, "card") for ink in ("ink", "soft", "you", "duo", "other", "late")]
    pairs += [(ink, "paper") for ink in ("ink", "soft", "you", "duo", "other")]
    pairs += [("you", "you-wash"), ("duo", "duo-wash"), ("other", "other-wash"), ("late", "late-wash")]
    for ink, ground in pairs:
        low, high = sorted((brightness(ink), brightness(ground)))
        assert (high + 0.05) / (low + 0.05) >= 4.5, (ink, ground)


def test_the_browser_has_nothing_to_complain_about(visit):
    visit.begin("start-recording")
    visit.click("camera")
    show(visit, {"id": "t", "kind": "timer", "seconds": 60})
    visit.until(lambda: visit.server.of("session.input_image.append"))
    visit.js("document.querySelector('[data-id=t] button').click()")
    visit.until(lambda: visit.server.of("session.input_text.append"))
    complaints = [line for line in visit.browser.get_log("browser") if line["level"] in ("WARNING", "SEVERE") and visit.server.url in line["message"]]
    assert not complaints


def test_it_fits_a_phone(visit):
    visit.begin()
    visit.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True})
    try:
        visit.until(lambda: visit.js("return duologue.timeline.view.width") < 390)
        assert visit.js("return document.documentElement.scrollWidth") <= 390
        small = visit.js(
            "return [...document.querySelectorAll('#dock button')].filter((b) => b.offsetParent)"
            ".map((b) => b.getBoundingClientRect()).filter((box) => box.height < 30 || box.width < 30).length"
        )
        assert not small
    finally:
        visit.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_the_page_needs_nobody_else():
    for file in [*PAGE.glob("*.html"), *PAGE.glob("*.css"), *SCRIPTS]:
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.findall(r"https?://\w|@import|url\((?!data:)|eval\(|innerHTML|insertAdjacentHTML|new Function", text), file.name
    markup = (PAGE / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script.*?>(.*?)</script>", markup, re.S) == [""]
    assert not re.findall(r"\son\w+=|style=", markup)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_short_and_say_what_they_are(script):
    text = script.read_text(encoding="utf-8")
    assert text.startswith("/* ") and len(text.splitlines()) < 300
    assert max(map(len, text.splitlines())) <= 160


def test_the_shipped_recording_is_the_demo_question():
    wanted, rate = soundfile.read(QUESTION)
    served, served_rate = soundfile.read(PAGE / "question.ogg")
    served = soxr.resample(served, served_rate, rate)[: len(wanted)]
    assert np.corrcoef(served, wanted[: len(served)])[0, 1] > 0.97
