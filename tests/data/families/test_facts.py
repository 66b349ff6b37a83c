from duologue.data.families import facts, lexicon
from tests.data.families.checks import some_lines


def test_the_lexicon_is_as_large_as_promised():
    assert len(lexicon.OPPOSITES) >= 20 and len(lexicon.COLOURS) >= 20 and len(lexicon.SOUNDS) >= 12
    assert len(lexicon.PLURALS) >= 30 and len(lexicon.SIZES) >= 30 and len(set(lexicon.WORDS)) >= 1000
    assert lexicon.NUMBERS[42] == "forty two" and lexicon.NUMBERS[100] == "one hundred" and len(lexicon.NUMBERS) == 101


def test_no_word_has_two_opposites():
    words = [word for pair in lexicon.OPPOSITES for word in pair]
    assert len(set(words)) == len(words)


def test_every_answer_is_true():
    opposite = dict(lexicon.OPPOSITES) | {b: a for a, b in lexicon.OPPOSITES}
    sizes = [lexicon.a(thing) for thing in lexicon.SIZES]
    for line in some_lines(facts, "train") + some_lines(facts, "test"):
        slots = line.slots
        if line.intent == "size":
            larger = sizes.index(slots["a"]) > sizes.index(slots["b"])
            fact = slots["a"] if larger != (slots["more"] == "smaller") else slots["b"]
        elif line.intent == "opposite":
            fact = opposite[slots["word"]]
        elif line.intent == "colour":
            fact = lexicon.COLOURS[slots["thing"]]
        elif line.intent == "sound":
            fact = lexicon.SOUNDS[slots["animal"].split()[1]]
        else:
            fact = lexicon.PLURALS[slots["word"]]
        assert all(f" {fact} " in f" {answer} " for answer in line.answers), line
