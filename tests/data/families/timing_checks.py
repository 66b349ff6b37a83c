"""What the scripts of all timing families must keep to: pause, invite, interrupt, hold, time."""

import re
from functools import cache
from importlib import import_module
from itertools import islice, pairwise

import numpy as np

from duologue.data.families import facts, numbers, order
from duologue.data.script import Line, Script
from tests.data.fake_bank import FakeBank, _pool, speech_of

NUMBER = {word: n for n, word in enumerate(numbers.NUMBERS) if " " not in word}


@cache
def of_intent(family: str, split: str, intent: str | None):
    return [line for line in _pool(family, split) if intent in (None, line.intent)]


class Ear(FakeBank):
    """A bank that remembers what the own voice was asked to say, and looks for lines by luck first, as the real one does."""

    def __init__(self):
        self.own_said: set[str] = set()

    def sample(self, rng, family, intent=None, voice=None, split="train", where=None):
        lines = of_intent(family, split, intent)
        for _ in range(60 if lines else 0):
            line = lines[rng.integers(len(lines))]
            if where is None or where(line):
                return speech_of(line.text, voice or self.voices(split)[rng.integers(3)], line)
        return super().sample(rng, family, intent, voice, split, where)

    def own(self, text):
        self.own_said.add(text)
        return super().own(text)

    def own_word(self, word, rng=None):
        self.own_said.add(word)
        return super().own_word(word, rng)


@cache
def scripts_and_ear(name: str, split: str, count: int = 120) -> tuple[list[Script], Ear]:
    module, ear = import_module(f"duologue.data.families.{name}"), Ear()
    return [module.script(np.random.default_rng(seed), ear, split) for seed in range(count)], ear


@cache
def lines_of(name: str, split: str) -> tuple[Line, ...]:
    """2,000 user lines of a family."""
    return tuple(islice(import_module(f"duologue.data.families.{name}").lines(np.random.default_rng(1), split), 2000))


def scripts(name: str, split: str = "train") -> list[Script]:
    return scripts_and_ear(name, split)[0]


def own_spans(script: Script) -> list[tuple[float, float]]:
    """When the model can be heard."""
    ends = [x.start_s + x.speech.seconds if x.cut_s is None else x.cut_s for x in script.own]
    return sorted((x.start_s, end_s) for x, end_s in zip(script.own, ends, strict=True))


def assert_sound(script: Script) -> None:
    """The own voice never overlaps itself, nothing lies outside of the script, silence is asked only where it is kept."""
    own = own_spans(script)
    assert all(end <= start + 1e-9 for (_, end), (start, _) in pairwise(own))
    assert all(end <= script.length_s for _, end in own)
    assert all(x.start_s >= 0 and x.start_s + x.speech.seconds <= script.length_s for x in script.sounds)
    for check in script.checks:
        assert 0 <= check.start_s < check.end_s, check
        if check.kind == "quiet":
            over = [span for span in own if span[0] < check.end_s - 1e-9 and span[1] > check.start_s + 1e-9]
            assert not over, (check, over, script.about)
        if check.kind == "answer":
            assert any(check.start_s <= start < check.end_s for start, _ in own), (check, script.about)
        if check.kind == "goes_on":
            assert_in_order(script, check)


def assert_in_order(script: Script, check) -> None:
    heard = [
        x.speech.text
        for x in script.own
        if x.cut_s is None and check.start_s <= x.start_s + x.speech.seconds <= check.end_s
    ]
    rest = iter(heard)
    assert all(item in rest for item in check.accept), (check, heard)


def assert_family_keeps_its_promises(name: str, split: str, longest_s: float = 48) -> None:
    found, ear = scripts_and_ear(name, split)
    for script in found:
        assert_sound(script)
        assert 8 <= script.length_s <= longest_s and script.about["items"] and script.about["split"] == split
        assert {x.speech.voice for x in script.sounds if x.who == "user" and x.speech.words} <= {script.about["voice"]}
    sayable = {text for module in (facts, numbers, order) for text in module.own_texts()}
    sayable |= {word for text in sayable for word in text.split(", ")}
    assert ear.own_said <= sayable | set(import_module(f"duologue.data.families.{name}").own_texts())


def whole_number(text: str) -> int:
    """The only number word of a text."""
    return next(NUMBER[word] for word in re.findall("[a-z]+", text) if word in NUMBER)
