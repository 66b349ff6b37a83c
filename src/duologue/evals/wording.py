"""Texts made comparable: what was heard against what was wanted. Read `words_of` first, then `contains` and `errors`.

Recognisers write 13 for thirteen, "9-3" for nine minus three and "you're" for you are; none of that is a mistake.
"""

import re
from collections.abc import Sequence

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()
_SIGNS = {"+": " plus ", "×": " times ", "*": " times ", "=": " equals ", "%": " percent ", "&": " and ", "$": " dollars "}
_SHORT = {
    "n't": " not", "'re": " are", "'m": " am", "'ll": " will", "'ve": " have", "'d": " would", "'s": " is",
}  # fmt: skip
_ODD = {"can't": "can not", "won't": "will not", "cannot": "can not", "let's": "let us", "gonna": "going to"}
SPELLINGS = {
    "ok": "okay", "colour": "color", "grey": "gray", "favourite": "favorite", "mhm": "mm hmm", "mmhmm": "mm hmm",
    "uhhuh": "uh huh", "mr": "mister", "umm": "um", "uhm": "um",
}  # fmt: skip
HOMOPHONES = {  # only where the answer is one single word, for nothing but the sound can tell them apart
    "for": "four", "fore": "four", "to": "two", "too": "two", "ate": "eight", "won": "one", "sicks": "six", "tee": "tea",
    "t": "tea", "read": "red", "blew": "blue", "knight": "night", "week": "weak", "hi": "high", "buy": "bye", "by": "bye",
    "knows": "nose", "know": "no", "dew": "duo", "deuo": "duo", "right": "write", "marched": "march", "break": "brake",
    "mou": "moo", "mu": "moo", "new": "knew",
}  # fmt: skip
UNRELATED, LETTERS = 3, 6


def number_words(n: int) -> str:
    """0 to 9999 as it is spoken; larger numbers digit by digit."""
    if n < 20:
        return _ONES[n]
    if n < 100:
        return _TENS[n // 10] + (f" {_ONES[n % 10]}" if n % 10 else "")
    if n < 10_000:
        unit, name = (100, "hundred") if n < 1000 else (1000, "thousand")
        return f"{number_words(n // unit)} {name}" + (f" {number_words(n % unit)}" if n % unit else "")
    return " ".join(_ONES[int(digit)] for digit in str(n))


def words_of(text: str) -> list[str]:
    """The words of a text in the form in which texts are compared: lower case, numbers spoken, contractions opened."""
    text = text.lower().replace("’", "'")
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    text = re.sub(r"\$(\d+)", _dollars, text)
    text = re.sub(r"(?<=\d)\s*-\s*(?=\d)", " minus ", text)
    text = re.sub(r"\b(\d+)(st|nd|rd|th)\b", r"\1", text)
    for sign, spoken in _SIGNS.items():
        text = text.replace(sign, spoken)
    text = re.sub(r"\d+", lambda digits: f" {number_words(int(digits[0]))} ", text)
    return " ".join(_plain(word) for word in re.findall(r"[a-zà-ÿ]+(?:'[a-z]+)*", text)).split()


def _dollars(price: re.Match) -> str:
    """The sign is written first and spoken last."""
    return f"{price[1]} dollar{'' if price[1] == '1' else 's'}"


def readings(text: str) -> list[list[str]]:
    """What a text may mean as a recital: a recogniser writes "nineteen, twenty" as 1920 and "one, two, three" as 123."""
    apart = [re.sub(r"\d{2,}", lambda run, n=n: " ".join(re.findall(rf"\d{{1,{n}}}", run[0])), text) for n in (1, 2)]
    return [list(words) for words in dict.fromkeys(tuple(words_of(t)) for t in (text, *apart))]


def _plain(word: str) -> str:
    word = _ODD.get(word, word)
    for short, long in _SHORT.items():
        if word.endswith(short) and " " not in word:
            word = word[: -len(short)] + long
    return SPELLINGS.get(word, word).replace("'", "")


def contains(heard: Sequence[str], wanted: str, within: int) -> bool:
    """Whether the wanted words stand together in what was heard and begin among its first `within` words."""
    words = words_of(wanted)
    if not words:
        return False
    if len(words) == 1:
        heard, words = [HOMOPHONES.get(w, w) for w in heard], [HOMOPHONES.get(words[0], words[0])]
    solid, wanted_solid = "".join(heard), "".join(words)
    at_word = any(list(heard[i : i + len(words)]) == words for i in range(min(within, len(heard))))
    return at_word or (solid == wanted_solid)


def nearly(heard: Sequence[str], wanted: str) -> bool:
    """Whether a list of UNRELATED or more words is how what was heard begins, but for one letter in LETTERS.

    A recogniser makes sentences of unrelated words ("code fully goal" becomes "code fully at goal"), which is no fault of
    the speaker's. The price: a short word of a long list may be another one.
    """
    words = words_of(wanted)
    target = "".join(words)
    return len(words) >= UNRELATED and min(_distances("".join(heard), target)) * LETTERS <= len(target)


def in_order(heard: Sequence[str], items: Sequence[str]) -> int:
    """How many of the items are heard one after the other, from the first on, whatever is said between."""
    at = 0
    for count, item in enumerate(items):
        words = words_of(item)
        found = next((i for i in range(at, len(heard) - len(words) + 1) if list(heard[i : i + len(words)]) == words), None)
        if found is None:
            return count
        at = found + len(words)
    return len(items)


def longest_run(heard: Sequence[str], items: Sequence[str]) -> tuple[int, int]:
    """The longest run of neighbouring items heard in order without a gap between: (index of its first item, its length)."""
    spoken = [words_of(item) for item in items]
    best = (0, 0)
    for start in range(len(heard)):
        for first in range(len(items)):
            at, length = start, 0
            while first + length < len(items) and list(heard[at : at + len(spoken[first + length])]) == spoken[first + length]:
                at, length = at + len(spoken[first + length]), length + 1
            best = max(best, (first, length), key=lambda run: run[1])
    return best


def errors(heard: Sequence[str], wanted: Sequence[str]) -> int:
    """Words wrong: substitutions, deletions and insertions (Levenshtein distance)."""
    return _distances(heard, wanted)[-1]


def _distances(heard: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Levenshtein distance of `wanted` to each beginning of `heard`, the empty one first."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(wanted, 1):
        last, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (word != other))
    return row
