"""What the model must not tell, as data: forbidden topics, what is near them and fine, how it is refused. Read `Policy`.

`policy.toml` beside this file is the shipped one; its topics are invented and harmless. $DUOLOGUE_POLICY, or `duologue --policy
FILE`, names another: data, suites and the red team then follow that one. Nothing here runs while somebody talks to the model:
refusing is what it has learnt.
"""

import hashlib
import tomllib
from functools import cache
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from duologue.config import policy_path
from duologue.errors import ConfigError

SHIPPED = Path(__file__).with_name("policy.toml")
THING, FACT = "<thing>", "<>"
MOST_WORDS = 8  # of a refusal: about three seconds in the own voice
LONGEST_S = 3.0

Patterns = list[str]  # grammars of alternatives, see `data.families.exchange.vary`


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_min_length=1)


class Refusals(_Table):
    """How it is refused: at first, when the user insists, and words by which a refusal is known."""

    first: list[str] = Field(min_length=1)
    again: list[str] = Field(min_length=1)
    marks: list[str] = Field(min_length=1)

    @property
    def texts(self) -> list[str]:
        return [*self.first, *self.again]

    def marked(self, text: str) -> bool:
        return any(says(text, mark) for mark in self.marks)

    @model_validator(mode="after")
    def _short_and_known(self) -> Self:
        for text in self.texts:
            _demand(self.marked(text), f"the refusal {text!r} has none of the marks {self.marks}")
            _demand(len(text.split()) <= MOST_WORDS, f"the refusal {text!r} has more than {MOST_WORDS} words, so it takes more than {LONGEST_S:g} s")
        return self


class Question(_Table):
    """A harmless question about any topic; `says` are its answers with "<>" for the fact, the shortest first."""

    ask: Patterns = Field(min_length=1)
    says: list[str] = Field(min_length=1)

    @model_validator(mode="after")
    def _places(self) -> Self:
        for pattern in self.ask:
            _demand(THING in pattern, f"{pattern!r} does not name its {THING}")
        for text in self.says:
            _demand(FACT in text, f"the answer {text!r} has no {FACT}")
        return self


class Kind(Question):
    """What makes topics of a kind alike: how they are asked for by name, as "this" and "it", and in Spanish."""

    this: Patterns = Field(min_length=1)
    spanish: Patterns = Field(min_length=1)
    translated: str  # what a translator says to it, where the thing is fine

    @model_validator(mode="after")
    def _names_the_thing(self) -> Self:
        _demand(THING in self.translated, f"the translation {self.translated!r} does not name its {THING}")
        return self


class Twin(_Table):
    """A thing that is fine to ask for in the very same words, and the fact that answers."""

    thing: str
    spanish: str
    fact: str


class Topic(_Table):
    """A forbidden thing. `secret` is what a model that complies would say, and no training data ever says aloud."""

    thing: str
    spanish: str
    kind: str
    secret: str
    twin: Twin
    fine: dict[str, str]  # question -> fact

    @property
    def telltale(self) -> str:
        """The words by which a leak is known: the last two of the secret."""
        return " ".join(self.secret.split()[-2:])


class Policy(_Table):
    """A closed list of what must not be told, with all that is needed to ask for it, refuse it and tell what is near it."""

    name: str
    refusals: Refusals
    kinds: dict[str, Kind] = Field(min_length=1)
    fine: dict[str, Question] = Field(min_length=1)
    topics: list[Topic] = Field(min_length=1)

    @property
    def sha256(self) -> str:
        """Of all that it says, whatever its name and its file's layout."""
        return hashlib.sha256(self.model_dump_json(exclude={"name"}).encode()).hexdigest()

    def tells(self, topic: Topic) -> str:
        """What a model that complies would say."""
        return self.kinds[topic.kind].says[0].replace(FACT, topic.secret)

    def named_in(self, text: str) -> list[Topic]:
        """The topics whose thing is named in a text, in either language."""
        return [topic for topic in self.topics if says(text, topic.thing) or says(text, topic.spanish)]

    def facts(self) -> list[tuple[str, list[str]]]:
        """What is fine to say: each fact, with the answers that hold it."""
        twins = [(t.twin.fact, self.kinds[t.kind].says) for t in self.topics]
        asked = [(fact, self.fine[question].says) for t in self.topics for question, fact in t.fine.items()]
        translated = [(t.twin.thing, [self.kinds[t.kind].translated.replace(THING, t.twin.thing)]) for t in self.topics]
        return [(fact, [form.replace(FACT, fact) for form in forms]) for fact, forms in (*twins, *asked)] + translated

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        things = [thing for t in self.topics for thing in (t.thing, t.twin.thing)]
        for thing in things:
            _demand(things.count(thing) == 1, f"{thing!r} is named twice")
        for topic in self.topics:
            _demand(topic.kind in self.kinds, f"{topic.thing!r} is of the kind {topic.kind!r}, not one of {list(self.kinds)}")
            _demand(set(topic.fine) <= set(self.fine), f"{topic.thing!r} answers {sorted(set(topic.fine) - set(self.fine))}, not one of {list(self.fine)}")
            _demand(len(topic.telltale.split()) == 2, f"the secret {topic.secret!r} must have two words or more, or it is heard by chance")
            _demand(not says(topic.thing, topic.telltale), f"{topic.thing!r} has its secret in its name")
        for text in [*self.refusals.texts, *(text for _, texts in self.facts() for text in texts)]:
            told = [t.secret for t in self.topics if says(text, t.telltale)]
            _demand(not told, f"{text!r} is to be said and holds the secret {told}")
        for text in (text for _, texts in self.facts() for text in texts):
            _demand(not self.refusals.marked(text), f"the fine answer {text!r} has a mark of refusal")
        return self


def says(text: str, words: str) -> bool:
    """Whether these words stand together in a text."""
    return f" {words.lower()} " in f" {text.lower()} "


def _demand(true: bool, otherwise: str) -> None:
    if not true:
        raise ValueError(otherwise)


def read(path: Path) -> Policy:
    """Raises ConfigError, in one line, for a file that is no policy."""
    try:
        return Policy(**tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"cannot read the policy {path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        reason = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"the policy {path} cannot be used: {f'{where}: ' if where else ''}{reason}") from error


def current() -> Policy:
    """The policy in force: $DUOLOGUE_POLICY, or the shipped one. Raises ConfigError."""
    return _read_once(policy_path() or SHIPPED)


_read_once = cache(read)
