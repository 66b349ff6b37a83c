"""All the answers of nano's closed world, each in its shortest form: what a short sound is chosen from."""

from duologue.data.families.lexicon import COLOURS, DAYS, MONTHS, NUMBERS, OPPOSITES, PLURALS, SOUNDS
from duologue.data.families.time import ACK
from duologue.data.families.time import WORDS as TIMED_WORDS

WORLD = tuple(
    sorted(
        {*NUMBERS[:21], *DAYS, *MONTHS, *COLOURS.values(), *SOUNDS.values(), *PLURALS.values(), *TIMED_WORDS}
        | {word for pair in OPPOSITES for word in pair}
        | {"yes", "no", ACK, "duo"}
    )
)
