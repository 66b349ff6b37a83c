"""Written text as it is spoken."""

import re

import pytest

from duologue.data.spoken import ordinal, spoken, year


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Dr. Smith paid $3.50 on May 4, 1998.", "doctor Smith paid three dollars and fifty cents on May fourth nineteen ninety eight."),
        ("Meet me at 10:05 p.m. on the 21st", "Meet me at ten oh five p m on the twenty first"),
        ("It weighs 1 kg, 2.5 km away", "It weighs one kilogram, two point five kilometers away"),
        ("St. John's on Main St. is No. 7", "saint John's on Main street is number seven"),
        ("-5 °C at 7:00", "minus five degrees celsius at seven o'clock"),
        ("the U.S.A. and the FBI, but NASA & SALAD", "the U S A and the F B I, but nasa and SALAD"),
        ("MISTER QUILTER IS THE APOSTLE", "MISTER QUILTER IS THE APOSTLE"),
        ("call 555-0199", "call five five five, oh one nine nine"),
        ("1,205 people in the 1990s, 50%", "one thousand two hundred and five people in the nineteen nineties, fifty percent"),
        ("3 Sept. 1850, 2024-01-31", "September third eighteen fifty, January thirty first twenty twenty four"),
        ("€1 or $5 million", "one euro or five million dollars"),
        ("a well-known café — don’t", "a well known cafe, don't"),
    ],
)
def test_what_is_written_is_said(written, said):
    assert spoken(written) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [(1066, "ten sixty six"), (1900, "nineteen hundred"), (1905, "nineteen oh five"), (2000, "two thousand"),
     (2005, "two thousand five"), (2021, "twenty twenty one")],
)  # fmt: skip
def test_years(number, said):
    assert year(number) == said


def test_ordinals():
    assert [ordinal(n) for n in (1, 2, 3, 5, 8, 9, 12, 20, 42, 100)] == [
        "first", "second", "third", "fifth", "eighth", "ninth", "twelfth", "twentieth", "forty second", "one hundredth",
    ]  # fmt: skip


def test_nothing_is_left_that_no_voice_could_say():
    assert not re.search(r"[^A-Za-z' ,.;:!?]", spoken("§ 12 «x» → 3×4 = 12 + π @home [ok] {a} \t 9\n"))
