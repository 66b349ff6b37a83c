"""A finished run as plain values, ready to be drawn. `Story` and `read_story` come first.

Places on the clock: input turn *k* fills slot k, and all that the model did in output turn *k* (words, decision, sound,
compute time) is drawn in slot k + 1, where its sound lies in the stereo file.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from duologue.turn import SAMPLE_RATE_HZ, TURN_MS, TurnOut

PEAKS_PER_SECOND = 100
PHRASE_GAP_TURNS = 5  # words closer than this are one line of the transcript
TURN_S = TURN_MS / 1000
QUIET = {"asked", "working", "partial", "question", "done", "failed", "spoken"}  # of a task; what is told of these is "delivered"
STATES = {"asked", "working", "done", "failed", "cancelled", "superseded", "expired"}  # as in `agent.board`


class Phrase(NamedTuple):
    """Words of one side that belong together, with the time of the first."""

    start_s: float
    who: str  # "you", "duo", "typed", "text", "call" or "task"
    text: str


@dataclass(frozen=True, slots=True)
class Story:
    """One run. `peaks` is int8 [2, points, 2]: channel (you, duo), time, (lowest, highest) in 1/127 of full scale."""

    title: str
    sound: Path  # stereo 16 kHz: left what came in, right what the model said
    peaks: np.ndarray
    events: list[dict]  # one a turn, as in events.jsonl
    typed: list[tuple[float, str]] = field(default_factory=list)  # seconds, text
    pictures: list[tuple[float, bytes]] = field(default_factory=list)  # seconds, JPEG

    @property
    def seconds(self) -> float:
        return (len(self.events) + 1) * TURN_S


def event(out: TurnOut, tasks: Iterable[tuple[str, str, str]] = ()) -> dict:
    """The line of events.jsonl for one turn; `tasks` is what happened to tasks in it: (task, what, text)."""
    calls = [{"kind": call.kind, "text": call.text} for call in out.calls]
    return {
        "turn": out.index,
        "heard": out.heard,
        "said": out.said,
        "text": out.text,
        "speak": out.speak,
        "calls": calls,
        "tasks": [dict(zip(("id", "what", "text"), task, strict=True)) for task in tasks],
        "compute_ms": round(out.compute_ms, 2),
    }


def slot_s(turn: int) -> float:
    """Seconds at which output turn `turn` begins."""
    return round((turn + 1) * TURN_S, 3)


def read_peaks(sound: Path) -> np.ndarray:
    """Lowest and highest sample of every 10 ms, int8 [2, points, 2]; the file is read block by block."""
    step = SAMPLE_RATE_HZ // PEAKS_PER_SECOND
    blocks = soundfile.blocks(sound, step * 1000, dtype="float32", always_2d=True)
    return np.concatenate([_block_peaks(block_SC.T, step) for block_SC in blocks], axis=1)


def _block_peaks(block_CS: np.ndarray, step: int) -> np.ndarray:
    cut = block_CS.reshape(len(block_CS), -1, step)
    return np.rint(np.stack([cut.min(2), cut.max(2)], 2).clip(-1, 1) * 127).astype(np.int8)


def read_story(
    title: str,
    sound: Path,
    events: Path,
    typed: Iterable[tuple[float, str]] = (),
    pictures: Iterable[tuple[float, bytes]] = (),
) -> Story:
    """The story told by the two files that a run wrote."""
    lines = [json.loads(line) for line in events.read_text(encoding="utf-8").splitlines()]
    return Story(title, sound, read_peaks(sound), lines, list(typed), list(pictures))


def phrases(story: Story) -> list[Phrase]:
    """The transcript, in the order of time: words of one side are joined until a pause of PHRASE_GAP_TURNS."""
    spoken = [*_joined(story.events, "heard", "you"), *_joined(story.events, "said", "duo")]
    written = [*(Phrase(s, "typed", text) for s, text in story.typed), *_joined(story.events, "text", "text")]
    calls = [
        Phrase(slot_s(e["turn"]), "call", f"{call['kind']} {call['text']}".strip())
        for e in story.events
        for call in e["calls"]
    ]
    tasks = [
        Phrase(slot_s(e["turn"]), "task", f"{task['what']} {task['text']}".strip())
        for e in story.events
        for task in e["tasks"]
        if task["what"] not in QUIET
    ]
    return sorted([*spoken, *written, *calls, *tasks])


def unfinished(story: Story) -> list[str]:
    """Tasks that were still being worked on when the recording ended."""
    states = {task["id"]: task["what"] for e in story.events for task in e["tasks"] if task["what"] in STATES}
    return [id for id, state in states.items() if state in ("asked", "working")]


def _joined(events: list[dict], key: str, who: str) -> list[Phrase]:
    found, last_turn = [], None
    for e in events:
        if not e[key]:
            continue
        if last_turn is None or e["turn"] - last_turn > PHRASE_GAP_TURNS:
            found.append(Phrase(slot_s(e["turn"]), who, e[key].strip()))
        else:
            found[-1] = found[-1]._replace(text=f"{found[-1].text} {e[key].strip()}")
        last_turn = e["turn"]
    return found


def compute_p(story: Story, percent: float) -> float:
    """A percentile of the compute time of a turn, in milliseconds."""
    return float(np.percentile([e["compute_ms"] for e in story.events], percent))
