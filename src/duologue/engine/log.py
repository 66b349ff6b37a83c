"""A session on disk, one line of JSON a turn: what came in, what was done. Read `replay` first.

The first line says how the session began (seed, patience, weights, maybe a snapshot); from it and the turns that came in, the
same turns go out, bit for bit, on the same type of CPU with the same torch.
"""

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from threading import Lock

import numpy as np

from duologue.engine.engine import Engine, Voiced
from duologue.engine.session import Session
from duologue.errors import DataError, SessionError
from duologue.turn import PICTURE_HEIGHT, PICTURE_WIDTH, Call, Note, TurnIn, TurnOut

FORMAT = "duologue-session-1"


def to_json(turn: TurnIn | TurnOut) -> dict:
    """A turn as plain values; sound is base64 of int16 where that is exact, else of float32."""
    plain = asdict(turn) | _pcm_to_json(turn.pcm_S)
    del plain["pcm_S"]
    if isinstance(turn, TurnIn) and turn.image is not None:
        plain["image"] = b64encode(zlib.compress(turn.image.tobytes())).decode()
    return plain


def turn_in(plain: dict) -> TurnIn:
    """What `to_json` made of a TurnIn. Raises KeyError, TypeError or ValueError for anything else."""
    image = plain["image"]
    if image is not None:
        pixels = np.frombuffer(zlib.decompress(b64decode(image)), np.uint8)
        image = pixels.reshape(PICTURE_HEIGHT, PICTURE_WIDTH, 3)
    notes = tuple(Note(**note) for note in plain["notes"])
    return TurnIn(**_without_pcm(plain) | {"pcm_S": _pcm_from_json(plain), "image": image, "notes": notes})


def turn_out(plain: dict) -> TurnOut:
    """What `to_json` made of a TurnOut."""
    calls = tuple(Call(**call) for call in plain["calls"])
    return TurnOut(**_without_pcm(plain) | {"pcm_S": _pcm_from_json(plain), "calls": calls})


def _without_pcm(plain: dict) -> dict:
    return {name: value for name, value in plain.items() if name not in ("pcm16", "pcm32")}


def _pcm_to_json(pcm_S: np.ndarray) -> dict:
    short_S = np.clip(np.rint(pcm_S * 32768), -32768, 32767).astype(np.int16)
    exact = (short_S.astype(np.float32) / 32768).tobytes() == pcm_S.tobytes()
    return {"pcm16" if exact else "pcm32": b64encode((short_S if exact else pcm_S).tobytes()).decode()}


def _pcm_from_json(plain: dict) -> np.ndarray:
    if "pcm16" in plain:
        return np.frombuffer(b64decode(plain["pcm16"]), np.int16).astype(np.float32) / 32768
    return np.frombuffer(b64decode(plain["pcm32"]), np.float32)


class SessionLog:
    """Writes a session to a file as it goes; from any thread."""

    def __init__(self, path: Path, voiced: Voiced, session: Session, snapshot: bytes | None = None):
        """`session` has just been opened, or restored from `snapshot`. Raises DataError when the file cannot be written."""
        self._lock = Lock()
        try:
            self._file = path.open("w", encoding="utf-8")
        except OSError as error:
            raise DataError(f"cannot write the session to {path}: {error}") from error
        begun = {"seed": session.seed, "patience": session.patience, "weights": voiced.sha256}
        begun |= {"dtype": voiced.dtype, "device": voiced.device}
        self._line({"format": FORMAT} | begun | ({"snapshot": b64encode(snapshot).decode()} if snapshot else {}))

    def came(self, turn: TurnIn) -> None:
        self._line({"in": to_json(turn)})

    def did(self, out: TurnOut) -> None:
        self._line({"out": to_json(out)})

    def close(self) -> None:
        self._file.close()

    def _line(self, value: dict) -> None:
        with self._lock:
            self._file.write(json.dumps(value) + "\n")


def replay(path: Path, voiced: Voiced) -> tuple[int, int]:
    """Lives a logged session again. Returns the turns compared, and the bits in which they differ.

    Raises DataError for a file that is no log of a session with these weights.
    """
    lines = _lines(path)
    _, begun = next(lines, (1, {}))
    if begun.get("format") != FORMAT:
        raise DataError(f"{path} is not the log of a session (its first line has no format {FORMAT!r})")
    if begun["weights"] != voiced.sha256:
        raise DataError(f"{path} was made with other weights ({begun['weights'][:12]}, here {voiced.sha256[:12]}); give --checkpoint")
    if begun["dtype"] != voiced.dtype:
        raise DataError(f"{path} was made in {begun['dtype']} and this machine computes in {voiced.dtype}; replay it where it was made")
    if (made_on := begun.get("device", "cpu")) != voiced.device:
        raise DataError(f"{path} was made on {made_on}, here it computes on {voiced.device}; give --device {made_on}")
    engine = Engine(voiced)
    session = engine.restore(b64decode(begun["snapshot"])) if "snapshot" in begun else engine.open(begun["seed"], begun["patience"])
    turns, bits, outs = 0, 0, {}
    for number, line in lines:
        try:
            if "in" in line:
                outs |= {out.index: out for out in engine.tick({session: turn_in(line["in"])}).values()}
            else:
                wanted = turn_out(line["out"])
                turns, bits = turns + 1, bits + differing_bits(wanted, outs.pop(wanted.index))
        except (KeyError, TypeError, ValueError, SessionError, zlib.error) as error:
            raise DataError(f"{path}, line {number}: not a turn of this session ({error!r})") from error
    return turns, bits


def inputs(path: Path) -> Iterator[TurnIn]:
    """The turns that came in. Raises DataError."""
    for number, line in _lines(path):
        try:
            if "in" in line:
                yield turn_in(line["in"])
        except (KeyError, TypeError, ValueError, zlib.error) as error:
            raise DataError(f"{path}, line {number}: not a turn of a session ({error!r})") from error


def differing_bits(a: TurnOut, b: TurnOut) -> int:
    """Bits in which two outputs differ, in sound and in everything else that the model did."""
    return sum(_bits(x, y) for x, y in zip(_bytes(a), _bytes(b), strict=True))


def _bytes(out: TurnOut) -> tuple[bytes, bytes]:
    done = out.index, out.speak, out.heard, out.said, out.text, [(call.kind, call.text) for call in out.calls]
    return out.pcm_S.tobytes(), json.dumps(done).encode()


def _bits(a: bytes, b: bytes) -> int:
    length = max(len(a), len(b))
    x, y = (np.frombuffer(side.ljust(length, b"\0"), np.uint8) for side in (a, b))
    return int(np.bitwise_count(x ^ y).sum())


def _lines(path: Path) -> Iterator[tuple[int, dict]]:
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                yield number, json.loads(line)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error}") from error
    except ValueError as error:
        raise DataError(f"{path} is not the log of a session: {error}") from error
