"""When each token is written: a script's words, texts and calls as tokens in turns. Read `fill` and `hear` first.

Output turn k covers [k + 1, k + 2) turns of the world's clock: what happens at the instant t falls into output turn
t / 0.2 - 1.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from duologue.data.script import Own, Script, Word
from duologue.media.dmel import FRAMES_PER_TURN
from duologue.media.text import ALPHABET, END
from duologue.turn import TURN_MS, first_turn_at

TOKENS_PER_TURN = 2
TYPED_PER_TURN = 8
HEAR_LAG_TURNS = 1
NEVER = 1 << 30


class TextCoder(Protocol):
    """What `media.text.Tokenizer` offers."""

    def encode(self, text: str) -> list[int]: ...

    def marker(self, source: str) -> int: ...

    def call(self, kind: str) -> int: ...


class Item(NamedTuple):
    """Tokens that belong together, written from turn `first` on (or from its slot `skip` on) and not at all if they cannot be done by `last`."""

    first: int
    tokens: list[int]
    last: int = NEVER
    skip: int = 0


def fill(items: Iterable[Item], turns: int, width: int) -> np.ndarray:
    """Items in the order of their first turn, one after another, `width` tokens a turn: int16 [turns, width], 0 = PAD."""
    slots, cursor = np.zeros(turns * width, np.int16), 0
    for item in sorted(items, key=lambda item: item.first):
        begin = max(cursor, item.first * width + item.skip)
        end = begin + len(item.tokens)
        if end > (item.last + 1) * width:
            continue
        cursor = end
        slots[begin:end] = item.tokens[: max(0, len(slots) - begin)]
    return slots.reshape(turns, width)


def output_turn_from(seconds: float) -> int:
    """The first output turn that begins at or after this instant."""
    return max(0, int(np.ceil(seconds * 1000 / TURN_MS - 1e-6)) - 1)


def moved(script: Script, shown_T: Sequence[bool]) -> np.ndarray:
    """What each picture shows that the one before it did not: uint8 [turns, 3].

    Which of ACTIONS whoever stands before all has just finished, which they are at (1 + its place, 0 for none), and whether things
    came (1) or went (2). It teaches looking and is not used live.
    """
    found = np.zeros((len(shown_T), 3), np.uint8)
    for view in script.views:
        before_s, first = -1.0, first_turn_at(view.start_s)
        for turn in range(first, min(len(shown_T), first_turn_at(view.end_s - 1e-6) + 1) if view.stage else first):
            if shown_T[turn]:
                now_s = (turn + 1) * TURN_MS / 1000 - view.start_s
                found[turn] = view.stage.happened(before_s, now_s)
                before_s = now_s
    return found


def hear(script: Script, tokenizer: TextCoder, turns: int) -> np.ndarray:
    """A transcribed word that ends in input turn k is written from output turn k + HEAR_LAG_TURNS on."""
    words = [(s.start_s + w.end_s, w.text) for s in script.sounds if s.transcribed for w in s.speech.words]
    items = [Item(first_turn_at(end_s) + HEAR_LAG_TURNS, tokenizer.encode(text)) for end_s, text in sorted(words)]
    return fill(items, turns, TOKENS_PER_TURN)


def shown(script: Script, tokenizer: TextCoder, turns: int) -> np.ndarray:
    """Words that nobody said, in the history of `hear` from the first output turn that begins at their time on."""
    items = [Item(output_turn_from(t), tokenizer.encode(words)) for t, words in sorted(script.shown)]
    return fill(items, turns, TOKENS_PER_TURN)


LETTERS = ALPHABET
LETTERS_PER_TURN = 2
PHONE_SIGNS = "ɹəntɪsldikɛmzæpfʌvIðAɔbwɑOuhŋTɡᵻᵊʃɜθWjʤʧʊYʒ"  # those of American English, in the alphabet of `data.kokoro`
FRAME_S = TURN_MS / 1000 / FRAMES_PER_TURN


def letters(script: Script, turns: int) -> np.ndarray:
    """Which letters are being spoken in each 100 ms of the user's sound, as bits: uint32 [turns, LETTERS_PER_TURN].

    A word's letters share its time evenly: coarse, but right where it matters, and it needs no aligner.
    """
    bits = np.zeros(turns * LETTERS_PER_TURN, np.uint32)
    each_s = TURN_MS / 1000 / LETTERS_PER_TURN
    for start_s, word in ((s.start_s, word) for s in script.sounds if s.transcribed for word in s.speech.words):
        step = (word.end_s - word.start_s) / len(word.text)
        for i, letter in enumerate(word.text):
            begin = start_s + word.start_s + i * step
            span = slice(int(begin / each_s + 1e-6), int((begin + step) / each_s - 1e-6) + 1)
            if letter in LETTERS:
                bits[span] |= np.uint32(1 << LETTERS.index(letter))
    return bits.reshape(turns, LETTERS_PER_TURN)


def own_phones(script: Script, turns: int) -> np.ndarray:
    """The phoneme in the middle of each 20-ms frame of the own sound, on output turns: uint8 [turns, FRAMES_PER_TURN], 1 + its place
    in PHONE_SIGNS, 0 between words and where the voice does not tell. What a cut leaves unsaid is there too, where nothing sounds."""
    found = np.zeros((turns + 1) * FRAMES_PER_TURN, np.uint8)
    for own in script.own:
        for word in own.speech.words:
            for frames, phone in _phones(own, word):
                found[frames] = phone
    return found.reshape(-1, FRAMES_PER_TURN)[1:]


def own_ahead(script: Script, speak_T: np.ndarray) -> np.ndarray:
    """`own_phones` of the slot after each, 0 where they are of a word that is written later than in this turn: uint8 [turns, FRAMES_PER_TURN]."""
    slot, slots = FRAMES_PER_TURN // TOKENS_PER_TURN, (len(speak_T) + 1) * TOKENS_PER_TURN
    written = np.full(slots * slot, NEVER)
    for own in script.own:
        words = own.speech.words if (sounding := _sounding(own, speak_T)) else ()
        for word in words:
            for frames, _ in _phones(own, word):
                written[frames] = _written(own, word, sounding[0]) // TOKENS_PER_TURN
    turn = np.arange(-TOKENS_PER_TURN, slots - TOKENS_PER_TURN)[:-1, None] // TOKENS_PER_TURN
    phones = np.concatenate([np.zeros((1, FRAMES_PER_TURN), np.uint8), own_phones(script, len(speak_T))]).reshape(slots, slot)
    known = np.where(written.reshape(slots, slot)[1:] <= turn, phones[1:], 0)
    return np.concatenate([known, np.zeros((1, slot), np.uint8)]).astype(np.uint8).reshape(-1, FRAMES_PER_TURN)[1:]


def _phones(own: Own, word: Word) -> Iterator[tuple[slice, int]]:
    """The frames of each phoneme of a word, on the world's clock, and 1 + its place in PHONE_SIGNS."""
    begin_s, long_s, done = own.start_s + word.start_s, word.end_s - word.start_s, 0.0
    for phone, end in word.phones:
        first, last = (int(np.ceil((begin_s + share * long_s) / FRAME_S - 0.5)) for share in (done, end))
        yield slice(first, last), 1 + PHONE_SIGNS.find(phone)
        done = end


def say(script: Script, tokenizer: TextCoder, speak_T: np.ndarray) -> np.ndarray:
    """A word is written from the slot on in which its sound starts, a slot being 100 ms, never before its speech's first sounding turn.

    So what is written tells when each word begins, and the sound of a word need not be found out from the sound before it. Not
    earlier: an answer begins before its question's last word has been written down, and what to say hangs on it. For the same
    reason a speech's first word stands in its turn's last slot, beside the decision to speak.

    Of a speech that is cut, no word is written that begins after the cut or could not be whole by the last sounding turn.
    """
    items = [item for own in script.own for item in _said(own, tokenizer, speak_T)]
    return fill(items, len(speak_T), TOKENS_PER_TURN)


def _said(own: Own, tokenizer: TextCoder, speak_T: np.ndarray) -> list[Item]:
    if not (sounding := _sounding(own, speak_T)):
        return []
    last = NEVER if own.cut_s is None else int(sounding[-1])
    words = [word for word in own.speech.words if own.cut_s is None or own.start_s + word.start_s < own.cut_s]
    slots = [_written(own, word, sounding[0]) for word in words]
    return [
        Item(slot // TOKENS_PER_TURN, tokenizer.encode(word.text), last, slot % TOKENS_PER_TURN)
        for slot, word in zip(slots, words, strict=True)
    ]


def _sounding(own: Own, speak_T: np.ndarray) -> list[int]:
    """The output turns in which it sounds."""
    begin, end = first_turn_at(own.start_s) - 1, NEVER if own.cut_s is None else first_turn_at(own.cut_s - 1e-4) - 1
    return [int(k) for k in np.flatnonzero(speak_T) if begin <= k <= end]


def _written(own: Own, word: Word, first_turn: int) -> int:
    """The output slot in which a word of it begins to be written."""
    return max(_slot_at(own.start_s + word.start_s), TOKENS_PER_TURN * (first_turn + 1) - 1)


def _slot_at(seconds: float) -> int:
    """The output slot whose span an instant falls into; of those that share a turn, the first is its first half."""
    return int(seconds * 1000 * TOKENS_PER_TURN / TURN_MS + 1e-6) - TOKENS_PER_TURN


def text(script: Script, tokenizer: TextCoder, turns: int) -> np.ndarray:
    """Written answers, from the first output turn that begins at their time on."""
    items = [Item(output_turn_from(t), tokenizer.encode(words)) for t, words in sorted(script.written)]
    return fill(items, turns, TOKENS_PER_TURN)


def act(script: Script, tokenizer: TextCoder, turns: int) -> np.ndarray:
    """Calls: the kind's token, the text, END, from the first output turn that begins at their time on."""
    items = [
        Item(output_turn_from(t), [tokenizer.call(kind), *(tokenizer.encode(words) if words else []), END])
        for t, kind, words in script.calls
    ]
    return fill(items, turns, TOKENS_PER_TURN)


def typed(script: Script, tokenizer: TextCoder, turns: int) -> np.ndarray:
    """Typed text and notes as input slots int16 [turns, TYPED_PER_TURN]: source marker, then tokens, queueing in order."""
    notes = [(t, "typed", words) for t, words in script.typed] + script.notes
    items = [Item(first_turn_at(t), [tokenizer.marker(s), *tokenizer.encode(words)]) for t, s, words in notes]
    return fill(items, turns, TYPED_PER_TURN)


def important(script: Script, turns: int) -> np.ndarray:
    """Output turns in which timing matters, uint8 [turns].

    Within a second of an onset or end of own sound or of the user's end, or inside a quiet check of at most 3 s.
    """
    moments = [o.start_s for o in script.own] + [own_end(o) for o in script.own]
    moments += [s.start_s + s.speech.seconds for s in script.sounds if s.who == "user"]
    spans = [(t - 1, t + 1) for t in moments]
    spans += [(c.start_s, c.end_s) for c in script.checks if c.kind == "quiet" and c.end_s - c.start_s <= 3]
    marks_T = np.zeros(turns, np.uint8)
    for begin_s, end_s in spans:
        marks_T[max(0, first_turn_at(begin_s) - 1) : max(0, output_turn_from(end_s))] = 1
    return marks_T


def own_end(own: Own) -> float:
    """When an own speech falls silent, seconds."""
    natural = own.start_s + own.speech.seconds
    return natural if own.cut_s is None else min(natural, own.cut_s)
