"""The closed world's words: numbers, days, opposites, colours, sounds, plurals, sizes, names, everyday words.

Plain values, lower case. Every family that needs a word takes it from here, so that the voice bank knows them all.
"""

from pathlib import Path

_ONES = tuple(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen".split()
)
_TENS = tuple("twenty thirty forty fifty sixty seventy eighty ninety".split())


def _number(n: int) -> str:
    if n < 20:
        return _ONES[n]
    tens, ones = _TENS[n // 10 - 2], n % 10
    return f"{tens} {_ONES[ones]}" if ones else tens


NUMBERS = (*(_number(n) for n in range(100)), "one hundred")  # NUMBERS[n] is n in words
DAYS = tuple("monday tuesday wednesday thursday friday saturday sunday".split())
MONTHS = tuple("january february march april may june july august september october november december".split())

OPPOSITES = (
    ("hot", "cold"), ("big", "small"), ("tall", "short"), ("fast", "slow"), ("happy", "sad"), ("up", "down"),
    ("open", "closed"), ("light", "dark"), ("old", "young"), ("wet", "dry"), ("hard", "soft"), ("full", "empty"),
    ("loud", "quiet"), ("left", "right"), ("near", "far"), ("early", "late"), ("clean", "dirty"), ("rich", "poor"),
    ("strong", "weak"), ("day", "night"), ("good", "bad"), ("high", "low"), ("inside", "outside"), ("thick", "thin"),
    ("push", "pull"), ("win", "lose"), ("first", "last"), ("black", "white"), ("easy", "difficult"), ("on", "off"),
    ("front", "back"), ("always", "never"),
)  # fmt: skip

COLOURS = {
    "grass": "green", "a banana": "yellow", "snow": "white", "coal": "black", "a tomato": "red", "a carrot": "orange",
    "the sky": "blue", "a lemon": "yellow", "a strawberry": "red", "milk": "white", "chocolate": "brown",
    "an elephant": "grey", "a flamingo": "pink", "a frog": "green", "a fire engine": "red", "the sun": "yellow",
    "the sea": "blue", "a cherry": "red", "a pumpkin": "orange", "a plum": "purple", "a crow": "black",
    "a swan": "white", "a cucumber": "green", "a pig": "pink", "a leaf": "green", "lavender": "purple",
    "a polar bear": "white", "an orange": "orange", "mud": "brown", "a mouse": "grey", "broccoli": "green",
    "butter": "yellow",
}  # fmt: skip

SOUNDS = {
    "cow": "moo", "dog": "woof", "cat": "meow", "sheep": "baa", "duck": "quack", "pig": "oink", "horse": "neigh",
    "lion": "roar", "frog": "ribbit", "bee": "buzz", "snake": "hiss", "owl": "hoot", "mouse": "squeak",
    "bird": "tweet", "donkey": "hee haw", "chicken": "cluck", "turkey": "gobble", "crow": "caw",
}  # fmt: skip

PLURALS = {
    "child": "children", "mouse": "mice", "foot": "feet", "tooth": "teeth", "man": "men", "woman": "women",
    "goose": "geese", "person": "people", "sheep": "sheep", "fish": "fish", "leaf": "leaves", "knife": "knives",
    "wolf": "wolves", "half": "halves", "shelf": "shelves", "wife": "wives", "ox": "oxen", "potato": "potatoes",
    "tomato": "tomatoes", "box": "boxes", "bus": "buses", "dish": "dishes", "glass": "glasses", "baby": "babies",
    "city": "cities", "story": "stories", "cat": "cats", "dog": "dogs", "house": "houses", "tree": "trees",
    "car": "cars", "book": "books", "day": "days", "cherry": "cherries",
}  # fmt: skip

SIZES = (  # each clearly bigger than the one before it
    "grain of sand", "ant", "bee", "coin", "strawberry", "mouse", "apple", "shoe", "cat", "chair", "dog", "bicycle",
    "door", "horse", "car", "elephant", "bus", "whale", "house", "church", "stadium", "village", "city",
    "mountain", "country", "continent", "moon", "planet", "sun", "galaxy",
)  # fmt: skip

NAMES = tuple(
    "anna tom emma jack lucy ben maria sam nina oscar julia leo clara max sophie paul alice david laura peter rosa "
    "daniel eva simon kate martin olivia george hannah mike".split()
)

WORDS = tuple(Path(__file__).with_name("words.txt").read_text(encoding="utf-8").split())  # everyday words, common first


def a(noun: str) -> str:
    """The noun with its article; the only ones of their kind take "the"."""
    if noun in ("sun", "moon"):
        return f"the {noun}"
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
