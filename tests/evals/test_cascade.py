"""Both harnesses on made sound: tones stand for speech, a loudness threshold for the detector, a lookup for the ear."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from duologue.data import kokoro_network
from duologue.data.render import own_sound
from duologue.data.script import Own, Script, Sound
from duologue.errors import ConfigError, DataError
from duologue.evals import cascade_parts
from duologue.evals.cascade import ASKS_BACK, Tuning, standard
from duologue.evals.cascade_parts import FRAME, Costs, Parts, silenced, silero
from duologue.evals.cascade_unasked import engineered
from duologue.evals.contestants import contestant
from duologue.evals.outcome import outcome_of, sounds_in
from duologue.evals.systems import Case
from duologue.media.audio import load
from duologue.turn import SAMPLE_RATE_HZ
from tests.data.fake_bank import FakeBank, speech_of

QUESTION = Path(__file__).parents[2] / "examples" / "question.wav"
COUNT = "count from one to nine"


def loud(sound_S):
    frames_FS = sound_S[: len(sound_S) // FRAME * FRAME].reshape(-1, FRAME)
    return (np.abs(frames_FS).mean(1) > 0.005).astype(np.float32)


class Ear:
    """Writes down the made speeches that lie wholly in a sound."""

    def __init__(self, texts):
        self.speeches = {text: speech_of(text, "ada").pcm_S for text in texts}
        self.asked = []

    def write(self, sound_S):
        self.asked.append(len(sound_S))
        found = []
        for text, pcm_S in self.speeches.items():
            if len(pcm_S) <= len(sound_S):
                likeness_S = np.correlate(sound_S, pcm_S, "valid") / (np.linalg.norm(pcm_S) * np.linalg.norm(sound_S) + 1e-9)
                found.append((float(likeness_S.max()), text))
        best, text = max(found, default=(0.0, ""))
        return text if best > 0.7 else ""


class Bank(FakeBank):
    """Has never said "kayak"."""

    def own_word(self, word, rng=None):
        if word == "kayak":
            raise DataError("never said")
        return super().own_word(word)

    def own(self, text):
        for word in text.split():
            self.own_word(word)
        return super().own(text)


def said_in(system_of, *lines, length_s=14.0, typed=(), costs=None, **tuning):
    """The outcome of a conversation of (second, text) lines."""
    script = Script("made", length_s, [Sound(at_s, speech_of(text, "ada")) for at_s, text in lines], typed=list(typed))
    parts = Parts(loud, Ear({text for _, text in lines}).write, Bank(), costs or Costs())
    system = system_of(parts, Tuning(**tuning)) if system_of is standard else system_of(parts)
    return outcome_of(system([Case(script, 0)])[0])


def end_s(at_s, text):
    return at_s + speech_of(text, "ada").seconds


def words(outcome):
    return " ".join(text for _, text in outcome.said)


@pytest.mark.parametrize("system", [standard, engineered])
def test_a_question_is_answered(system):
    outcome = said_in(system, (1.0, "what is two plus three"))
    assert words(outcome) == "it's five" and "two plus three" in outcome.heard[0][1]
    assert outcome.spans[0][0] > end_s(1.0, "what is two plus three")


@pytest.mark.parametrize("endpoint_s", [0.2, 0.5, 1.0])
def test_latency_is_the_end_point_and_the_work(endpoint_s):
    asked = "what is two plus three"
    costs = Costs(recognise=0.2, synthesise=0.3, recognise_fixed_s=0.1, synthesise_fixed_s=0.05)
    outcome = said_in(standard, (1.0, asked), costs=costs, endpoint_s=endpoint_s)
    segment_s = speech_of(asked, "ada").seconds + 0.4
    work_s = costs.recognised_s(segment_s) + costs.synthesised_s(speech_of("it's five", "own").seconds)
    assert outcome.spans[0][0] - end_s(1.0, asked) == pytest.approx(endpoint_s + work_s, abs=0.1)


def test_nothing_is_decided_before_its_turn_has_been_heard():
    free = Costs(0, 0, 0, 0)
    outcome = said_in(standard, (1.0, "what is two plus three"), costs=free, endpoint_s=0.2)
    decided_s = end_s(1.0, "what is two plus three") + 0.2
    assert decided_s <= outcome.spans[0][0] <= decided_s + 0.25
    assert outcome.spans[0][0] == pytest.approx(np.ceil(decided_s / 0.2) * 0.2, abs=0.03)


@pytest.mark.parametrize("system", ["standard", "quiet", "engineered"])
@pytest.mark.parametrize("until", [20, 34, 47])
def test_the_future_changes_nothing(system, until):
    lines = [(1.0, COUNT), (5.0, "uh huh"), (7.0, "what is two plus three"), (9.9, "in three seconds say tea")]
    script = Script("made", 20.0, [Sound(at_s, speech_of(text, "ada")) for at_s, text in lines])
    parts = Parts(loud, Ear({text for _, text in lines}).write, FakeBank())
    systems = {"standard": standard(parts), "quiet": standard(parts, Tuning(asks_back=False)), "engineered": engineered(parts)}
    whole = systems[system]([Case(script, 0)])[0]
    kept = [s for s in script.sounds if s.start_s < until * 0.2]
    cut = [replace(s, speech=replace(s.speech, pcm_S=s.speech.pcm_S[: round((until * 0.2 - s.start_s) * SAMPLE_RATE_HZ)])) for s in kept]
    early = systems[system]([Case(replace(script, sounds=cut), 0)])[0]
    assert any(out.speak for out in whole[:until])
    for out, again in zip(whole[:until], early[:until]):
        assert np.array_equal(out.pcm_S, again.pcm_S) and (out.said, out.heard) == (again.said, again.heard)


def test_stopping_leaves_the_past_as_it_was():
    owns = [Own(1.0, speech_of("seventeen", "own")), Own(1.3, speech_of("nine", "own"))]
    before_S = own_sound(Script("made", 4.0, own=owns))
    after_S = own_sound(Script("made", 4.0, own=silenced(owns, 1.2)))
    at = round(1.2 * SAMPLE_RATE_HZ)
    assert before_S[at - 10 : at].any() and np.array_equal(before_S[:at], after_S[:at])
    assert not after_S[at + round(0.05 * SAMPLE_RATE_HZ) :].any()


def test_whoever_waits_longer_takes_fewer_pauses():
    lines = [(1.0, "what is"), (2.6, "what is two plus three")]
    hasty = said_in(standard, *lines, endpoint_s=0.2)
    patient = said_in(standard, *lines, endpoint_s=1.0)
    assert ASKS_BACK in words(hasty) and sounds_in(hasty.spans, 0, 2.6)
    assert words(patient) == "it's five"


def test_rules_may_wait_where_a_language_model_answers():
    lines = [(1.0, "what is the opposite of"), (4.0, "hot")]
    assert words(said_in(standard, *lines, endpoint_s=0.2, asks_back=False)) == "it's cold"
    assert words(said_in(standard, *lines, endpoint_s=0.2, asks_back=True)).startswith(ASKS_BACK)


@pytest.mark.parametrize("barge_in_s", [0.1, 0.5])
def test_a_harness_stops_for_whoever_speaks_long_enough(barge_in_s):
    outcome = said_in(standard, (1.0, COUNT), (6.0, "uh huh"), barge_in_s=barge_in_s, asks_back=False)
    assert sounds_in(outcome.spans, 5.0, 6.0)
    assert sounds_in(outcome.spans, 7.0, 8.0) == (barge_in_s == 0.5)


def test_an_engineered_one_knows_who_is_meant():
    going = said_in(engineered, (1.0, COUNT), (5.0, "uh huh"))
    stopped = said_in(engineered, (1.0, COUNT), (5.0, "stop it now"))
    assert words(going).split()[-1] == "nine"
    assert not sounds_in(stopped.spans, end_s(5.0, "stop it now") + 1.2, 14.0)


@pytest.mark.parametrize("system", [standard, engineered])
def test_a_recital_is_taken_up_where_it_was_left(system):
    found = words(said_in(system, (1.0, COUNT), (6.0, "wait a moment"), (9.0, "go on please"), length_s=20.0)).split()
    middle = found.index(found[-1])
    assert found[-1] == "nine" and found[0] == "one" and found.count("one") == 1 and middle == len(found) - 1
    assert sorted(set(found), key=found.index) == "one two three four five six seven eight nine".split()


def test_only_the_engineered_one_has_timers():
    asked = "in five seconds say tea"
    outcome = said_in(engineered, (1.0, asked))
    assert outcome.spans[0][0] == pytest.approx(end_s(1.0, asked) + 5, abs=0.1) and words(outcome) == "tea"
    assert not said_in(standard, (1.0, asked)).spans


def test_a_timer_that_was_understood_too_late_is_late():
    asked = "in two seconds say tea"
    outcome = said_in(engineered, (1.0, asked), costs=Costs(recognise=2.0))
    assert outcome.spans[0][0] > end_s(1.0, asked) + 3 and words(outcome) == "tea"


def test_who_speaks_on_before_the_answer_is_waited_for():
    asked = "what is two plus three"
    outcome = said_in(engineered, (1.0, asked), (end_s(1.0, asked) + 0.4, "no wait four plus four"))
    assert words(outcome) == "it's eight"


def test_a_period_is_kept_until_stop():
    asked = "every two seconds say tea until i say stop"
    outcome = said_in(engineered, (1.0, asked), (10.0, "stop"), length_s=20.0)
    begins = [begin_s for begin_s, _ in outcome.spans]
    assert np.allclose(np.diff(begins), 2.0, atol=0.05) and len(begins) >= 2
    assert not sounds_in(outcome.spans, 12.0, 20.0)


def test_a_cancelled_timer_is_silent():
    outcome = said_in(engineered, (1.0, "in nine seconds say tea"), (6.0, "never mind"), length_s=16.0)
    assert words(outcome) == "okay"


def test_elapsed_seconds_count_from_the_mark():
    outcome = said_in(standard, (1.0, "okay go"), (6.0, "how long since i said go"))
    passed_s = end_s(6.0, "how long since i said go") - end_s(1.0, "okay go")
    assert words(outcome) == f"about {'zero one two three four five six seven eight nine'.split()[round(passed_s)]} seconds"


def test_the_last_answer_is_said_again_and_slowly():
    lines = [(1.0, "repeat after me seven river"), (7.0, "say it again"), (12.0, "slower")]
    assert words(said_in(standard, *lines, length_s=18.0)) == " ".join(["seven river"] * 3)


def test_what_is_typed_is_answered_in_both_ways():
    outcome = said_in(standard, typed=[(2.0, "what is two plus three")])
    assert words(outcome) == "it's five" and outcome.text[0][1] == "it's five"


def test_typed_text_waits_until_the_user_is_silent():
    outcome = said_in(standard, (1.0, "hey anna dinner is ready"), typed=[(1.5, "what is two plus three")], asks_back=False)
    assert words(outcome) == "it's five" and outcome.spans[0][0] > end_s(1.0, "hey anna dinner is ready")


def test_a_word_that_the_voice_never_said_is_left_out():
    assert words(said_in(standard, (1.0, "repeat after me seven kayak"))) == "seven"


def test_an_answer_is_the_same_sound_wherever_it_begins():
    sounds = []
    for at_s in (1.0, 1.0371, 2.5):
        outcome = said_in(standard, (at_s, "what is two plus three"))
        begin = round(outcome.spans[0][0] * SAMPLE_RATE_HZ)
        sounds.append(outcome.sound_S[begin : round(outcome.spans[-1][1] * SAMPLE_RATE_HZ)])
    assert np.array_equal(sounds[0], sounds[1]) and np.array_equal(sounds[0], sounds[2])


def test_a_name_sets_the_thresholds(monkeypatch):
    monkeypatch.setattr(cascade_parts, "real", lambda: Parts(loud, Ear({"what is"}).write, FakeBank()))
    script = Script("made", 8.0, [Sound(1.0, speech_of("what is", "ada"))])

    def answer(name):
        return outcome_of(contestant(name).system([Case(script, 0)])[0])

    soon, late = (answer(f"cascade@{endpoint_s}").spans[0][0] for endpoint_s in (0.2, 1.0))
    assert late - soon == pytest.approx(0.8, abs=0.05)
    assert not answer("cascade-quiet@0.2").spans and not answer("engineered").spans
    with pytest.raises(ConfigError, match="two thresholds"):
        contestant("cascade@0.2,0.3,0.4")


def test_a_voice_that_is_not_installed_is_said_before_the_first_case(monkeypatch, tmp_path):
    monkeypatch.setattr(kokoro_network.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setenv("DUOLOGUE_CACHE", str(tmp_path))
    monkeypatch.delenv("DUOLOGUE_KOKORO", raising=False)
    kokoro_network.folder.cache_clear()
    with pytest.raises(ConfigError, match="synth"):
        cascade_parts.real.__wrapped__()


def test_silence_is_not_recognised():
    ear = Ear({"hello"})
    outs = standard(Parts(loud, ear.write, FakeBank()))([Case(Script("made", 5.0), 0)])[0]
    assert not ear.asked and not any(out.speak for out in outs) and len(outs) == 25


@pytest.fixture(scope="module")
def detect():
    pytest.importorskip("faster_whisper")
    return silero()


def test_silero_hears_no_speech_in_tones_noise_and_silence(detect):
    rng = np.random.default_rng(0)
    for sound_S in (np.zeros(32_000), 0.1 * np.sin(0.5 * np.arange(32_000)), 0.01 * rng.standard_normal(32_000)):
        assert detect(sound_S.astype(np.float32))[5:].max() < 0.5


def test_silero_knows_only_the_past(detect):
    sound_S = (0.1 * np.random.default_rng(0).standard_normal(20 * FRAME + 77)).astype(np.float32)
    kept_S = sound_S.copy()
    assert len(detect(sound_S)) == 20 and np.allclose(detect(sound_S)[:9], detect(sound_S[: 9 * FRAME]), atol=1e-6)
    assert np.array_equal(sound_S, kept_S)


def test_silero_finds_the_recorded_question(detect):
    sound_S = load(QUESTION)
    frames_FS = sound_S[: len(sound_S) // FRAME * FRAME].reshape(-1, FRAME)
    level_F = 20 * np.log10(np.sqrt((frames_FS**2).mean(1)) + 1e-9)
    speech = detect(sound_S) > 0.5
    assert speech[level_F > -30].mean() > 0.8 and speech[level_F < -60].mean() < 0.2
    assert (level_F > -30).sum() > 20 and (level_F < -60).sum() > 20
