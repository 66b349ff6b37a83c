"""Hold: what is said into a recital, or into silence, without wanting anything from the model.

Backchannels, coughs, talk to another person, television: a recital goes on at its pace, a silent model stays silent.
`script` is the function to read first.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from duologue.data.families.exchange import answer_checks, draw, ends, finish, gap, line, pick
from duologue.data.families.lexicon import NAMES
from duologue.data.families.timing import Scene, asks, open_scene, recites
from duologue.data.script import Check, Line, Script, Sound, Speech
from duologue.turn import SAMPLE_RATE_HZ

NAME = "hold"

NAMES_HELD_OUT = ("robert", "linda", "kevin", "susan", "marcus", "irene")

BACKCHANNEL = (
    "{oh|ah|okay|} {uh huh|mm hmm|yeah|right|okay|nice|cool|i see|sure|great|good|yep|yes|wow|really|interesting|"
    "exactly|true|very good|very nice|lovely|sweet|neat|fine|wonderful|amazing}",
    "{uh huh|mm hmm|mm hmm|uh huh|yeah|right|okay|nice|cool|go on|go on go on|mm|mhm|ah|oh|huh|hm|hmm}",
    "{yeah yeah|right right|yeah okay|yeah right|that's right|that's good|that's nice|that's true|well done|good one|"
    "correct|oh my|no way|of course|aha|yes yes|mm mm|very well|not bad|oh yeah yeah|uh huh uh huh|good job|so far so good}",
)
FAVOUR = (
    "{close the door|open the window|turn off the light|turn that down|bring me the keys|call your mother|feed the cat|"
    "let the dog out|wash your hands|come here for a moment|look at this|pass me the salt|pick up the phone|"
    "put the kettle on|take the bins out|give me a hand|move your bag|check the oven|get the mail|find my glasses|"
    "bring me a towel|lower the music|tie your shoes|leave it on the table|come and eat|answer the door|"
    "hold this for me|help your brother|put that away|water the plants}"
)
NEWS = (
    "{dinner is ready|the phone is ringing|your bus is here|someone is at the door|i'm on my way|i'll be there soon|"
    "your tea is getting cold|the dog is outside|we leave at noon|the water is boiling|your sister called|"
    "the keys are here|i can't find my shoes|it's raining again|the food is here|i'm in the kitchen|the train is late|"
    "the baby is asleep|we need more milk|the door is open|that's my cup|your coat is wet|the game is starting|"
    "the light is still on}"
)
ASKED = (
    "{where are my shoes|are you coming|did you eat|have you seen my phone|is it still raining|are you hungry|"
    "when do we leave|did you lock the car|who was that|what did she say|do you want some tea|where did you put it|"
    "are you ready|how was school|is that yours|shall we go}"
)
ASIDE = (
    "{hey|oh|um|} <name> {can you|could you|would you|please|} " + FAVOUR,
    "{can you|could you|would you|please|} " + FAVOUR + " <name>",
    "{hey|oh|no|yes|yeah|listen|sorry|} <name> " + NEWS,
    NEWS + " <name>",
    "{hey|} <name> " + ASKED,
    "{not now|in a minute|i'm coming|be right there|good night|see you later|leave me alone|come in|sit down|over here|"
    "watch out|give it back|take your time|come back|don't touch that} <name>",
)


def _backchannel(rng: np.random.Generator) -> Line:
    return line(rng, NAME, "backchannel", BACKCHANNEL, (), dressed=False)


def _aside(rng: np.random.Generator) -> Line:
    name = str(rng.choice(NAMES + NAMES_HELD_OUT))
    return line(rng, NAME, "aside", ASIDE, (), {"name": name}, new_combo=name in NAMES_HELD_OUT, dressed=False)


def lines(rng: np.random.Generator, split: str) -> Iterator[Line]:
    """Endless backchannels and asides to other people; the television takes open sentences from family "hear"."""
    return draw(rng, split, [(1, _backchannel), (1, _aside)])


def own_texts() -> Iterable[str]:
    """Nothing of its own: recitals and answers belong to the families that are asked."""
    return ()


def _burst(rng: np.random.Generator, seconds: float, low_hz: float, high_hz: float, attack_s: float) -> np.ndarray:
    """Noise [samples] between two frequencies that rises in `attack_s` and dies away."""
    samples = int(seconds * SAMPLE_RATE_HZ)
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    hz = np.fft.rfftfreq(samples, 1 / SAMPLE_RATE_HZ)
    noise = np.fft.irfft(spectrum / (1 + (low_hz / (hz + 1)) ** 4) / (1 + (hz / high_hz) ** 4), samples)
    t = np.arange(samples) / SAMPLE_RATE_HZ
    shaped = noise * np.minimum(t / attack_s, 1) * np.exp(-3 * np.maximum(t - attack_s, 0) / seconds)
    return (shaped / np.abs(shaped).max()).astype(np.float32)


def _laugh_pulse(rng: np.random.Generator, pitch_hz: float) -> np.ndarray:
    """One "ha": breath, with a voiced buzz under it."""
    breath = _burst(rng, rng.uniform(0.12, 0.18), 500, 3500, 0.03)
    t = np.arange(len(breath)) / SAMPLE_RATE_HZ
    buzz = sum(np.sin(2 * np.pi * k * pitch_hz * t) / k for k in range(1, 9))
    return (0.5 * breath + 0.3 * np.hanning(len(t)) * buzz).astype(np.float32)


def body_noise(rng: np.random.Generator, kind: str) -> Speech:
    """A cough, laugh or breath, synthesised; a speech without words."""
    gap_S = np.zeros(int(rng.uniform(0.04, 0.12) * SAMPLE_RATE_HZ), np.float32)
    if kind == "cough":
        high_hz = rng.uniform(2000, 4500)
        pulses = [_burst(rng, rng.uniform(0.15, 0.35), 250, high_hz, 0.008) for _ in range(rng.integers(1, 4))]
        loudness = rng.uniform(0.2, 0.6)
    elif kind == "laugh":
        pitch_hz = rng.uniform(130, 330)
        pulses = [_laugh_pulse(rng, pitch_hz * 0.97**i) * 0.9**i for i in range(rng.integers(3, 8))]
        loudness = rng.uniform(0.15, 0.4)
    else:
        pulses, loudness = [_burst(rng, rng.uniform(0.4, 1.0), 300, 5000, 0.25)], rng.uniform(0.03, 0.1)
    pcm_S = np.concatenate([part for pulse in pulses for part in (pulse, gap_S)][:-1])
    return Speech("", kind, (pcm_S * loudness / np.abs(pcm_S).max()).astype(np.float32), ())


def _somebody_else(scene: Scene, family: str, intent: str | None = None) -> Speech:
    """A line by another voice than the user's, unless the bank hardly has one."""
    for _ in range(20):
        speech = scene.bank.sample(scene.rng, family, intent, None, scene.split)
        if speech.voice != scene.voice:
            break
    return speech


def _event(scene: Scene, kind: str, at_s: float, speaking: bool) -> Sound:
    """Something to be heard that wants nothing. "go on" is a backchannel only while the model speaks."""
    rng = scene.rng
    if kind == "backchannel":
        return Sound(at_s, scene.line(NAME, kind, None if speaking else lambda line: "go on" not in line.text))
    if kind == "noise":
        return Sound(at_s, body_noise(rng, pick(rng, ("cough", "laugh", "breath"))))
    if kind == "television":
        speech = _somebody_else(scene, "hear")
        return Sound(at_s, speech, "television", float(rng.uniform(-18, -6)), transcribed=False)
    if rng.random() < 0.3:
        speech = _somebody_else(scene, NAME, "aside")
        return Sound(at_s, speech, "other", float(rng.uniform(-12, -3)), transcribed=False)
    return Sound(at_s, scene.line(NAME, "aside"))


KINDS, WEIGHTS = ("backchannel", "noise", "aside", "television"), (0.35, 0.15, 0.3, 0.2)


def _happens(scene: Scene, at_s: float, speaking: bool) -> Sound:
    kind = str(scene.rng.choice(KINDS, p=WEIGHTS))
    sound = _event(scene, kind, at_s, speaking)
    scene.script.sounds.append(sound)
    what = {"class": kind, "speaking": speaking, "who": sound.who, "said": sound.speech.text}
    scene.script.about["items"].append(what | {"start_s": round(at_s, 2)})
    return sound


def _ends(sound: Sound) -> float:
    return sound.start_s + sound.speech.seconds


def _recital(scene: Scene, now_s: float) -> float:
    """A recital with one to three things said into it; it goes on. Returns when all is over."""
    asked, asked_s, owns = recites(scene, now_s)
    scene.script.own += owns
    scene.script.checks += answer_checks(asked, asked_s, owns)
    at_s, end_s = owns[0].start_s + scene.rng.uniform(0.6, 2.5), ends(owns)
    for _ in range(scene.rng.integers(1, 4)):
        later = [own for own in owns if own.start_s >= at_s][:3]
        if len(later) < 3:
            break
        sound = _happens(scene, at_s, speaking=True)
        items = tuple(own.speech.text for own in later)
        scene.script.checks.append(Check("goes_on", at_s, ends(later) + 2.0, items, at_s))
        at_s, end_s = _ends(sound) + scene.rng.uniform(0.4, 2.0), max(end_s, _ends(sound))
    return end_s


def _silence(scene: Scene, now_s: float) -> float:
    """One to three things said while the model is silent; it stays so. Returns when that has been long enough."""
    end_s = now_s
    for _ in range(scene.rng.integers(1, 4)):
        end_s = _ends(_happens(scene, end_s, speaking=False)) + scene.rng.uniform(0.7, 2.5)
    end_s += 1.0
    scene.script.checks.append(Check("quiet", now_s, end_s))
    return end_s


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """Recitals, silences and small questions; what is not meant for the model changes nothing."""
    scene = open_scene(NAME, rng, bank, split, voice)
    parts = (_recital, _silence, asks)
    now_s, part = gap(rng), parts[rng.choice(3, p=[0.55, 0.3, 0.15])]
    while True:
        end_s = part(scene, now_s)
        now_s = end_s + gap(rng) + 0.4
        if now_s > 13 and scene.script.about["items"]:
            return finish(scene.script, rng, end_s)
        part = _silence if part is not _silence else parts[rng.choice([0, 2])]
