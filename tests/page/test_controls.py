"""Every control does what it says, by mouse and by keyboard, and a lost line is found again."""

import base64
import io
import json

import numpy as np
from PIL import Image

from tests.page.conftest import chromium
from tests.page.stand_in import RATE, StandIn

LATER = 3 * RATE // 10  # sound that was on its way when something was switched


def level_after(visit) -> int:
    """The loudest sample of a second of sound that is sent from now on."""
    begin = len(visit.server.heard()) + LATER
    visit.until(lambda: len(visit.server.heard()) > begin + RATE)
    return int(np.abs(visit.server.heard()[begin : begin + RATE].astype(int)).max())


def press(visit, *keys: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    chain = ActionChains(visit.browser)
    for key in keys:
        chain.key_down(key[1:]) if key[0] == "+" else chain.key_up(key[1:])
    chain.perform()


def steady(visit):
    """A sound that never ends in place of the microphone."""
    visit.js(
        "const { microphone } = duologue.talk, tone = new OscillatorNode(microphone.context);"
        "tone.connect(microphone.gate); tone.start();"
    )
    visit.until(lambda: np.abs(visit.server.heard()).max(initial=0) > 10_000)


def test_typed_text_goes_out_and_is_shown(visit):
    visit.begin()
    visit.browser.find_element("id", "typed").send_keys("twelve & <b>more</b>\n")
    visit.until(lambda: visit.server.of("session.input_text.append"))
    assert visit.server.of("session.input_text.append")[0] == {
        "type": "session.input_text.append",
        "text": "twelve & <b>more</b>",
        "source": "typed",
    }
    assert visit.captions() == ["twelve & <b>more</b>"]
    assert visit.js("return document.querySelectorAll('#captions b').length") == 1


def test_words_of_both_sides_become_lines(visit):
    visit.begin()
    quiet = [{}] * 6
    visit.server.plan = [
        *({"heard": word} for word in ("what is", "eight", "plus four")),
        *({"said": word, "speak": True} for word in ("that is", "twelve")),
        *quiet,
        {"heard": "thank you"},
        {"text": "8 + 4 = 12", "calls": [{"kind": "delegate", "text": "sum"}]},
    ]
    visit.until(lambda: len(visit.captions()) == 5)
    assert visit.captions() == ["what is eight plus four", "that is twelve", "thank you", "8 + 4 = 12", "delegate sum"]
    sides = visit.js("return [...document.querySelectorAll('#captions li b')].map((name) => name.textContent)")
    assert sides == ["you", "Duo", "you", "Duo writes", "Duo calls"]


def test_muted_means_that_no_sound_leaves(visit):
    visit.begin()
    steady(visit)
    visit.click("mute")
    visit.until(lambda: visit.server.of("session.input_audio.mute"))
    assert level_after(visit) == 0
    visit.js("document.activeElement.blur()")
    press(visit, "+m", "-m")
    visit.until(lambda: visit.server.of("session.input_audio.unmute"))
    assert level_after(visit) > 10_000


def test_push_to_talk(visit):
    visit.begin()
    steady(visit)
    visit.click("hold")
    assert level_after(visit) == 0
    visit.js("document.activeElement.blur()")
    press(visit, "+ ")
    assert level_after(visit) > 10_000
    press(visit, "- ")
    assert level_after(visit) == 0
    assert not visit.server.of("session.input_audio.mute")


def test_patience_moves_the_models_own_decision(visit):
    visit.js("const slider = document.getElementById('patience'); slider.value = 1.5; slider.dispatchEvent(new Event('input'))")
    visit.begin()
    assert visit.server.of("session.start")[0]["duologue"] == {"patience": 1.5}
    visit.js("const slider = document.getElementById('patience'); slider.value = -2; slider.dispatchEvent(new Event('input'))")
    visit.until(lambda: visit.server.of("session.patience.set"))
    assert visit.server.of("session.patience.set")[0]["patience"] == -2
    assert visit.text("patience-value") == "−2"


def test_pictures_are_sent_only_while_the_camera_is_on(visit):
    visit.begin()
    visit.click("camera")
    visit.until(lambda: visit.server.of("session.input_image.append"))
    with Image.open(io.BytesIO(base64.b64decode(visit.server.of("session.input_image.append")[-1]["image"]))) as seen:
        assert (seen.format, seen.size) == ("JPEG", (160, 120))
        assert np.asarray(seen).std() > 5  # Chromium's moving test picture
    visit.click("camera")
    visit.until(lambda: visit.js("return document.getElementById('seen').hidden"))
    level_after(visit)
    count = len(visit.server.of("session.input_image.append"))
    level_after(visit)
    assert len(visit.server.of("session.input_image.append")) == count


def test_a_picture_that_has_not_changed_is_not_sent_again_where_that_is_wished(visit):
    visit.begin()
    visit.js(
        "const { camera } = duologue.talk, take = camera.take; camera.taken = 0; camera.drawing.drawImage = () => {};"
        "camera.take = function (...given) { this.taken += Boolean(this.video.videoWidth); take.apply(this, given); };"
        "document.getElementById('sparing').checked = true"
    )
    visit.click("camera")
    visit.until(lambda: visit.server.of("session.input_image.append"))
    visit.until(lambda: visit.js("return duologue.talk.camera.taken") > 8)
    sent = len(visit.server.of("session.input_image.append"))
    assert sent <= 1 + visit.js("return duologue.talk.camera.taken") // 25
    visit.js("duologue.talk.camera.sparing = false")
    visit.until(lambda: len(visit.server.of("session.input_image.append")) > sent + 2)


def test_a_lost_line_is_found_again(visit):
    visit.begin()
    visit.server.plan = [{}] * 3 + [{"heard": "before"}]
    visit.until(lambda: visit.captions() == ["before"])
    last = len(visit.server.turns)
    visit.server.plan = [{"heard": "meanwhile"}]
    visit.server.drop()
    resumed = visit.until(lambda: visit.server.of("session.resume"))[0]
    assert resumed["token"] == "t0k3n" and last - 4 < resumed["last_turn"] < len(visit.server.turns)
    visit.until(lambda: visit.state() == "live")
    visit.until(lambda: "meanwhile" in " ".join(visit.captions()))
    visit.until(lambda: any("the line was down" in note for note in visit.js("return [...document.querySelectorAll('.gap')].map((g) => g.textContent)")))
    turns = visit.js("return duologue.talk.story.turns.map((turn) => turn?.turn ?? null)")
    assert turns == list(range(len(turns)))  # none is missing, none came twice
    begin = len(visit.server.heard())
    visit.until(lambda: len(visit.server.heard()) > begin + RATE)


def test_each_talk_begins_with_the_spoken_sign(visit):
    visit.js("window.spoken = []; window.Audio = class { constructor(url) { spoken.push(String(url)); } play() { return Promise.resolve(); } };")
    visit.begin()
    visit.until(lambda: len(visit.server.turns) > 3)
    (clip,) = visit.js("return spoken")
    assert clip == visit.server.url.rstrip("/") + "/machine.ogg"


def test_the_end_and_again(visit):
    visit.begin()
    visit.until(lambda: len(visit.server.turns) > 3)
    visit.until(lambda: visit.js("return duologue.talk.story.turns.length"))
    visit.click("end")
    visit.until(lambda: visit.server.of("session.close"))
    visit.until(lambda: visit.state() == "ended")
    assert visit.js("return document.getElementById('typed').disabled")
    assert not visit.js("return document.getElementById('save-sound').disabled")
    visit.click("end")
    visit.until(lambda: visit.state() == "live")
    assert len(visit.server.of("session.start")) == 2


def test_a_server_that_lets_nobody_in(visit):
    visit.server.shut = True
    visit.click("start-typing")
    visit.until(lambda: "The server let nobody in" in visit.text("trouble"))
    assert visit.state() == "idle"
    visit.server.shut = False
    visit.js("document.getElementById('key').value = 'sixteen-letters-or-more'")
    visit.begin()
    assert visit.server.protocols == ["duologue.v1", "openai-insecure-api-key.sixteen-letters-or-more"]
    assert visit.js("return document.getElementById('trouble').hidden")


def test_a_session_taken_over_is_not_taken_back(visit):
    visit.begin()
    visit.until(lambda: visit.js("return duologue.talk.story.turns.length"))
    visit.server.say({"type": "error", "error": {"type": "conflict_error", "code": "taken_over", "message": "resumed elsewhere"}})
    visit.server.socket.close(4409)
    visit.until(lambda: visit.state() == "ended")
    assert visit.text("trouble") == "resumed elsewhere" and not visit.server.of("session.resume")


def test_a_server_that_goes_down_says_so(visit):
    visit.begin()
    visit.server.say({"type": "session.draining", "deadline_ms": 20_000})
    visit.until(lambda: visit.text("status-text") == "the server goes down in 20 s")


def test_without_permission_it_says_what_to_do():
    browser = chromium("--deny-permission-prompts", "--use-fake-device-for-media-stream")
    server = StandIn()
    try:
        from tests.page.conftest import Visit

        visit = Visit(browser, server)
        visit.begin("start")
        visit.until(lambda: "Allow it in the address bar" in visit.text("trouble"))
        visit.click("recording")
        visit.until(lambda: np.abs(server.heard()).max(initial=0) > 2000)
        assert visit.js("return document.getElementById('trouble').hidden")
    finally:
        browser.quit()
        server.close()


def test_downloads_hold_the_talk(visit):
    visit.begin()
    visit.server.plan = [{}] * 2 + [{"heard": "hello", "speak": True, "said": "hi", "late": True, "compute_ms": 210.5}]
    visit.until(lambda: visit.captions() == ["hello", "hi"])
    text = visit.browser.execute_async_script("duologue.talk.story.json().text().then(arguments[0])")
    talk = json.loads(text)
    told = next(turn for turn in talk["turns"] if turn["heard"])
    assert (told["said"], told["speak"], told["late"], told["compute_ms"]) == ("hi", True, True, 210.5)
    assert {"turn", "heard", "said", "text", "speak", "calls", "compute_ms"} <= set(told)  # as in events.jsonl
    assert talk["turn_s"] == 0.2 and talk["seconds"] > 0.4
