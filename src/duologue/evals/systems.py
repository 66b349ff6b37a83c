"""What is measured: a system takes cases and gives, for each, one TurnOut a turn. Read `model` and `run` first.

Controls beside it, so that chance and the scorer's ceiling are known: `oracle` does what the script wants; `silent`,
`at_random` says the very same words as often, `always_on` and `metronome` over and over, at times that have nothing to do
with the user.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle
from queue import Empty, Queue
from threading import Thread

import numpy as np

from duologue.data.channel import CLEAN, Channel
from duologue.data.labels import output_turn_from
from duologue.data.render import images, microphone, own_sound, turns_of
from duologue.data.script import Own, Script, Speech
from duologue.engine.engine import Voiced
from duologue.evals.errands import errands
from duologue.evals.outcome import TURN_S, Outcome, outcome_of
from duologue.live import Beside, converse
from duologue.media.audio import in_turns
from duologue.turn import SAMPLES_PER_TURN, TURN_MS, Call, Note, TurnIn, TurnOut, first_turn_at

BATCH = 32
BEAT_S = 2.0  # of the metronome
HANGS_S, HANGS_A_SECOND = 300.0, 3.0  # a server in real time takes one case after another


@dataclass(frozen=True, slots=True)
class Case:
    """One conversation to be held. Only `oracle` may look at what the script says of the model."""

    script: Script
    seed: int
    channel: str | Channel = CLEAN
    speeches: Sequence[np.ndarray] = ()  # of other people, to make a crowd of
    name: str = ""  # where its files lie, for systems that run elsewhere

    @property
    def turns(self) -> int:
        return turns_of(self.script)

    def inputs(self) -> list[TurnIn]:
        """The user's side as turns, through a channel drawn from the seed."""
        rng = np.random.default_rng([self.seed, 1])
        sound_S, missing_T = microphone(self.script, rng, augment=self.channel, speeches=self.speeches)
        came = replace(self.script, notes=[]) if errands(self.script) else self.script  # those come when they are called for
        return arriving(came, in_turns(sound_S.astype(np.float32)), missing_T)


System = Callable[[Sequence[Case]], list[list[TurnOut]]]


def arriving(script: Script, sound_TS: np.ndarray, missing_T: np.ndarray) -> list[TurnIn]:
    """Sound, pictures, typed text and notes as they arrive; `missing_T` counts lost packets of 20 ms."""
    seen = images(script)
    typed: dict[int, str] = {}
    for t, text in script.typed:
        typed[first_turn_at(t)] = " ".join([*filter(None, [typed.get(first_turn_at(t))]), text])
    notes: dict[int, tuple[Note, ...]] = {}
    for t, source, text in script.notes:
        notes[first_turn_at(t)] = (*notes.get(first_turn_at(t), ()), Note(source, text))
    return [
        TurnIn(k, sound_S, seen[k], typed=typed.get(k, ""), notes=notes.get(k, ()), missing_ms=int(missing_T[k]) * 20)
        for k, sound_S in enumerate(sound_TS)
    ]


def model(voiced: Voiced, patience: float = 0.0) -> System:
    """The interaction model on the fake clock, all cases of a call side by side."""

    def system(cases: Sequence[Case]) -> list[list[TurnOut]]:
        with ExitStack() as agents:
            beside_each = [beside(case, agents) for case in cases]
            ticks = converse(voiced, [case.inputs() for case in cases], [case.seed for case in cases], patience, beside_each)
            rows = [list(row) for row in zip(*ticks, strict=True)]
        return [row[: case.turns] for row, case in zip(rows, cases, strict=True)]

    return system


def beside(case: Case, stack: ExitStack) -> Beside | None:
    """The background side, until the stack is closed, where there is something for it to do."""
    if not errands(case.script):
        return None
    from duologue.evals import clerk  # needs the extra `agent`

    return stack.enter_context(clerk.beside(case.script))[0]


def oracle(cases: Sequence[Case]) -> list[list[TurnOut]]:
    """Says and hears exactly what the script wants: the ceiling of script, scorer and judge."""
    return [_acted(case.script) for case in cases]


def silent(cases: Sequence[Case]) -> list[list[TurnOut]]:
    """Never says anything."""
    return [_acted(replace(case.script, own=[], written=[], sounds=[], calls=[])) for case in cases]


def _control(starts_of: Callable[[Case, Sequence[Speech]], Sequence[float]]) -> System:
    """Says what the script wants said, word for word, calls as often, and hears nothing: only the times are its own."""

    def system(cases: Sequence[Case]) -> list[list[TurnOut]]:
        return [_acted(_retimed(case, starts_of)) for case in cases]

    return system


def _retimed(case: Case, starts_of) -> Script:
    said = [own.speech for own in sorted(case.script.own, key=lambda own: own.start_s)]
    starts = (np.floor(np.asarray(starts_of(case, said)) / TURN_S + 1e-6) + 1) * TURN_S if said else []
    own = [Own(float(start_s), speech) for start_s, speech in zip(starts, cycle(said), strict=False)]
    calls = [(float(start_s), *call[1:]) for start_s, call in zip(starts, case.script.calls, strict=False)]
    return replace(case.script, own=own, written=[], sounds=[], calls=calls)


def _one_by_one(case: Case, said: Sequence[Speech], period_s: float = TURN_S) -> Sequence[float]:
    """Over and over, each begun at a whole number of periods after the one before it."""
    lengths = [np.ceil(speech.seconds / period_s) * period_s for speech in said]
    rounds = int(case.script.length_s / sum(lengths)) + 1
    return np.cumsum([0.0, *(lengths * rounds)])[:-1]


def _anyhow(case: Case, said: Sequence[Speech]) -> Sequence[float]:
    return np.sort(np.random.default_rng([case.seed, 2]).uniform(0, case.script.length_s, len(said)))


always_on, metronome, at_random = map(_control, (_one_by_one, partial(_one_by_one, period_s=BEAT_S), _anyhow))
CONTROLS = {"oracle": oracle, "silent": silent, "always": always_on, "random": at_random, "metronome": metronome}


def _acted(script: Script) -> list[TurnOut]:
    """The script's own side as turns: sound, and each lane's words in the turn in which they are whole."""
    lanes: dict[str, dict[int, list[str]]] = {"said": {}, "heard": {}, "text": {}}
    said = [(o.start_s + w.start_s, w.text) for o in script.own for w in o.speech.words if _is_said(o, w.start_s)]
    heard = [(s.start_s + w.end_s + 0.4, w.text) for s in script.sounds if s.transcribed for w in s.speech.words]
    for name, timed in (("said", said), ("heard", heard), ("text", script.written)):
        for t, text in sorted(timed):
            lanes[name].setdefault(first_turn_at(t) - 1, []).append(text)
    calls: dict[int, tuple[Call, ...]] = {}
    for t, kind, text in script.calls:
        calls[output_turn_from(t)] = (*calls.get(output_turn_from(t), ()), Call(kind, text))
    turns = in_turns(own_sound(script)[SAMPLES_PER_TURN:])
    texts = [{name: " ".join(lane.get(k, ())) for name, lane in lanes.items()} for k in range(len(turns))]
    return [TurnOut(k, pcm_S, bool(pcm_S.any()), **texts[k], calls=calls.get(k, ())) for k, pcm_S in enumerate(turns)]


def _is_said(own: Own, start_s: float) -> bool:
    return own.cut_s is None or own.start_s + start_s < own.cut_s


def run(
    system: System,
    cases: Sequence[Case],
    outcome: Callable[[Sequence[TurnOut]], Outcome] = outcome_of,
    limit_s: float = HANGS_S,
) -> Iterator[tuple[int, Outcome]]:
    """(number of the case, its outcome), the short conversations first, BATCH of them at a time.

    A batch that fails, or takes longer than `limit_s` and HANGS_A_SECOND for each second of its conversations, is run again
    one by one, so that only the case at fault is counted as failed, with its reason.
    """
    order = sorted(range(len(cases)), key=lambda i: cases[i].turns)
    for batch in _batches(order, cases):
        yield from zip(batch, _held(system, [cases[i] for i in batch], outcome, limit_s), strict=True)


def _batches(order: Sequence[int], cases: Sequence[Case]) -> Iterator[list[int]]:
    """At most BATCH cases, the longest at most twice as long as the shortest: who has ended waits for the others."""
    batch: list[int] = []
    for i in order:
        if batch and (len(batch) == BATCH or cases[i].turns > 2 * cases[batch[0]].turns):
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def _held(system: System, cases: list[Case], outcome, limit_s: float) -> list[Outcome]:
    try:
        seconds = sum(case.script.length_s for case in cases)
        outs = _within(limit_s + HANGS_A_SECOND * seconds, system, cases)
        return [_checked(case, turns, outcome) for case, turns in zip(cases, outs, strict=True)]
    except Exception as error:  # noqa: BLE001  whatever a foreign system raises is its result
        if len(cases) > 1:
            return [_held(system, [case], outcome, limit_s)[0] for case in cases]
        return [Outcome(failure=f"{type(error).__name__}: {error}"[:200])]


def _within(limit_s: float, system: System, cases: list[Case]) -> list[list[TurnOut]]:
    """What the system gives; one that hangs is left behind in its thread. Raises TimeoutError, or what the system raised."""
    given: Queue = Queue()

    def work() -> None:
        try:
            given.put((system(cases), None))
        except Exception as error:  # noqa: BLE001  raised again where it is waited for
            given.put((None, error))

    Thread(target=work, daemon=True).start()
    try:
        outs, error = given.get(timeout=limit_s)
    except Empty:
        raise TimeoutError(f"no answer within {limit_s:.0f} s") from None
    if error:
        raise error
    return outs


def _checked(case: Case, outs: list[TurnOut], outcome) -> Outcome:
    """Malformed sound is a failure; so is sound that is too short or too long."""
    if len(outs) != case.turns:
        return Outcome(failure=f"{len(outs)} turns out for {case.turns} in")
    if any(out.pcm_S.shape != (SAMPLES_PER_TURN,) or not np.isfinite(out.pcm_S).all() for out in outs):
        return Outcome(failure=f"a turn that is not {SAMPLES_PER_TURN} finite samples ({TURN_MS} ms)")
    return outcome(outs)
