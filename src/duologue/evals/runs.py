"""Runs suites: every conversation's record is written down as soon as it is judged, so that a run can be stopped and resumed.

Read `run_suite`, then `summary`. A run is a folder; in it a file for each suite and system, `{suite}.{system}.jsonl`: a first
line that says what was asked, then one line a conversation. Beside it lie a few conversations as sound.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from duologue.data.bank import Bank
from duologue.errors import ConfigError, DataError
from duologue.evals import items, judge, sets
from duologue.evals.closed import closed_words
from duologue.evals.contestants import Contestant, contestant
from duologue.evals.draws import Source, from_bank, frozen
from duologue.evals.files import folder_of, write_output
from duologue.evals.heard import said_words
from duologue.evals.items import Item
from duologue.evals.outcome import Outcome
from duologue.evals.score import Reader, said_tokens
from duologue.evals.suite import Ears, Record, Suite, record_of
from duologue.evals.systems import Case, run
from duologue.evals.trials import Trial
from duologue.turn import SAMPLE_RATE_HZ

FROZEN_CASES, SEED, POOL = 60, 2026, "report"
TRIES = 40  # conversations drawn from the bank for each case
EXAMPLES, EXAMPLE_S = 3, 60  # conversations kept as sound, and their longest
TYPED_S = 0.6  # for which typed text is drawn
HEADLINED = 97.0  # percent of the headline that the judge must make of perfect answers

Progress = Callable[[str, int, int], None]  # what is being done, how much of how much


class Asked(NamedTuple):
    """What is to be run.

    Attributes:
        cases: of each kind; more than FROZEN_CASES come from the voice bank of this machine.
        seed: of the system's noise and of the channels.
        channel: what the user's sound goes through, "clean" or "test-noise" (rooms, noises and a codec never trained on).
        folder: of the run.
        outputs: folder for what every system says, in the layout of `files`, or None.
        set: folder of a frozen set (`sets`) whose conversations are used, all of them, or None.
    """

    folder: Path
    cases: int = FROZEN_CASES
    seed: int = 0
    channel: str = "clean"
    outputs: Path | None = None
    set: Path | None = None


def source_of(cases: int) -> Source:
    """The frozen items; when more is asked for, the larger pool if it was frozen, else the bank of this machine.

    Families of which nothing is frozen come from the bank too.

    Raises DataError when there is none of them.
    """
    pool = "quick" if cases <= FROZEN_CASES else POOL
    drawn = cache(lambda: from_bank(Bank(), SEED, TRIES * cases))
    if pool != "quick" and not (items.FOLDER / f"{pool}.json.gz").exists():
        return drawn()
    kept = items.load(pool)
    families, source = {script.family for script, _ in kept}, frozen(kept)
    return lambda family: (source if family in families else drawn())(family)


def conversations(asked: Asked) -> Callable[[Suite], list[Item]]:
    """Where the conversations of a suite come from. Raises DataError when there is no such place."""
    if asked.set:
        kept = sets.load(asked.set)
        return lambda suite: kept.get(suite.name, [])
    source = source_of(asked.cases)
    return lambda suite: suite.items(source, asked.cases)


def cases_of(suite: str, drawn: Sequence[Item], asked: Asked) -> list[Case]:
    """A conversation may ask for a channel of its own."""
    speeches = [script.sounds[0].speech.pcm_S for script, _ in drawn[:40] if script.sounds]
    return [
        Case(script, 1000 * asked.seed + i, script.about.get("channel", asked.channel), speeches, folder_of(suite, i))
        for i, (script, _) in enumerate(drawn)
    ]


def ears() -> Ears:
    """Whisper for the headline, PocketSphinx beside it. Raises ConfigError when they are not installed."""
    words = closed_words()
    return Ears(judge.reader(judge.whisper_ear()), Reader(judge.listening(words)))


OWN_WORDS = Ears(Reader(said_tokens, timed=said_words))  # for controls: their words are known, and taking them for heard is kind to them


def run_suite(
    suite: Suite,
    drawn: Sequence[Item],
    who: Contestant,
    asked: Asked,
    ears: Ears,
    progress: Progress = lambda *_: None,
) -> list[Record]:
    """The records of all conversations of a suite; those that an earlier run has stored are not held again.

    Raises ConfigError when the folder holds another run.
    """
    path = asked.folder / f"{stem(suite.name, who.name)}.jsonl"
    header = {"suite": suite.name, "system": who.name, "about": who.about, "items": items.digest(drawn)}
    header |= {"cases": asked.cases, "seed": asked.seed, "channel": asked.channel}
    done = _opened(path, header)
    cases = cases_of(suite.name, drawn, asked)
    left = [i for i in range(len(drawn)) if i not in done]

    def judged(i: int, outcome: Outcome) -> Record:
        if i < EXAMPLES and not outcome.failure:
            keep_example(path.with_name(f"{path.stem}.{i}.ogg"), cases[i], outcome)
        if asked.outputs:
            write_output(asked.outputs / stem(who.name) / cases[i].name, outcome.sound_S)
        told = {"story": story_of(drawn[i])} if i < EXAMPLES else {}
        return record_of(suite, i, drawn[i], outcome, ears) | told

    with path.open("a", encoding="utf-8") as file:
        for record in _judged([cases[i] for i in left], left, who, judged):
            file.write(json.dumps(record) + "\n")
            file.flush()
            done[record["case"]] = record
            progress(f"{who.name}: {suite.name}", len(done), len(drawn))
    return [done[i] for i in range(len(drawn))]


def stem(*names: str) -> str:
    """A file's name without its ending; a URL becomes one too."""
    return ".".join(re.sub(r"[^\w@.,+-]+", "-", name) for name in names)


def _judged(cases: Sequence[Case], numbers: Sequence[int], who: Contestant, judged) -> Iterator[Record]:
    """Records as they are finished; the ears listen in other threads while the system goes on."""
    waiting: list[Future] = []
    with ThreadPoolExecutor(judge.WORKERS) as pool:
        for i, outcome in run(who.system, cases):
            waiting.append(pool.submit(judged, numbers[i], outcome))
            while waiting and waiting[0].done():
                yield waiting.pop(0).result()
        yield from (future.result() for future in waiting)


def _opened(path: Path, header: dict) -> dict[int, Record]:
    """The records that are there already, by case; a new file gets its header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    rows = [row for line in lines if (row := _row(line))]
    if rows and rows[0] != header:
        changed = next(key for key in header if rows[0].get(key) != header[key])
        raise ConfigError(
            f"{path} is of another run ({changed} {rows[0].get(changed)!r}, now {header[changed]!r}); choose another --out, or delete it"
        )
    text = "".join(json.dumps(row) + "\n" for row in rows or [header])
    path.write_text(text, encoding="utf-8")
    return {row["case"]: row for row in rows[1:]}


def _row(line: str) -> dict | None:
    """None for a line torn by a crash."""
    try:
        return json.loads(line)
    except ValueError:
        return None


def keep_example(path: Path, case: Case, outcome: Outcome) -> None:
    """Both sides as stereo Opus, of a long one the beginning: left what came in, right what was said."""
    heard_S = np.concatenate([turn.pcm_S for turn in case.inputs()])
    samples = min(EXAMPLE_S * SAMPLE_RATE_HZ, len(outcome.sound_S))
    sides_SC = np.zeros((samples, 2), np.float32)
    for side, sound_S in enumerate((heard_S, outcome.sound_S)):
        sides_SC[: len(sound_S), side] = sound_S[:samples]
    soundfile.write(path, sides_SC, SAMPLE_RATE_HZ, "OPUS", format="OGG")


def story_of(item: Item) -> dict:
    """What is said to the system and what is wanted, for drawing: (begin, end, text) and (kind, begin, end, text) in seconds."""
    script, trials = item
    user = [[round(s.start_s, 2), round(s.start_s + s.speech.seconds, 2), s.speech.text or s.speech.voice] for s in script.sounds]
    user += [[round(at_s, 2), round(at_s + TYPED_S, 2), f"typed: {text}"] for at_s, text in script.typed]
    windows = [(t, window) for t in trials for window in (t.slots_s and [_around(t, s) for s in t.slots_s]) or [(t.begin_s, t.end_s)]]
    wanted = [[t.kind, round(a, 2), round(b, 2), " / ".join([*t.accept[:2], *t.items[:6]])] for t, (a, b) in windows]
    return {"seconds": round(min(script.length_s, EXAMPLE_S), 2), "user": user, "wanted": wanted}


def _around(trial: Trial, slot_s: float) -> tuple[float, float]:
    return slot_s - trial.tolerance_s, slot_s + trial.tolerance_s


def stored(folder: Path, suite: str, system: str) -> list[Record]:
    """The records of a run, in the order of the cases."""
    rows = map(_row, (folder / f"{stem(suite, system)}.jsonl").read_text(encoding="utf-8").splitlines()[1:])
    return sorted((row for row in rows if row), key=lambda row: row["case"])


def summary(suite: Suite, who: Contestant, records: Sequence[Record]) -> dict:
    """The figures of one system on one suite, ready for JSON: the same ones for the same seed."""
    figures = {name: figure._asdict() for name, figure in suite.figures(records).items()}
    failed = Counter(record["failure"] for record in records if record["failure"])
    about = {"suite": suite.name, "system": who.name, "conversations": len(records), "headline": suite.headline}
    return {**about, "chance": suite.chance.get(who.name), "figures": figures, "failed": dict(failed)}


def run_all(
    suites: Sequence[Suite],
    contestants: Sequence[Contestant],
    asked: Asked,
    progress: Progress = lambda *_: None,
    listened: Callable[[Contestant], bool] = lambda who: not who.is_control,
) -> list[dict]:
    """Every system on every suite, and what the oracle comes to as the ceiling beside each; "short" as `Suite.short` says.

    Args:
        listened: who is judged by ear; the others by the words that they say they say, which is kind to them.

    Raises:
        ConfigError: the judges are not installed, or the folder holds another run. DataError: there are no conversations.
    """
    drawn_for, found = conversations(asked), []
    heard = ears() if any(map(listened, contestants)) else OWN_WORDS
    for suite in suites:
        drawn = drawn_for(suite)
        if not drawn:
            raise DataError(f"there are no conversations for {suite.name}; name a set that has some (--set), or synthesise more (duologue synth)")
        short = {} if asked.set else suite.short(drawn, asked.cases)
        for who in (*contestants, *_beside(suite, contestants)):
            records = run_suite(suite, drawn, who, asked, heard if listened(who) else OWN_WORDS, progress)
            found.append(summary(suite, who, records) | {"short": short})
    return found


def _beside(suite: Suite, contestants: Sequence[Contestant]) -> list[Contestant]:
    """The controls that a suite has of its own, where they are not asked for anyway."""
    return [contestant(name) for name in suite.beside if name not in {who.name for who in contestants}]


def ceiling_of(found: Sequence[dict]) -> dict[str, dict[str, float | None]]:
    """What the judge makes of perfect answers, by suite and figure, from the oracle's summaries."""
    oracle = [summary for summary in found if summary["system"] == "oracle"]
    return {s["suite"]: {name: figure["value"] for name, figure in s["figures"].items()} for s in oracle}


def ceilings(folder: Path = items.FOLDER) -> dict[str, dict[str, float | None]]:
    """The ceilings on file; empty where nobody measured them."""
    path = folder / "ceilings.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
