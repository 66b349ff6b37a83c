"""What every family's scripts must keep to, whatever they are about."""

from itertools import islice

import numpy as np

from duologue.data.script import Line, Script
from tests.data.fake_bank import FakeBank


def some_lines(module, split: str, count: int = 2000, seed: int = 1) -> list[Line]:
    return list(islice(module.lines(np.random.default_rng(seed), split), count))


def some_scripts(module, split: str = "train", count: int = 60) -> list[Script]:
    return [module.script(np.random.default_rng(seed), FakeBank(), split) for seed in range(count)]


def spans(script: Script) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """(start, end) of everything the user says, and of everything the model says, in order."""
    said = sorted((x.start_s, x.start_s + x.speech.seconds) for x in script.sounds)
    own = sorted((x.start_s, x.start_s + x.speech.seconds) for x in script.own)
    return said, own


def assert_takes_turns(script: Script) -> None:
    """Nothing overlaps, the model never begins within 0.2 s of the user's end, and all fits into the length."""
    said, own = spans(script)
    everything = sorted(said + own)
    assert everything[0][0] >= 0.3
    assert all(a_end <= b_start + 1e-9 for (_, a_end), (b_start, _) in zip(everything, everything[1:]))
    assert all(start >= end + 0.2 - 1e-9 for _, end in said for start, _ in own if start >= end)
    assert everything[-1][1] < script.length_s
    assert len({x.speech.voice for x in script.sounds}) <= 1


def assert_checked(script: Script) -> None:
    """The model is asked to be quiet while the user speaks, and each answer window opens just before the user's end."""
    said, own = spans(script)
    quiet = sorted((c.start_s, c.end_s) for c in script.checks if c.kind == "quiet")
    assert quiet == said
    for check in script.checks:
        assert 0 <= check.start_s < check.end_s
        if check.kind == "answer":
            assert check.accept and check.start_s == check.after_s - 0.2
            assert any(check.after_s < start < check.end_s for start, _ in own)


def assert_same_for_one_seed(module) -> None:
    first, second = (module.script(np.random.default_rng(7), FakeBank(), "train") for _ in range(2))
    assert spans(first) == spans(second) and first.checks == second.checks and first.typed == second.typed
    assert some_lines(module, "train", 50) == some_lines(module, "train", 50)


def assert_held_out(module, share: float = 0.8) -> None:
    """Training never sees what tests are made of; the texts themselves are disjoint too."""
    train, test = some_lines(module, "train"), some_lines(module, "test")
    assert not any(line.held_out for line in train)
    held = [line for line in test if line.held_out]
    assert len(held) > share * len(test)
    assert not {line.text for line in train} & {line.text for line in held}


def assert_own_voice_can_say(module, lines: list[Line]) -> None:
    """Every answer is an own text, or is made of words that stand in own lists."""
    texts = set(module.own_texts())
    listed = {word for text in texts if "," in text for word in text.split(", ")}
    for line in lines:
        for answer in line.answers:
            words = line.slots.get("recital") or line.slots.get("words")
            assert answer in texts or (words and set(words) <= listed), (line.text, answer)
