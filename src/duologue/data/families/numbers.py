"""Numbers: small sums, what comes after and before, counting, which is bigger, double and half.

Everything stays between 0 and 20, known by heart; larger sums belong to `delegate`. Read `MAKERS` first.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from duologue.data.families import exchange
from duologue.data.families.lexicon import NUMBERS
from duologue.data.script import Line, Script

NAME = "numbers"
TOP = 20
_FORMS = ("that's <>", "it's <>", "it is <>", "that is <>")

_ASK = (
    "{what is|what's|what would be|what do you get for|how much is|can you tell me what is|tell me|do you know what is}"
)
_SUM = (
    "what is <a> plus <b>",
    "what's <a> plus <b>",
    "<a> plus <b>",
    f"{_ASK} <a> plus <b>",
    "{what do you get|what do i get|what happens} {if you|if i|when you|when i} add <a> and <b>",
    "{add|can you add|could you add|would you add|please add|i'd like you to add} <a> {and|to} <b>",
    "{what is|what's|tell me|give me|work out} the sum of <a> and <b>",
    "{i have|say i have|i've got|imagine you have} <a> {apples|cards|coins|things} and {get|find|buy} <b> more "
    "how many {is that|in all|altogether}",
    "how much {is|are|do you get for|would be} <a> {and|plus} <b> {|together|altogether}",
    "<a> plus <b> {equals|is|makes|equals what|is what|makes what}",
    "{could you|can you|would you} {work out|calculate|tell me} {|what is }<a> plus <b>",
)
_MINUS = (
    "what is <a> minus <b>",
    "<a> minus <b>",
    f"{_ASK} <a> minus <b>",
    "{what is|what's|what do you get for|how much is} <a> take away <b>",
    "<a> take away <b>",
    "{take|subtract|can you take|can you subtract|could you subtract|please subtract} <b> from <a>",
    "{what is|what's} left {if you|if i|when you} take <b> {from|away from|off} <a>",
    "{i have|i had|say i have|i've got} <a> {apples|cards|coins|things} and {lose|give away|drop} <b> "
    "how many {are left|do i have|remain|are left over}",
    "how much is <a> {less|minus} <b>",
    "<a> minus <b> {equals|is|makes|equals what|is what}",
    "{could you|can you|would you} {work out|calculate|tell me} {|what is }<a> minus <b>",
    "{what is|what's|tell me} the difference between <a> and <b>",
)
_TIMES = (
    "what is <a> times <b>",
    "<a> times <b>",
    f"{_ASK} <a> times <b>",
    "{multiply|can you multiply|could you multiply|please multiply|would you multiply} <a> {by|and|with} <b>",
    "{what is|what's|how much is|tell me} <a> multiplied by <b>",
    "<a> times <b> {equals|is|makes|equals what|is what|makes what}",
    "{what do you get|what do i get} {if you|if i|when you} multiply <a> {by|and} <b>",
    "{could you|can you|would you} {work out|calculate|tell me} {|what is }<a> times <b>",
    "{what is|what's|tell me} the product of <a> and <b>",
)
_AFTER = (
    "what comes after <n>",
    "{what|which number|what number} {comes|is|goes|comes right|comes just|comes straight} after <n>",
    "{what's|what is|tell me|give me|name} the {number|next number} after <n>",
    "{what's|what is|tell me|say} the next number {after|from} <n>",
    "after <n> {comes|comes what|what comes|what's next|which number comes}",
    "{which|what|which number} {follows|number follows|comes next after} <n>",
    "{can you|could you|would you} tell me {what|which number|the number that} comes after <n>",
    "<n> and {then|then what|next|what comes next}",
    "what's one more than <n>",
    "{i'm|i am} at <n> what's next",
)
_BEFORE = (
    "what comes before <n>",
    "{what|which number|what number} {comes|is|goes|comes right|comes just|comes straight} before <n>",
    "{what's|what is|tell me|give me|name} the {number|one} {|just |right }before <n>",
    "before <n> {comes|comes what|what comes|what is there|which number comes}",
    "{which|what} number {precedes|is just below|is right below} <n>",
    "{can you|could you|would you} tell me {what|which number|the number that} comes before <n>",
    "what's one less than <n>",
    "{what|which number} {was|is} {|there }just before <n>",
)
_COUNT = (
    "count from <a> to <b>",
    "count {<a> to|from <a> until|up or down from <a> to} <b>",
    "{can|could|would|will} you {|please |maybe }count from <a> to <b>",
    "{i want you to|i'd like you to|i need you to|you should} count from <a> to <b>",
    "{please|let's hear you|go ahead and|try to|start to|do} count from <a> to <b>",
    "{say|give me|tell me|let me hear|list|recite|read out} {all |}the numbers from <a> to <b>",
    "{go|run|start counting|count for me|counting please} from <a> to <b>",
    "{what are|what's|which are} {all |}the numbers from <a> to <b>",
    "{start|begin} at <a> and {count|go on} {to|until} <b>",
)
_BIGGER = (
    "is <a> {bigger|larger|greater|more|higher} than <b>",
    "{is it true that|is it right that|would you say that|am i right that|do you think} <a> is "
    "{bigger|larger|greater|more} than <b>",
    "{can you|could you} tell me {if|whether} <a> is {bigger|larger|more} than <b>",
    "<a> is {bigger|larger|more} than <b> {right|isn't it|yes or no|true or false|correct}",
    "tell me {if|whether} <a> is {bigger|larger|greater|more} than <b>",
)
_SMALLER = tuple(
    pattern.replace("{bigger|larger|greater|more|higher}", "{smaller|less|lower}")
    .replace("{bigger|larger|greater|more}", "{smaller|less|lower}")
    .replace("{bigger|larger|more}", "{smaller|less|lower}")
    for pattern in _BIGGER
)
_DOUBLE = (
    "what is double <n>",
    "{what is|what's|tell me|say|how much is|give me} {double|twice|the double of} <n>",
    "{double|twice|the double of} <n>",
    "{can|could|would} you {|please }double <n>",
    "{what is|what's|tell me} the double of <n>",
    "{what do you get|what do i get} {if you|if i|when you} double <n>",
    "<n> doubled {is|is what|makes|makes what|equals}",
    "double <n> {is|makes|please}",
)
_HALF = (
    "what is half of <n>",
    "{what is|what's|tell me|say|how much is|give me} {half|half of|one half of} <n>",
    "{half|half of|one half of} <n>",
    "{can|could|would} you {|please }{halve|cut in half} <n>",
    "{what is|what's|tell me} <n> {divided by two|cut in half|over two}",
    "{what do you get|what do i get} {if you|if i|when you} halve <n>",
    "<n> divided by two {|is|is what|makes|equals}",
    "half of <n> {is|makes|please}",
)


_FACTORS = [(a, b) for a in range(TOP + 1) for b in range(TOP + 1) if a * b <= TOP]
PRODUCTS = tuple(pair for pair in _FACTORS if min(pair) >= 2)
TRIVIAL_PRODUCTS = tuple(pair for pair in _FACTORS if min(pair) < 2)


def new_pair(operation: str, left: int, right: int) -> bool:
    """Whether only tests see this pair. Its mirror (right, left) is always trained, so that no fact is missing."""
    return left < right and exchange.held_out(operation, left, right, share=2 * exchange.COMBO_SHARE)


def _number_line(rng, intent, patterns, result: int, new: bool = False, **operands: int) -> Line:
    slots = {name: NUMBERS[value] for name, value in operands.items()} | {"fact": NUMBERS[result]}
    answers = exchange.replies(NUMBERS[result], *_FORMS)
    return exchange.line(rng, NAME, intent, patterns, answers, slots, new_combo=new)


def _sum(rng: np.random.Generator) -> Line:
    total = int(rng.integers(TOP + 1))
    a = int(rng.integers(total + 1))
    return _number_line(rng, "sum", _SUM, total, new_pair("sum", a, total - a), a=a, b=total - a)


def _minus(rng: np.random.Generator) -> Line:
    a = int(rng.integers(TOP + 1))
    b = int(rng.integers(a + 1))
    return _number_line(rng, "minus", _MINUS, a - b, new_pair("minus", b, a - b), a=a, b=b)


def _times(rng: np.random.Generator) -> Line:
    a, b = exchange.pick(rng, PRODUCTS if rng.random() < 0.8 else TRIVIAL_PRODUCTS)
    return _number_line(rng, "times", _TIMES, a * b, new_pair("times", a, b), a=a, b=b)


def _after(rng: np.random.Generator) -> Line:
    n = int(rng.integers(TOP))
    return _number_line(rng, "after", _AFTER, n + 1, n=n)


def _before(rng: np.random.Generator) -> Line:
    n = int(rng.integers(1, TOP + 1))
    return _number_line(rng, "before", _BEFORE, n - 1, n=n)


def _double(rng: np.random.Generator) -> Line:
    n = int(rng.integers(TOP // 2 + 1))
    return _number_line(rng, "double", _DOUBLE, 2 * n, n=n)


def _half(rng: np.random.Generator) -> Line:
    n = int(rng.integers(TOP // 2 + 1))
    return _number_line(rng, "half", _HALF, n, n=2 * n)


def _count(rng: np.random.Generator) -> Line:
    a, b = (int(n) for n in rng.choice(TOP + 1, 2, replace=False))
    if abs(b - a) > 10 and rng.random() < 0.6:  # most recitals stay short
        b = a + int(np.sign(b - a)) * int(rng.integers(2, 8))
    step = 1 if b > a else -1
    words = NUMBERS[a : b + 1] if step == 1 else NUMBERS[b : a + 1][::-1]
    slots = {"a": NUMBERS[a], "b": NUMBERS[b], "recital": words}
    new = exchange.held_out("count", a, b, share=exchange.COMBO_SHARE)
    return exchange.line(rng, NAME, "count", _COUNT, (", ".join(words),), slots, new_combo=new)


def _compare(rng: np.random.Generator) -> Line:
    a, b = (int(n) for n in rng.choice(TOP + 1, 2, replace=False))
    bigger = rng.random() < 0.6
    intent, patterns = ("bigger", _BIGGER) if bigger else ("smaller", _SMALLER)
    fact = "yes" if (a > b) == bigger else "no"
    slots = {"a": NUMBERS[a], "b": NUMBERS[b], "fact": fact}
    return exchange.line(rng, NAME, intent, patterns, YES_NO[fact], slots, new_combo=new_pair(intent, a, b))


YES_NO = {
    "yes": ("yes", "yes it is", "yes that's right", "yes of course"),
    "no": ("no", "no it isn't", "no it's not", "no that's wrong"),
}
MAKERS = (
    (4, _sum), (3, _minus), (2, _times), (1.5, _after), (1.5, _before), (3, _count), (2, _compare), (1, _double),
    (1, _half),
)  # fmt: skip


def lines(rng: np.random.Generator, split: str) -> Iterator[Line]:
    """Endless questions about numbers, with their answers."""
    return exchange.draw(rng, split, MAKERS)


def own_texts() -> Iterable[str]:
    """Every answer: each number in each form, yes and no, and the numbers as a list up and down."""
    facts = [text for number in NUMBERS[: TOP + 1] for text in exchange.replies(number, *_FORMS)]
    recitals = [", ".join(NUMBERS[: TOP + 1]), ", ".join(NUMBERS[TOP::-1])]
    return exchange.unique([*facts, *YES_NO["yes"], *YES_NO["no"], *recitals])


def script(rng: np.random.Generator, bank, split: str, voice: str | None = None) -> Script:
    """One to four questions about numbers."""
    return exchange.questions(rng, bank, split, NAME, voice)
