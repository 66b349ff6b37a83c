"""Systems that run elsewhere, through files in the layout of Full-Duplex-Bench. Read `write_inputs`, then `recorded`.

`{suite}/{number}/input.wav` is what the user's side sends; a system writes a time-synchronous `output.wav` beside it: mono,
any rate, as long as the input, second 0 of both at the same instant. Labels lie beside the input under that benchmark's names
(transcription.json, pause.json, turn_taking.json, metadata.json), so its own scorers can read the same run.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from duologue.data.script import Script
from duologue.errors import DataError
from duologue.evals.items import Item
from duologue.evals.systems import Case, System
from duologue.evals.trials import Trial
from duologue.media.audio import in_turns, resample, to_int16
from duologue.turn import SAMPLE_RATE_HZ, SAMPLES_PER_TURN, TurnOut

SLACK_S = 1.0  # by which an output may be longer or shorter than its input


def folder_of(suite: str, number: int) -> str:
    return f"{suite}/{number:04d}"


def write_inputs(suite: str, items: Sequence[Item], cases: Sequence[Case], folder: Path) -> None:
    """The inputs of a suite and their labels. Raises DataError when they cannot be written."""
    for number, ((script, trials), case) in enumerate(zip(items, cases, strict=True)):
        place = folder / folder_of(suite, number)
        sound_S = np.concatenate([turn.pcm_S for turn in case.inputs()])
        write_sound(place / "input.wav", sound_S)
        for name, label in _labels(script, trials).items():
            (place / name).write_text(json.dumps(label, indent=1) + "\n", encoding="utf-8")


def write_output(place: Path, sound_S: np.ndarray) -> None:
    """What a system said, on the input's clock. Raises DataError when it cannot be written."""
    write_sound(place / "output.wav", sound_S)


def write_sound(path: Path, sound_S: np.ndarray) -> None:
    """16-bit mono 16 kHz; folders are made. Raises DataError when it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, to_int16(sound_S), SAMPLE_RATE_HZ, "PCM_16")
    except (OSError, soundfile.LibsndfileError) as error:
        raise DataError(f"cannot write {path}: {error}") from error


def _labels(script: Script, trials: Sequence[Trial]) -> dict[str, list | dict]:
    """File name to what stands in it; a label that an item has not is left out."""
    chunks = [
        {"text": word.text, "timestamp": [round(s.start_s + word.start_s, 3), round(s.start_s + word.end_s, 3)]}
        for s in sorted(script.sounds, key=lambda s: s.start_s) if s.transcribed
        for word in s.speech.words
    ]  # fmt: skip
    spoken = {"text": " ".join(chunk["text"] for chunk in chunks), "chunks": chunks}
    pauses = [{"text": "[PAUSE]", "timestamp": [t.begin_s, t.end_s]} for t in trials if t.kind == "quiet"]
    turns = [{"text": "[TURN-TAKING]", "timestamp": [t.after_s, t.end_s]} for t in trials if t.kind == "answer"]
    into = [{"current_turn_text": s.speech.text, "timestamps": [s.start_s, s.start_s + s.speech.seconds]}
            for t in trials if t.kind in ("stop", "goes_on") for s in script.sounds if abs(s.start_s - t.after_s) < 0.006]  # fmt: skip
    found = {"pause.json": pauses, "turn_taking.json": turns, "metadata.json": into[0] if into else {}}
    return {"transcription.json": spoken, **{name: label for name, label in found.items() if label}}


def recorded(folder: Path) -> System:
    """The system whose outputs lie in a folder. Raises DataError when that is not there."""
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder of outputs; make one with duologue eval inputs, then let the system fill it")

    def system(cases: Sequence[Case]) -> list[list[TurnOut]]:
        return [_read(folder / case.name / "output.wav", case.turns) for case in cases]

    return system


def _read(path: Path, turns: int) -> list[TurnOut]:
    """Raises DataError for a file that is missing, cannot be read, or has not the length of its input."""
    try:
        sound_SC, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    sound_S = resample(sound_SC.mean(1), rate_hz, SAMPLE_RATE_HZ)
    samples = turns * SAMPLES_PER_TURN
    if abs(len(sound_S) - samples) > SLACK_S * SAMPLE_RATE_HZ:
        raise DataError(f"{path} is {len(sound_S) / SAMPLE_RATE_HZ:.1f} s long, its input {samples / SAMPLE_RATE_HZ:.1f} s")
    whole_S = np.zeros(samples + SAMPLES_PER_TURN, np.float32)
    kept = min(len(whole_S), len(sound_S))
    whole_S[:kept] = sound_S[:kept]
    return [TurnOut(k, pcm_S, bool(pcm_S.any())) for k, pcm_S in enumerate(in_turns(whole_S[SAMPLES_PER_TURN:]))]
