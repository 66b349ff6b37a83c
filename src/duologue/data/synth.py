"""Fills the voice bank: `duologue synth voices --engine kokoro --minutes 60`. Read `synth` first.

User voices take turns; each gets open texts (`texts`) and lines of every family, the held-out speakers
only test lines. The own voice says every reply of the families, comma lists of their words, and open sentences, chosen for words that it has not said. What is
in the bank already is not said again, so a run can be ended and started at will.
"""

import multiprocessing
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import cached_property
from itertools import cycle, islice, takewhile
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import Progress

from duologue.data.bank import Bank, normal
from duologue.data.bank_writer import HeldError, Writer
from duologue.data.lines import mixed_lines, own_lines
from duologue.data.script import Line
from duologue.data.voices import OWN, Speaker, speaks, split_of, user_voices
from duologue.errors import ConfigError
from duologue.turn import SAMPLE_RATE_HZ

TEST_SHARE = 0.1
OWN_SHARE, OWN_SHARE_AT_FIRST = 0.25, 0.5  # of Kokoro's calls; the second while replies or word lists are missing
HELD_TRIES = 2000  # in a row, several times as many as there are voices
CALL_UTTERANCES = 6
LANGUAGES = ("en", "es")

Asked = list[tuple[list[Line], Future]]  # lines, and what becomes of them


class Shelf:
    """One voice being filled: what it has said, its writer, and the lines to come."""

    def __init__(self, voice: str, lines: Iterator[Line], said: set[str]):
        self.voice, self.lines, self.said = voice, lines, said
        self.refused = 0

    @cached_property
    def writer(self) -> Writer:
        return Writer(self.voice)

    def ask(self, pool: Executor, speak: Speaker, rng: np.random.Generator) -> Asked:
        """Gives new lines to the engine, those of a language in one call. Raises HeldError when another process writes this voice."""
        assert self.writer
        lines, speed = self._new_lines(), self._speed(rng)
        asked = []
        for language in LANGUAGES:
            if mine := [line for line in lines if line.language == language]:
                foreign = () if language == "en" else (language,)
                asked.append((mine, pool.submit(speak, [line.text for line in mine], self.voice, speed, *foreign)))
        return asked

    def keep(self, asked: Asked) -> tuple[int, float]:
        """Waits for what was asked and writes it: utterances and seconds of sound. What could not be timed is left out."""
        said = [pair for lines, results in asked for pair in zip(lines, results.result(), strict=True)]
        good = [(line, spoken) for line, spoken in said if spoken]
        for line, spoken in good:
            self.writer.add(line, spoken.pcm_S, spoken.words)
        self.refused += len(said) - len(good)
        return len(good), sum(len(spoken.pcm_S) for _, spoken in good) / SAMPLE_RATE_HZ

    def _new_lines(self) -> list[Line]:
        """The next few lines that this voice has not said; fewer when the families repeat themselves."""
        new = []
        for line in islice(self.lines, 40 * CALL_UTTERANCES):
            if not speaks(self.voice, line.language):
                continue
            if (key := normal(line.text)) and key not in self.said:
                self.said.add(key)
                new.append(line)
            if len(new) == CALL_UTTERANCES:
                break
        return new

    def _speed(self, rng: np.random.Generator) -> float:
        slow, fast = {"own": (1.0, 1.0), "train": (0.85, 1.2), "test": (0.8, 1.25)}[split_of(self.voice)]
        return float(rng.uniform(slow, fast))


def shelves(engine: str, rng: np.random.Generator, names: Sequence[str], split: str = "") -> tuple[list[Shelf], list[Shelf], list[Shelf]]:
    """The own voice's shelf (Kokoro only), those of the train voices and of the test voices, each group shuffled.

    With a split the voices of that one only. Raises ConfigError when the engine has none.
    """
    if split and not user_voices(split, engine):
        raise ConfigError(f"{engine} has no {split} voices; choose another --engine, or leave out --split")
    said: dict[str, set[str]] = {}
    for entry in Bank().entries:
        said.setdefault(entry.voice, set()).add(normal(entry.row["text"]))
    before = said.get(OWN, set())
    own = [Shelf(OWN, own_lines(0, names, tuple(before)), before)] if engine == "kokoro" and not split else []
    groups = []
    for side in ("train", "test"):
        lines = mixed_lines(rng, side, names)
        voices = user_voices(side, engine) if split in ("", side) else []
        groups.append([Shelf(voices[i], lines, said.get(voices[i], set())) for i in rng.permutation(len(voices))])
    return own, *groups


def own_share(own: Sequence[Shelf], names: Sequence[str]) -> float:
    """The own voice's share of the calls: more of them while something but open sentences is still unsaid."""
    wanted = (line for shelf in own for line in takewhile(lambda line: line.intent != "open", own_lines(0, names)))
    missing = any(normal(line.text) not in own[0].said for line in wanted)
    return (OWN_SHARE_AT_FIRST if missing else OWN_SHARE) if own else 0.0


def turns(own: Sequence, train: Sequence, test: Sequence, share: float, rng: np.random.Generator) -> Iterator[Shelf]:
    """Whose turn it is, endlessly: the own voice and the test voices in their shares, else the next train voice, if there are any."""
    train_round, test_round = cycle(train), cycle(test)
    test_share = TEST_SHARE if train else 1.0
    while True:
        draw = rng.random()
        if draw < share:
            yield own[0]
        elif test and draw < share + test_share:
            yield next(test_round)
        else:
            yield next(train_round)


def calls(
    order: Iterator[Shelf], speak: Speaker, rng: np.random.Generator, pool: Executor, ahead: int = 1
) -> Iterator[tuple[int, float]]:
    """Utterances and seconds of sound of one call after another, `ahead` of them asked at a time. A user's voice that another process
    is writing is left to it, so that several share the voices. Raises HeldError for the own voice, and when others are writing all."""
    held, waiting = 0, deque()
    for shelf in order:
        try:
            waiting.append((shelf, shelf.ask(pool, speak, rng)))
        except HeldError:
            held += 1
            if shelf.voice == OWN or held > HELD_TRIES:
                raise
        else:
            held = 0
            if len(waiting) == ahead:
                first, asked = waiting.popleft()
                yield first.keep(asked)
    yield from (shelf.keep(asked) for shelf, asked in waiting)


def _pool(workers: int) -> Executor:
    if workers == 1:
        return ThreadPoolExecutor(1)
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), end_with_parent)


def end_with_parent() -> None:
    """For a pool's process to begin with: it ends when the one that made the pool has ended, were it killed. Else it would wait
    for work for ever, and Kokoro's holds gigabytes."""
    threading.Thread(target=_outlive_nobody, daemon=True).start()


def _outlive_nobody() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)


def speaker_of(engine: str) -> Speaker:
    """The function `speak(texts, voice, speed)` of an engine; a text that cannot be timed word by word gives None."""
    if engine == "kokoro":
        from duologue.data import kokoro

        kokoro.folder()  # unpacked here, before several processes want it
        return kokoro.speak
    from duologue.data import classic

    return getattr(classic, f"speak_{engine}")


class What(NamedTuple):
    """What is spoken.

    Attributes:
        engine: whose voices.
        share: of the calls that is the own voice's; None as `own_share` says.
        names: of the families whose lines are said, beside open texts; none are all.
        split: "train" or "test" leaves out the own voice and the other side's.
    """

    engine: str = "kokoro"
    share: float | None = None
    names: Sequence[str] = ()
    split: str = ""


def synth(what: What, minutes: float, utterances: int = sys.maxsize, workers: int = 1) -> None:
    """Speaks new lines into the bank, in so many processes, until the time or the number of utterances is reached.

    Raises ConfigError when the engine has no voice of the split.
    """
    rng = np.random.default_rng()
    speak, began = speaker_of(what.engine), time.monotonic()
    own, train, test = shelves(what.engine, rng, what.names, what.split)
    share = own_share(own, what.names) if what.share is None or not own else what.share
    count, seconds, most_s = 0, 0.0, max(60 * minutes, 1.0)
    order = turns(own, train, test, share, rng)
    with _pool(workers) as pool, Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task(what.engine, total=1.0)
        for said, sound_s in calls(order, speak, rng, pool, ahead=1 if workers == 1 else 2 * workers):
            count, seconds = count + said, seconds + sound_s
            done = max((time.monotonic() - began) / most_s, count / utterances)
            bar.update(task, completed=done, description=f"{what.engine}: {count} utterances, {seconds / 60:.1f} min of sound")
            if done >= 1:
                break
    wall_s = time.monotonic() - began
    refused = sum(s.refused for s in [*own, *train, *test])
    done = f"{count} utterances, {seconds:.0f} s of sound in {wall_s:.0f} s, {refused} refused"
    Console(soft_wrap=True).print(f"{what.engine}: {done}", highlight=False)
