"""Written English as it is spoken: figures, dates, times, money, units, titles and abbreviations in words. Read `spoken`.

For transcripts of recordings and for texts to be read aloud, where the labels must be the very words that sound. Where a
text can be said in several ways ("1900"), the commonest is taken.
"""

import re
import unicodedata
from collections.abc import Callable

from duologue.agent.speakable import in_words

MONTHS = "January February March April May June July August September October November December".split()
_SHORT_MONTHS = {month[:3]: month for month in MONTHS} | {"Sept": "September"}
_TITLES = {
    "Mr": "mister", "Mrs": "missus", "Ms": "miz", "Dr": "doctor", "Prof": "professor", "Capt": "captain", "Gen": "general",
    "Col": "colonel", "Lt": "lieutenant", "Sgt": "sergeant", "Rev": "reverend", "Hon": "honorable", "Gov": "governor",
    "Sen": "senator", "Mt": "mount", "Ft": "fort",
}  # fmt: skip
_SHORT = {
    "e.g.": "for example", "i.e.": "that is", "etc.": "et cetera", "vs.": "versus", "approx.": "approximately",
    "Jr.": "junior", "Sr.": "senior", "Ave.": "avenue", "Blvd.": "boulevard", "Rd.": "road", "Dept.": "department",
    "Inc.": "incorporated", "Ltd.": "limited", "Co.": "company", "a.m.": "a m", "p.m.": "p m", "p.": "page", "fig.": "figure",
}  # fmt: skip
_UNITS = {
    "%": "percent", "km/h": "kilometers an hour", "mph": "miles an hour", "km": "kilometers", "cm": "centimeters",
    "mm": "millimeters", "m": "meters", "kg": "kilograms", "mg": "milligrams", "g": "grams", "lbs": "pounds", "lb": "pounds",
    "oz": "ounces", "ft": "feet", "ml": "milliliters", "l": "liters", "hrs": "hours", "hr": "hours", "min": "minutes",
    "sec": "seconds", "GB": "gigabytes", "MB": "megabytes", "Hz": "hertz", "W": "watts", "V": "volts", "°C": "degrees celsius",
    "°F": "degrees fahrenheit", "°": "degrees",
}  # fmt: skip
_COINS = {"$": ("dollar", "cent"), "£": ("pound", "pence"), "€": ("euro", "cent")}
_SIGNS = {"&": " and ", "@": " at ", "+": " plus ", "=": " equals ", "×": " times "}
_FIRSTS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip
_AS_WORDS = {"OK": "okay", "NASA": "nasa", "NATO": "nato"}  # capitals that nobody spells
LONGEST_SPELLED = 4
_MONTH = f"(?:{'|'.join([*MONTHS, *(rf'{short}[.]?' for short in _SHORT_MONTHS)])})"
_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"


def spoken(text: str) -> str:
    """One line of words with the text's punctuation; whatever is not English letters by then is left out."""
    text = unicodedata.normalize("NFKC", text).replace("’", "'").replace("‘", "'")
    shouted = text.upper() == text  # a transcript in capitals tells nothing by them
    for pattern, said in RULES:
        text = re.sub(pattern, said, text)
    text = text if shouted else re.sub(r"\b[A-Z]{2,}\b", lambda found: _capitals(found[0]), text)
    for sign, words in _SIGNS.items():
        text = text.replace(sign, words)
    plain = unicodedata.normalize("NFKD", text.replace("—", ", ").replace("…", ".").replace("-", " ").replace("/", " "))
    return re.sub(r"\s+([,.;:!?])", r"\1", " ".join(re.sub(r"[^A-Za-z' ,.;:!?\s]", "", plain).split()))


def ordinal(number: int) -> str:
    """21 is "twenty first"."""
    *before, last = in_words(str(number)).split()
    last = _FIRSTS.get(last) or (last[:-1] + "ieth" if last.endswith("y") else last + "th")
    return " ".join([*before, last])


def year(number: int) -> str:
    """1905 is "nineteen oh five", 2005 "two thousand five", 2021 "twenty twenty one"."""
    century, rest = divmod(number, 100)
    if 2000 <= number < 2010 or number % 1000 == 0:
        return f"{in_words(str(number // 1000))} thousand" + (f" {in_words(str(rest))}" if rest else "")
    tail = "hundred" if not rest else f"oh {in_words(str(rest))}" if rest < 10 else in_words(str(rest))
    return f"{in_words(str(century))} {tail}"


def _capitals(word: str) -> str:
    if word in _AS_WORDS:
        return _AS_WORDS[word]
    return " ".join(word) if len(word) <= LONGEST_SPELLED else word


def _date(month: str, day: str, of_year: str | None) -> str:
    month = _SHORT_MONTHS.get(month.rstrip("."), month)
    return f"{month} {ordinal(int(day))}" + (f" {year(int(of_year))}" if of_year else "")


def _money(found: re.Match) -> str:
    whole, _, part = found["sum"].replace(",", "").partition(".")
    big, small = _COINS[found["coin"]]
    if found["times"]:
        return f"{in_words(found['sum'])} {found['times']} {big}s"
    said = [f"{in_words(whole)} {big}{'s' * (whole != '1')}"] if int(whole) or not part else []
    if part and int(part):
        cents = int(part.ljust(2, "0"))
        said.append(f"{in_words(str(cents))} {small}{'s' * (cents != 1 and small == 'cent')}")
    return " and ".join(said)


def _clock(found: re.Match) -> str:
    minutes = int(found["minute"])
    half = " ".join(re.sub(r"[^apm]", "", (found["half"] or "").lower()))
    tail = f"oh {in_words(str(minutes))}" if 0 < minutes < 10 else in_words(str(minutes)) if minutes else "" if half else "o'clock"
    return " ".join(f"{in_words(found['hour'])} {tail} {half}".split())


def _measured(found: re.Match) -> str:
    unit = _UNITS[found["unit"]]
    one = found["number"] == "1" and " " not in unit
    return f"{in_words(found['number'])} {unit.removesuffix('s') if one else unit}"


def _digits(text: str) -> str:
    return " ".join("oh" if digit == "0" else in_words(digit) for digit in text if digit.isdigit())


def _decade(found: re.Match) -> str:
    said = year(int(found[1]))
    return said[:-1] + "ies" if said.endswith("y") else said + "s"


Said = Callable[[re.Match], str]
RULES: list[tuple[str, Said]] = [
    (rf"\b({_MONTH}) (\d{{1,2}})(?:st|nd|rd|th)?(?:,? (\d{{4}}))?\b", lambda m: _date(m[1], m[2], m[3])),
    (rf"\b(\d{{1,2}})(?:st|nd|rd|th)? ({_MONTH})(?:,? (\d{{4}}))?\b", lambda m: _date(m[2], m[1], m[3])),
    (r"\b(\d{4})-(0[1-9]|1[0-2])-([0-2]\d|3[01])\b", lambda m: _date(MONTHS[int(m[2]) - 1], m[3], m[1])),
    (r"\b(?P<hour>\d{1,2}):(?P<minute>[0-5]\d)(?: ?(?P<half>[ap]\.?m\b\.?))?", _clock),
    (r"\b(\d{1,2}) ?([ap])\.?m\b\.?", lambda m: f"{in_words(m[1])} {m[2]} m"),
    (rf"(?P<coin>[$£€])(?P<sum>{_NUMBER})(?: (?P<times>million|billion|thousand))?", _money),
    (rf"\b({'|'.join(_TITLES)})\.(?= ?[A-Z])", lambda m: _TITLES[m[1]]),
    (r"\bSt\.(?= [A-Z])", lambda _: "saint"),
    (r"\bSt\.", lambda _: "street"),
    (r"\b[Nn]o\. (?=\d)", lambda _: "number "),
    (rf"\b({'|'.join(re.escape(short) for short in _SHORT)})(?![a-z])", lambda m: _SHORT[m[1]]),
    (r"\b(?:[A-Za-z]\.){2,}", lambda m: " ".join(re.findall("[A-Za-z]", m[0]))),
    (r"\b(\d+)(?:st|nd|rd|th)\b", lambda m: ordinal(int(m[1]))),
    (r"\b(1[1-9]\d0|20\d0)s\b", _decade),
    (r"\b\d{3}-\d{4}\b|\b\d{3}-\d{3}-\d{4}\b", lambda m: ", ".join(_digits(part) for part in m[0].split("-"))),
    (rf"(?<![\w.])-(?={_NUMBER})", lambda _: "minus "),
    (rf"(?P<number>{_NUMBER}) ?(?P<unit>{'|'.join(map(re.escape, sorted(_UNITS, key=len, reverse=True)))})(?![A-Za-z])", _measured),
    (r"(?<![\d.,])(1[1-9]\d\d|20\d\d)(?![\d,.]\d|\d)", lambda m: year(int(m[1]))),
    (_NUMBER, lambda m: f" {in_words(m[0])} "),
]
