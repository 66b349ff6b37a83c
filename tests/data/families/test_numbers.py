from collections import defaultdict

from duologue.data.families import numbers
from tests.data.families.checks import some_lines, some_scripts

VALUES = {
    word: n
    for n, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
}


def _right(line) -> str:
    """The answer, worked out from the slots without the family's help."""
    a, b, n = (VALUES.get(line.slots.get(name)) for name in "abn")
    if line.intent in ("bigger", "smaller"):
        return "yes" if (a > b if line.intent == "bigger" else a < b) else "no"
    results = {
        "sum": lambda: a + b, "minus": lambda: a - b, "times": lambda: a * b, "after": lambda: n + 1,
        "before": lambda: n - 1, "double": lambda: n + n, "half": lambda: n / 2,
    }  # fmt: skip
    return next(word for word, value in VALUES.items() if value == results[line.intent]())


def test_every_answer_is_true():
    for line in some_lines(numbers, "train", 3000) + some_lines(numbers, "test", 1000):
        if line.intent == "count":
            a, b = VALUES[line.slots["a"]], VALUES[line.slots["b"]]
            expected = range(a, b + 1) if a < b else range(a, b - 1, -1)
            assert [VALUES[word] for word in line.answers[0].split(", ")] == list(expected)
        else:
            assert all(_right(line) in answer.split() for answer in line.answers), line
            assert line.slots["fact"] == _right(line)


def test_the_operands_are_in_the_text_in_their_order():
    for line in some_lines(numbers, "train", 2000):
        values = [word for word in line.text.split() if word in VALUES]
        asked = [line.slots[name] for name in "abn" if name in line.slots]
        swapped = line.intent == "minus" and values[:2] == asked[::-1]
        assert swapped or values[: len(asked)] == asked or line.intent in ("after", "before", "half"), line.text
        if swapped:
            assert asked[0] == asked[1] or any(word in line.text for word in ("from", "off", "difference")), line.text


def test_no_fact_is_missing_from_training():
    known = defaultdict(set)
    for line in some_lines(numbers, "train", 12000):
        if line.intent in ("sum", "times"):
            known[line.intent].add(tuple(sorted((VALUES[line.slots["a"]], VALUES[line.slots["b"]]))))
    sums = {(a, b) for a in range(21) for b in range(a, 21) if a + b <= 20}
    products = {(a, b) for a in range(2, 21) for b in range(a, 21) if a * b <= 20}
    assert len(sums - known["sum"]) <= 2  # drawn at random: a few may not have come up
    assert products <= known["times"]


def test_a_count_is_heard_item_by_item():
    counts = [s for s in some_scripts(numbers, count=120) if "numbers.count" in s.about["intents"]]
    assert counts
    for script in counts:
        going = [check for check in script.checks if check.kind == "goes_on"]
        assert going and all(isinstance(check.accept, tuple) and len(check.accept) >= 2 for check in going)
        for check in going:
            heard = [own.speech.text for own in script.own if check.start_s < own.start_s < check.end_s]
            assert tuple(heard[: len(check.accept)]) == check.accept
