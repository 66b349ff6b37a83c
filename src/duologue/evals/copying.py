"""`duologue eval copy`: the vocoder alone. Sounds become log-mel and sound again, and both are judged. Read `copy` first.

The sounds are test sentences of the own voice, which neither training conversations nor `train.vocoder` hold, or recordings.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from duologue.data.bank import Bank, own_split
from duologue.data.voices import OWN
from duologue.engine.engine import WEIGHTS
from duologue.errors import DataError
from duologue.evals import items, judge
from duologue.evals.files import write_sound
from duologue.evals.stats import Figure, mean, of_sums
from duologue.evals.voice import likeness, quality, reference
from duologue.evals.wording import errors, words_of
from duologue.media.audio import in_turns, load
from duologue.media.dmel import FLOOR, FRAMES_PER_TURN, MELS, log_mel
from duologue.model.vocoder import DELAY, Vocoder, load_vocoder
from duologue.turn import SAMPLE_RATE_HZ


class Said(NamedTuple):
    """A sound, float32 mono 16 kHz, and its words, empty where they are not known; `written` if they have figures in them."""

    pcm_S: np.ndarray
    text: str
    written: str = ""


class Judged(NamedTuple):
    """One sound: words wrong and words said, DNSMOS P808, likeness (None: not installed, or too short)."""

    wrong: int
    words: int
    dnsmos: float | None
    likeness: float | None


Listen = Callable[[Said], Judged]
Progress = Callable[[str, int, int], None]  # what is being done, how much of how much


def copy(
    files: Sequence[Path],
    checkpoint: Path | None = None,
    cases: int = 22,
    seed: int = 0,
    out: Path | None = None,
    progress: Progress = lambda *_: None,
) -> dict:
    """The figures of a vocoder (None: the shipped one) over these files, or `cases` sentences of the voice bank.

    Raises:
        ConfigError: the judge is not installed.
        DataError: no such file, sentence or weights, or `out` cannot be written.
    """
    said = recorded(files) if files else sentences(Bank(), cases, seed)
    path = checkpoint or WEIGHTS / "vocoder.safetensors"
    vocoder, ear = load_vocoder(path), judge.whisper_ear()
    found = compare(said, vocoder, listening(ear, reference(items.load())), out, progress)
    seconds = sum(len(one.pcm_S) for one in said) / SAMPLE_RATE_HZ
    return {"about": {"sentences": len(said), "seconds": round(seconds, 1), "vocoder": str(path)}, **found}


def recorded(files: Sequence[Path]) -> list[Said]:
    """Recordings; the words of each stand in a .txt beside it, if there is one. Raises DataError."""
    said = []
    for path in files:
        text = path.with_suffix(".txt")
        said.append(Said(load(path), text.read_text(encoding="utf-8", errors="replace") if text.is_file() else ""))
        if not len(said[-1].pcm_S):
            raise DataError(f"{path} is empty: there is no sound to copy")
    return said


def sentences(bank: Bank, cases: int, seed: int) -> list[Said]:
    """At most `cases` open test sentences of the own voice, each once. Raises DataError when it has said none."""
    own = [entry for entry in bank.entries if entry.voice == OWN and entry.row["line"]["intent"] == "open"]
    held = [entry for entry in own if own_split(entry.row["line"]["text"]) == "test"]
    if not held:
        raise DataError(
            "the own voice has said no open test sentence yet: synthesise more (duologue synth), or name recordings"
        )
    drawn = [held[i] for i in np.random.default_rng(seed).permutation(len(held))[:cases]]
    return [Said(bank.speech(entry).pcm_S, entry.row["text"], entry.line.slots.get("written", "")) for entry in drawn]


@torch.no_grad()
def copied(vocoder: Vocoder, pcm_S: np.ndarray) -> np.ndarray:
    """What the vocoder makes of a sound's log-mel, turn by turn as the engine feeds it: as long, on the same clock."""
    mel_TFM = log_mel(in_turns(pcm_S).reshape(-1)).reshape(-1, FRAMES_PER_TURN, MELS)
    quiet_FM = np.full((FRAMES_PER_TURN, MELS), FLOOR, np.float32)  # the turn after the last, which brings out the rest
    state, parts = vocoder.start(), []
    for mel_FM in (*mel_TFM, quiet_FM):
        made_BS, state = vocoder.step(torch.from_numpy(mel_FM)[None], state)
        parts.append(made_BS[0].clamp(-1, 1).numpy())
    return np.concatenate(parts)[DELAY : DELAY + len(pcm_S)]


def listening(ear: judge.Ear, reference_S: np.ndarray | None) -> Listen:
    """Judges a sound by its words and by how much it is like the reference voice."""

    def listen(said: Said) -> Judged:
        count = len(words_of(said.text))
        wrong = misheard(ear.write(said.pcm_S), said) if count else 0
        return Judged(wrong, count, quality(said.pcm_S), likeness(said.pcm_S, reference_S))

    return listen


def misheard(heard: str, said: Said) -> int:
    """Words wrong against the nearer of both ways of writing, for Whisper writes 555-3660 and never says how it is said."""
    return min(errors(words_of(heard), words_of(text)) for text in (said.text, said.written or said.text))


def compare(
    said: Sequence[Said],
    vocoder: Vocoder,
    listen: Listen,
    out: Path | None = None,
    progress: Progress = lambda *_: None,
) -> dict[str, dict]:
    """Figures of the originals and of the copies; with `out`, NUMBER-original.wav and NUMBER-copy.wav of each."""
    judged: dict[str, list[Judged]] = {"original": [], "copy": []}
    for number, one in enumerate(said):
        for name, sounding in (("original", one), ("copy", one._replace(pcm_S=copied(vocoder, one.pcm_S)))):
            judged[name].append(listen(sounding))
            if out:
                write_sound(out / f"{number:02d}-{name}.wav", sounding.pcm_S)
        progress("copies", number + 1, len(said))
    return {name: {row: figure._asdict() for row, figure in figures(rows).items()} for name, rows in judged.items()}


def figures(judged: Sequence[Judged]) -> dict[str, Figure]:
    """Each over the sounds that have it."""
    return {
        "words_wrong": of_sums(
            [(one.wrong, one.words) for one in judged if one.words], lambda wrong, words: 100 * wrong / words
        ),
        "dnsmos_p808": mean([one.dnsmos for one in judged if one.dnsmos is not None], "MOS"),
        "similarity": mean([one.likeness for one in judged if one.likeness is not None], "cosine"),
    }
