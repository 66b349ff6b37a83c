"""What a system did with a conversation, on the world's clock: its sound, when it sounded, and its words.

Output turn k is heard in [k + 1, k + 2) turns, so the first turn of the world is always silent. Read `Outcome` first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from duologue.turn import SAMPLE_RATE_HZ, SAMPLES_PER_TURN, TURN_MS, TurnOut

FRAME = SAMPLE_RATE_HZ // 100
AUDIBLE = 10 ** (-50 / 20)  # a 10 ms frame is sound above -50 dBFS
MERGE_S = 0.2
SHORTEST_S = 0.08
TURN_S = TURN_MS / 1000
TIE_S = 1e-6  # everything lies on the turn grid: instants that are equal must not be told apart by their last bits
SEGMENT_GAP_S = 0.5  # sound with shorter gaps is one segment
TURN_SOUND_S, BACKCHANNEL_WORDS, TURN_WORDS = 1.0, 2, 3  # Full-Duplex-Bench v1: shorter and of few words takes no turn

Span = tuple[float, float]
Timed = list[tuple[float, str]]  # (when the output turn is heard, words)


@dataclass(slots=True)
class Outcome:
    """One conversation as it went. `failure` says why there is none; then all the rest is empty."""

    sound_S: np.ndarray = field(default_factory=lambda: np.zeros(SAMPLES_PER_TURN, np.float32))
    spans: list[Span] = field(default_factory=list)
    said: Timed = field(default_factory=list)
    heard: Timed = field(default_factory=list)
    text: Timed = field(default_factory=list)
    calls: list[tuple[int, str, str]] = field(default_factory=list)  # (output turn, kind, text)
    failure: str = ""


def outcome_of(outs: Sequence[TurnOut]) -> Outcome:
    """The outcome whose spans are those in which sound is heard."""
    outcome = silent_outcome(outs)
    outcome.spans = sounding(outcome.sound_S)
    return outcome


def decided_outcome(outs: Sequence[TurnOut]) -> Outcome:
    """The outcome whose spans are the turns in which the system decided to speak: needs no sound."""
    outcome = silent_outcome(outs)
    outcome.spans = _runs(np.array([False, *(out.speak for out in outs)]), TURN_S)
    return outcome


def silent_outcome(outs: Sequence[TurnOut]) -> Outcome:
    """Everything but the spans."""
    sound_S = np.concatenate([np.zeros(SAMPLES_PER_TURN, np.float32), *(out.pcm_S for out in outs)])
    lanes = [[((k + 1) * TURN_S, getattr(out, name)) for k, out in enumerate(outs)] for name in ("said", "heard", "text")]
    calls = [(k, call.kind, call.text) for k, out in enumerate(outs) for call in out.calls]
    return Outcome(sound_S, [], *([(t, words) for t, words in lane if words] for lane in lanes), calls)


def _runs(on_F: np.ndarray, step_s: float) -> list[Span]:
    """(begin, end) in seconds of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], on_F, [False]]).astype(np.int8)))
    return [(float(a * step_s), float(b * step_s)) for a, b in edges.reshape(-1, 2)]


def sounding(sound_S: np.ndarray) -> list[Span]:
    """Spans of sound: frames above -50 dBFS, gaps under 200 ms closed, what is shorter than 80 ms left out."""
    frames_FS = sound_S[: len(sound_S) // FRAME * FRAME].reshape(-1, FRAME)
    loud_F = np.einsum("fs,fs->f", frames_FS, frames_FS) > FRAME * AUDIBLE**2
    merged: list[Span] = []
    for begin_s, end_s in _runs(loud_F, 0.01):
        if merged and begin_s - merged[-1][1] < MERGE_S:
            begin_s = merged.pop()[0]
        merged.append((begin_s, end_s))
    return [(begin_s, end_s) for begin_s, end_s in merged if end_s - begin_s >= SHORTEST_S]


def sounds_in(spans: Sequence[Span], begin_s: float, end_s: float) -> bool:
    """Whether anything sounds in [begin_s, end_s)."""
    return any(a < end_s - TIE_S and b > begin_s + TIE_S for a, b in spans)


def onset_in(spans: Sequence[Span], begin_s: float, end_s: float) -> float | None:
    """The first beginning of sound in [begin_s, end_s)."""
    return next((a for a, _ in spans if _within(a, begin_s, end_s)), None)


def written_in(lane: Timed, begin_s: float, end_s: float) -> str:
    """The words of a lane whose turns begin in [begin_s, end_s)."""
    return " ".join(words for t, words in lane if _within(t, begin_s, end_s))


def _within(t: float, begin_s: float, end_s: float) -> bool:
    return begin_s - TIE_S <= t < end_s - TIE_S


def segments(spans: Sequence[Span], gap_s: float = SEGMENT_GAP_S) -> list[Span]:
    """Spans joined where less than `gap_s` of silence lies between: what somebody would call one utterance."""
    joined: list[Span] = []
    for begin_s, end_s in spans:
        if joined and begin_s - joined[-1][1] < gap_s - TIE_S:
            begin_s = joined.pop()[0]
        joined.append((begin_s, end_s))
    return joined


def takes_turn(segment: Span, words: int) -> bool:
    """Whether a segment is a turn and not a short sound (Full-Duplex-Bench's rule for taking over)."""
    return segment[1] - segment[0] >= TURN_SOUND_S - TIE_S or words > TURN_WORDS


def silent_from(spans: Sequence[Span], at_s: float, gap_s: float) -> float:
    """From when on, at `at_s` or later, there is silence of at least `gap_s` (a pause that began before counts from `at_s`)."""
    for begin_s, end_s in spans:
        if begin_s - at_s >= gap_s - TIE_S:
            break
        at_s = max(at_s, end_s)
    return at_s
