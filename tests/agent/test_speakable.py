import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue.agent.speakable import LONGEST, sentences, speakable


def cut(pieces: list[str], characters: int = 1000) -> list[str]:
    async def stream():
        for piece in pieces:
            yield piece

    async def collect():
        return [sentence async for sentence in sentences(stream(), characters)]

    return asyncio.run(collect())


def test_a_sentence_comes_as_soon_as_it_is_whole():
    async def story():
        more, seen = asyncio.Event(), []

        async def stream():
            yield "It rains. Take"
            await more.wait()
            yield " care."

        async for sentence in sentences(stream(), 100):
            seen.append(sentence)
            more.set()
        return seen

    assert asyncio.run(story()) == ["It rains.", "Take care."]


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("**It is 8,202.5 km!**", "It is eight thousand two hundred and two point five km!"),
        ("at 10:30", "at ten thirty"),
        ("- 5% of *x*", "five percent of x"),
        ("see https://a.example/b?c now", "see now"),
        ("-6 °C", "minus six degrees celsius"),
        ("a\u0000b\u202ec", "a b c"),
        ("B12 and mp3", "B12 and mp3"),
    ],
)
def test_text_is_made_fit_to_be_spoken(text, spoken):
    assert speakable(text) == spoken


def test_reading_stops_at_the_limit_and_endless_lines_are_cut():
    read = []

    async def endless():
        while True:
            read.append(1)
            yield "word " * 10_000

    async def collect():
        return [s async for s in sentences(endless(), 1000)]

    found = asyncio.run(collect())
    assert len(read) == 1 and 900 < len(" ".join(found)) <= 1000 and max(map(len, found)) <= LONGEST


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(alphabet="ab .!?\n", max_size=40), max_size=12))
def test_nothing_is_lost_however_the_stream_is_cut(pieces):
    assert " ".join(cut(pieces)) == speakable("".join(pieces))
