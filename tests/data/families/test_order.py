from duologue.data.families import order
from tests.data.families.checks import some_lines

DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
MONTHS = "january february march april may june july august september october november december".split()


def test_every_answer_is_true():
    for line in some_lines(order, "train") + some_lines(order, "test"):
        kind, _, step = line.intent.partition("_")
        ring = DAYS if kind == "day" else MONTHS
        if step == "all":
            assert line.answers == (", ".join(ring),)
            continue
        at = ring.index(line.slots["item"]) + {"next": 1, "tomorrow": 1, "before": -1, "yesterday": -1}[step]
        assert all(ring[at % len(ring)] in answer.split() for answer in line.answers), line
        assert line.slots["item"] in line.text.split()
