"""What is measured: a system takes cases and gives, for each, one TurnOut a turn. Read `model` and `run` first.

Controls beside it, so that chance and the scorer's ceiling are known: `oracle` (the script's own answer), `silent`,
`always_on`, `metronome` and `at_random`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from duologue.data.channel import CLEAN, Channel
from duologue.data.render import microphone, own_sound, turns_of
from duologue.data.script import Script
from duologue.engine.engine import Voiced
from duologue.evals.outcome import Outcome, outcome_of
from duologue.live import converse
from duologue.media.audio import in_turns
from duologue.turn import SAMPLE_RATE_HZ, SAMPLES_PER_TURN, TURN_MS, Note, TurnIn, TurnOut, first_turn_at

BATCH = 32


@dataclass(frozen=True, slots=True)
class Case:
    """One conversation to be held. Only `oracle` may look at what the script says of the model."""

    script: Script
    seed: int
    channel: str | Channel = CLEAN
    speeches: Sequence[np.ndarray] = ()  # of other people, to make a crowd of

    @property
    def turns(self) -> int:
        return turns_of(self.script)

    def inputs(self) -> list[TurnIn]:
        """The user's side as turns, through a channel drawn from the seed."""
        rng = np.random.default_rng([self.seed, 1])
        sound_S, missing_T = microphone(self.script, rng, augment=self.channel, speeches=self.speeches)
        return arriving(self.script, in_turns(sound_S.astype(np.float32)), missing_T)


System = Callable[[Sequence[Case]], list[list[TurnOut]]]


def arriving(script: Script, sound_TS: np.ndarray, missing_T: np.ndarray) -> list[TurnIn]:
    """Sound, typed text and notes as they arrive; `missing_T` counts lost packets of 20 ms."""
    typed: dict[int, str] = {}
    for t, text in script.typed:
        typed[first_turn_at(t)] = " ".join([*filter(None, [typed.get(first_turn_at(t))]), text])
    notes: dict[int, tuple[Note, ...]] = {}
    for t, source, text in script.notes:
        notes[first_turn_at(t)] = (*notes.get(first_turn_at(t), ()), Note(source, text))
    return [
        TurnIn(k, sound_S, typed=typed.get(k, ""), notes=notes.get(k, ()), missing_ms=int(missing_T[k]) * 20)
        for k, sound_S in enumerate(sound_TS)
    ]


def model(voiced: Voiced, patience: float = 0.0) -> System:
    """The interaction model on the fake clock, all cases of a call side by side."""

    def system(cases: Sequence[Case]) -> list[list[TurnOut]]:
        ticks = converse(voiced, [case.inputs() for case in cases], [case.seed for case in cases], patience)
        rows = [list(row) for row in zip(*ticks, strict=True)]
        return [row[: case.turns] for row, case in zip(rows, cases, strict=True)]

    return system


def _turns(sound_S: np.ndarray, said: dict[int, str] | None = None) -> list[TurnOut]:
    """Sound that starts with the first output turn, as turns."""
    return [
        TurnOut(k, pcm_S, bool(pcm_S.any()), said=(said or {}).get(k, "")) for k, pcm_S in enumerate(in_turns(sound_S))
    ]


def oracle(cases: Sequence[Case]) -> list[list[TurnOut]]:
    """Says and hears exactly what the script wants: the ceiling of script, scorer and judge."""
    return [_perfect(case.script) for case in cases]


def _perfect(script: Script) -> list[TurnOut]:
    lanes: dict[str, dict[int, list[str]]] = {"said": {}, "heard": {}, "text": {}}
    said = [(o.start_s + w.start_s, w.text) for o in script.own for w in o.speech.words if _is_said(o, w.start_s)]
    heard = [(s.start_s + w.end_s + 0.4, w.text) for s in script.sounds if s.transcribed for w in s.speech.words]
    for name, timed in (("said", said), ("heard", heard), ("text", script.written)):
        for t, text in sorted(timed):
            lanes[name].setdefault(first_turn_at(t) - 1, []).append(text)
    turns = in_turns(own_sound(script)[SAMPLES_PER_TURN:])
    texts = [{name: " ".join(lane.get(k, ())) for name, lane in lanes.items()} for k in range(len(turns))]
    return [TurnOut(k, pcm_S, bool(pcm_S.any()), **texts[k]) for k, pcm_S in enumerate(turns)]


def _is_said(own, start_s: float) -> bool:
    return own.cut_s is None or own.start_s + start_s < own.cut_s


def silent(cases: Sequence[Case]) -> list[list[TurnOut]]:
    """Never says anything."""
    return [_turns(np.zeros(case.turns * SAMPLES_PER_TURN, np.float32)) for case in cases]


def always_on(speech_S: np.ndarray) -> System:
    """The same speech over and over, without a pause."""
    return lambda cases: [_turns(np.resize(speech_S, case.turns * SAMPLES_PER_TURN)) for case in cases]


def metronome(speech_S: np.ndarray, period_s: float) -> System:
    """The same speech every so many seconds."""
    period = round(period_s * SAMPLE_RATE_HZ)
    beat_S = np.zeros(max(period, len(speech_S)), np.float32)
    beat_S[: len(speech_S)] = speech_S
    return always_on(beat_S)


def at_random(speech_S: np.ndarray, period_s: float) -> System:
    """The same speech at random moments, on average every so many seconds."""

    def system(cases: Sequence[Case]) -> list[list[TurnOut]]:
        return [_turns(_scattered(case, speech_S, period_s)) for case in cases]

    return system


def _scattered(case: Case, speech_S: np.ndarray, period_s: float) -> np.ndarray:
    sound_S = np.zeros(case.turns * SAMPLES_PER_TURN, np.float32)
    rng, at = np.random.default_rng([case.seed, 2]), 0
    while (at := at + int(rng.exponential(period_s) * SAMPLE_RATE_HZ)) < len(sound_S) - len(speech_S):
        sound_S[at : at + len(speech_S)] = speech_S
        at += len(speech_S)
    return sound_S


def run(
    system: System, cases: Sequence[Case], outcome: Callable[[Sequence[TurnOut]], Outcome] = outcome_of
) -> Iterator[tuple[int, Outcome]]:
    """(number of the case, its outcome), the short conversations first, BATCH of them at a time.

    A batch that fails is run again one by one, so that only the case at fault is counted as failed, with its reason.
    """
    order = sorted(range(len(cases)), key=lambda i: cases[i].turns)
    for at in range(0, len(order), BATCH):
        batch = order[at : at + BATCH]
        yield from zip(batch, _held(system, [cases[i] for i in batch], outcome), strict=True)


def _held(system: System, cases: list[Case], outcome) -> list[Outcome]:
    try:
        return [_checked(case, outs, outcome) for case, outs in zip(cases, system(cases), strict=True)]
    except Exception as error:  # noqa: BLE001  whatever a foreign system raises is its result
        if len(cases) > 1:
            return [_held(system, [case], outcome)[0] for case in cases]
        return [Outcome(failure=f"{type(error).__name__}: {error}"[:200])]


def _checked(case: Case, outs: list[TurnOut], outcome) -> Outcome:
    """Malformed sound is a failure; so is sound that is too short or too long."""
    if len(outs) != case.turns:
        return Outcome(failure=f"{len(outs)} turns out for {case.turns} in")
    if any(out.pcm_S.shape != (SAMPLES_PER_TURN,) or not np.isfinite(out.pcm_S).all() for out in outs):
        return Outcome(failure=f"a turn that is not {SAMPLES_PER_TURN} finite samples ({TURN_MS} ms)")
    return outcome(outs)
