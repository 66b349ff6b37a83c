"""What is said reaches the server, what the model says reaches the ear, and stops when it stops."""

import base64
import io

import numpy as np
import soundfile
import soxr

from tests.page.conftest import QUESTION
from tests.page.stand_in import PAGE, RATE, TURN

ALONE = """
const made = {};
const shims = ["AudioWorkletProcessor", "registerProcessor", "sampleRate", "currentTime"];
class Processor { constructor() { this.port = { postMessage: (data) => made.given.push(data) }; made.given = []; } }
new Function(...shims, arguments[0])(Processor, (name, kind) => (made.kind = kind), arguments[1], 0);
const worklet = new made.kind();
"""


def question(rate: int = RATE) -> np.ndarray:
    pcm_S, own = soundfile.read(QUESTION, dtype="float32")
    return soxr.resample(pcm_S, own, rate)


def as_int16(pcm_S: np.ndarray) -> np.ndarray:
    return np.rint(pcm_S.clip(-1, 1) * 32767).astype("<i2")


def likeness(part: np.ndarray, whole: np.ndarray) -> float:
    """The best correlation of `part` with any place of `whole`."""
    size = 1 << (len(whole) + len(part)).bit_length()
    found = np.fft.irfft(np.fft.rfft(whole, size) * np.fft.rfft(part, size).conj(), size)[: len(whole) - len(part) + 1]
    sums = np.concatenate([[0.0], np.cumsum(whole.astype(float) ** 2)])
    energy = sums[len(part) :] - sums[: -len(part)]
    return float((found / np.sqrt(energy * (part.astype(float) ** 2).sum() + 1e-9)).max())


def spoken(pcm: np.ndarray) -> list[dict]:
    """Turns that say this sound."""
    return [{"speak": True, "pcm": pcm[at : at + TURN]} for at in range(0, len(pcm) - TURN + 1, TURN)]


def played(visit, both: bool = False) -> np.ndarray:
    """The sound the page gave to the loudspeaker, as its download has it; with `both` [2, samples], the user's first."""
    wav = visit.browser.execute_async_script(
        "const done = arguments[0], reader = new FileReader();"
        "reader.onload = () => done(reader.result.split(',')[1]);"
        "reader.readAsDataURL(duologue.talk.story.wav());"
    )
    pcm, rate = soundfile.read(io.BytesIO(base64.b64decode(wav)), dtype="int16")
    assert rate == RATE and pcm.shape[1] == 2
    return pcm.T if both else pcm[:, 1]


def test_the_microphone_is_heard(visit):
    visit.begin("start")
    visit.until(lambda: len(visit.server.heard()) > 6 * RATE and np.abs(visit.server.heard()).max() > 2000)
    said = question()[: 3 * RATE]
    loud = np.flatnonzero(np.abs(visit.server.heard()) > 1500)
    assert len(loud) > 1000
    word = as_int16(said[int(0.8 * RATE) : int(1.2 * RATE)])
    visit.until(lambda: likeness(word, visit.server.heard()) > 0.5)


def test_a_recording_goes_the_same_way(visit):
    visit.begin("start-recording")
    visit.until(lambda: len(visit.server.heard()) > 4 * RATE)
    wanted = question()[int(0.8 * RATE) : int(1.6 * RATE)]
    visit.until(lambda: likeness(as_int16(wanted), visit.server.heard()) > 0.98)  # Vorbis and our resampler in between


def test_what_the_model_says_is_played_sample_for_sample(visit):
    voice = as_int16(question()[int(0.8 * RATE) :][: 4 * TURN])
    visit.begin()
    visit.server.plan = [{"speak": True}] * 1000  # nothing is cut
    visit.server.burst(spoken(voice))
    visit.until(lambda: likeness(voice[: 3 * TURN], played(visit)) > 0.999)


def test_it_tells_how_far_it_has_played(visit):
    visit.begin()
    visit.until(lambda: len(visit.server.of("session.output_audio.played")) > 3)
    ends = [event["end_ms"] for event in visit.server.of("session.output_audio.played")]
    assert ends == sorted(ends) and ends[-1] > 400
    assert not any(event["skipped_ms"] for event in visit.server.of("session.output_audio.played"))


def test_when_the_model_stops_what_waits_is_thrown_away(visit):
    tone = as_int16(0.3 * np.sin(2 * np.pi * 440 * np.arange(10 * TURN) / RATE))
    visit.begin()
    visit.server.burst([*spoken(tone), {}])
    skipped = visit.until(lambda: sum(e["skipped_ms"] for e in visit.server.of("session.output_audio.played")))
    visit.until(lambda: len(visit.server.of("session.output_audio.played")) > 5)
    sounded = np.count_nonzero(played(visit)) / RATE * 1000
    assert sounded < 1800 and sounded + skipped > 1940  # little was heard, and the rest is owned up to


def test_after_a_stop_a_tenth_of_a_second_is_left(browser):
    """The worklet alone, sample by sample: 1 s waits, the model stops, 100 ms sound and they end in a fade."""
    browser.get("about:blank")
    out = browser.execute_script(
        ALONE
        + """
        const blocks = (n) => Array.from({ length: n }, () => { const out = new Float32Array(128); worklet.process([], [[out]]); return [...out]; }).flat();
        for (let i = 0; i < 5; i++) worklet.port.onmessage({ data: { pcm: new Int16Array(4800).fill(9000), start: 4800 * i } });
        const before = blocks(40);
        worklet.port.onmessage({ data: { cut: true } });
        worklet.port.onmessage({ data: { pcm: new Int16Array(4800).fill(9000), start: 24000 } });
        worklet.port.onmessage({ data: { pcm: new Int16Array(4800).fill(5000), start: 28800 } });
        const after = blocks(160);
        return { before, after, skipped: made.given.reduce((sum, { skipped }) => sum + skipped, 0), position: worklet.position };
        """,
        (PAGE / "player.worklet.js").read_text(),
        RATE,
    )
    before, after = np.array(out["before"]), np.array(out["after"])
    sounding = np.flatnonzero(after)
    stopped = int(np.flatnonzero(np.diff(sounding) > 1)[0]) + 1
    assert stopped <= 2400 and np.abs(np.diff(after[:stopped])).max() < 0.01  # no click
    assert np.count_nonzero(before) + stopped + out["skipped"] == 24_000 - 1  # the fade's last sample is zero
    assert np.isclose(after[sounding[stopped] :][:4800], 5000 / 32768, atol=1e-6).all()  # the turn after it is whole
    assert out["position"] > 28_800


def test_the_resampler_keeps_speech_and_folds_nothing_back(browser):
    browser.get("about:blank")
    for rate in (44_100, 48_000, 16_000):
        seconds = np.arange(rate) / rate
        low, high = np.sin(2 * np.pi * 1000 * seconds), np.sin(2 * np.pi * 15_500 * seconds)
        low, high = (resampled(browser, tone, rate) for tone in (low, high))
        turning = np.exp(2j * np.pi * 1000 * np.arange(18_000) / RATE)
        wave = 2 * (low[2000:20_000] * turning.conj()).mean()
        assert abs(abs(wave) / 32767 - 1) < 0.01
        assert np.abs(low[2000:20_000] - (wave * turning).real).max() < 0.002 * 32767
        assert rate == 16_000 or np.abs(high[2000:20_000]).max() < 0.02 * 32767


def resampled(browser, tone: np.ndarray, rate: int) -> np.ndarray:
    out = browser.execute_script(
        ALONE
        + """
        const tone = Float32Array.from(arguments[2]);
        for (let at = 0; at + 128 <= tone.length; at += 128) worklet.process([[tone.subarray(at, at + 128)]]);
        return made.given.flatMap(({ pcm }) => [...pcm]);
        """,
        (PAGE / "capture.worklet.js").read_text(),
        rate,
        [round(float(v), 5) for v in tone],
    )
    return np.array(out, np.float64)
