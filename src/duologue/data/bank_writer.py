"""Fills the voice bank: utterances appended to a voice's two files (`bank`), sound first. Read `Writer`."""

import fcntl
import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from io import FileIO
from pathlib import Path

import numpy as np

from duologue.config import cache_dir
from duologue.data.bank import file_stem
from duologue.data.script import Line, Word
from duologue.errors import DataError, writing


class HeldError(DataError):
    """Another process is writing this voice."""


class Writer:
    """Appends one voice's utterances; a second writer of the same voice is refused (HeldError)."""

    def __init__(self, voice: str, root: Path | None = None):
        root = root or cache_dir() / "bank"
        with writing(root):
            root.mkdir(parents=True, exist_ok=True)
            # Both stay open as long as the writer. Unbuffered: what a full disk refuses must not be tried again when they close.
            self.sound = open(root / f"{file_stem(voice)}.i16", "ab", buffering=0)  # noqa: SIM115
            self.index = open(root / f"{file_stem(voice)}.jsonl", "a+b", buffering=0)  # noqa: SIM115
        try:
            fcntl.flock(self.index, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise HeldError(f"{voice} is being written by another process") from None
        _append(self.sound, b"\0" * (self.sound.tell() % 2))
        if self.index.tell() and not _ends_with_newline(self.index):
            _append(self.index, b"\n")

    def add(self, line: Line, pcm_S: np.ndarray, words: Iterable[Word]) -> None:
        """One utterance: its sound first, then its line of the index. Raises DataError when the disk does not take it; the next
        writer goes on after what was whole."""
        offset = self.sound.tell() // 2
        _append(self.sound, np.rint(np.clip(pcm_S, -1, 1) * 32767).astype("<i2").tobytes())
        row = {
            "text": line.text,
            "words": [_row(w) for w in words],
            "offset": offset,
            "samples": len(pcm_S),
            "line": asdict(line),
        }
        _append(self.index, json.dumps(row, ensure_ascii=False).encode() + b"\n")

    def close(self) -> None:
        self.sound.close()
        self.index.close()


def _append(file: FileIO, data: bytes) -> None:
    """All of it: a disk that is nearly full takes a part without a word."""
    with writing(Path(file.name)):
        while data:
            data = data[file.write(data) :]


def _row(word: Word) -> list:
    timed = [word.text, round(word.start_s, 3), round(word.end_s, 3)]
    return [*timed, [(phone, round(end, 3)) for phone, end in word.phones]] if word.phones else timed


def _ends_with_newline(file) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"
