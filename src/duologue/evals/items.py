"""Frozen items: conversations with their trials, sounds included, so that everybody measures on the same ones.

`quick.json` has the timelines and the words, `quick.ogg` all their sounds one after another (Opus), `sha256.json` what
both must hash to. Written once by `freeze`, after training had begun, in held-out voices and phrases. Read `load` first.
"""

import gzip
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, fields
from itertools import chain
from pathlib import Path

import av
import numpy as np

from duologue.data.script import Own, Script, Sound, Speech, Word
from duologue.errors import DataError
from duologue.evals.trials import Trial
from duologue.media.audio import to_int16
from duologue.turn import SAMPLE_RATE_HZ

FOLDER = Path(__file__).parent / "items"
GAP = SAMPLE_RATE_HZ // 10  # silence between two sounds of the pack
FRAME = SAMPLE_RATE_HZ // 50
BITS_PER_SECOND = 24_000
LANES = ("typed", "written", "notes")
RARE = ("calls",)  # kept where there are some, and with them what the family says about each
DEFAULTS = {f.name: f.default for f in fields(Trial)}

Item = tuple[Script, list[Trial]]


def hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load(name: str = "quick", folder: Path = FOLDER) -> list[Item]:
    """The items as they were frozen. Raises DataError when they are missing or not what was frozen."""
    index, sounds = folder / f"{name}.json.gz", folder / f"{name}.ogg"
    try:
        wanted = json.loads((folder / "sha256.json").read_text(encoding="utf-8"))
        hashes = {path.name: hash_of(path) for path in (index, sounds)}
    except OSError as error:
        raise DataError(f"the frozen items of {name!r} are not there: {error}; see python -m duologue.evals.freeze") from error
    if changed := [name for name, value in hashes.items() if wanted.get(name) != value]:
        raise DataError(f"{', '.join(changed)} in {folder} is not what was frozen: take it from the repository again")
    stored = json.loads(gzip.decompress(index.read_bytes()))
    pcm_S = _read_opus(sounds)
    speeches = [_speech(row, pcm_S) for row in stored["sounds"]]
    return [_item(row, speeches) for row in stored["items"]]


def digest(items: Iterable[Item]) -> str:
    """A hash of what is asked and wanted: every time, word, voice and window; the sounds by their length."""
    said = [
        [script.family, script.length_s, [(s.start_s, s.who, s.gain_db, _said(s.speech)) for s in script.sounds],
         [(o.start_s, o.cut_s, _said(o.speech)) for o in script.own], [getattr(script, lane) for lane in LANES],
         [asdict(trial) for trial in trials], *_rare(script).values()]
        for script, trials in items
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(_rounded(said)).encode()).hexdigest()


def _rare(script: Script) -> dict[str, list]:
    return {lane: getattr(script, lane) for lane in RARE if getattr(script, lane)}


def _said(speech: Speech) -> tuple[str, str, int]:
    return speech.voice, speech.text, len(speech.pcm_S)


def _speech(row: dict, pcm_S: np.ndarray) -> Speech:
    words = tuple(Word(*word) for word in row["words"])
    samples_S = pcm_S[row["at"] : row["at"] + row["samples"]]
    return Speech(row["text"], row["voice"], samples_S.astype(np.float32) / 32768, words)


def _item(row: dict, speeches: list[Speech]) -> Item:
    script = Script(row["family"], row["length_s"], about={"number": row["number"]})
    script.sounds = [Sound(**{**sound, "speech": speeches[sound["speech"]]}) for sound in row["sounds"]]
    script.own = [Own(**{**own, "speech": speeches[own["speech"]]}) for own in row["own"]]
    for lane in (*LANES, *RARE):
        setattr(script, lane, [tuple(entry) for entry in row.get(lane, ())])
    script.about |= {"items": row["asked"]} if script.calls else {}
    return script, [Trial(**{name: _tuples(value) for name, value in trial.items()}) for trial in row["trials"]]


def _tuples(value):
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


class Pack:
    """Sounds one after another, each once."""

    def __init__(self):
        self.rows: list[dict] = []
        self.places: dict[bytes, int] = {}
        self.pieces: list[np.ndarray] = []
        self.samples = 0

    def put(self, speech: Speech) -> int:
        """The number of this sound."""
        key = hashlib.sha256(speech.text.encode() + to_int16(speech.pcm_S).tobytes()).digest()
        if key not in self.places:
            self.places[key] = len(self.rows)
            words = [(w.text, round(w.start_s, 3), round(w.end_s, 3)) for w in speech.words]
            self.rows.append({
                "voice": speech.voice, "text": speech.text, "words": words, "at": self.samples, "samples": len(speech.pcm_S)
            })  # fmt: skip
            self.pieces += [speech.pcm_S, np.zeros(GAP, np.float32)]
            self.samples += len(speech.pcm_S) + GAP
        return self.places[key]


def save(items: Iterable[Item], name: str = "quick", folder: Path = FOLDER) -> None:
    """Writes items, their sounds and their hashes."""
    pack = Pack()
    rows = [_row(script, trials, pack) for script, trials in items]
    folder.mkdir(parents=True, exist_ok=True)
    index, sounds = folder / f"{name}.json.gz", folder / f"{name}.ogg"
    text = json.dumps({"sounds": pack.rows, "items": rows}, separators=(",", ":"))
    index.write_bytes(gzip.compress(text.encode(), mtime=0))
    _write_opus(sounds, np.concatenate(pack.pieces))
    hashes = folder / "sha256.json"
    known = json.loads(hashes.read_text(encoding="utf-8")) if hashes.exists() else {}
    known |= {path.name: hash_of(path) for path in (index, sounds)}
    hashes.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


def _row(script: Script, trials: list[Trial], pack: Pack) -> dict:
    sounds = [_flat(s) | {"speech": pack.put(s.speech)} for s in script.sounds]
    own = [_flat(o) | {"speech": pack.put(o.speech)} for o in script.own]
    lanes = {lane: getattr(script, lane) for lane in LANES} | _rare(script)
    lanes |= {"asked": script.about["items"]} if script.calls else {}
    wanted = [{k: v for k, v in asdict(trial).items() if v != DEFAULTS[k]} for trial in trials]
    about = {"family": script.family, "number": script.about.get("number", 0), "length_s": script.length_s}
    return _rounded({**about, "sounds": sounds, "own": own, **lanes, "trials": wanted})


def _flat(value: Sound | Own) -> dict:
    return {f.name: getattr(value, f.name) for f in fields(value) if f.name != "speech"}


def _rounded(value):
    """Times to a tenth of a millisecond."""
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(entry) for entry in value]
    return round(value, 4) if isinstance(value, float) else value


def _write_opus(path: Path, pcm_S: np.ndarray) -> None:
    frames_FS = np.pad(to_int16(pcm_S), (0, -len(pcm_S) % FRAME + FRAME)).reshape(-1, FRAME)
    exact = {"fflags": "bitexact"}  # else the stream gets a random number, and two writings differ
    with av.open(str(path), "w", format="ogg", options=exact) as file:
        stream = file.add_stream("libopus", rate=SAMPLE_RATE_HZ, layout="mono")
        stream.bit_rate = BITS_PER_SECOND
        for index, frame_S in enumerate(frames_FS):
            frame = av.AudioFrame.from_ndarray(frame_S[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts = SAMPLE_RATE_HZ, index * FRAME
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def _read_opus(path: Path) -> np.ndarray:
    """int16 at 16 kHz, resampled frame by frame: the whole at Opus's own 48 kHz would be large."""
    to_16k = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)
    try:
        with av.open(str(path)) as file:
            frames = [part for frame in chain(file.decode(audio=0), [None]) for part in to_16k.resample(frame)]
    except (OSError, av.error.FFmpegError) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])
