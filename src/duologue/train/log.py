"""What a run writes down as it goes: a line of JSON and TensorBoard events for every step."""

import json
import os
import socket
import time
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from duologue.errors import writing


class Events:
    """TensorBoard events in a file of their own, each written at once.

    `SummaryWriter` writes in a thread: a full disk ends that with a traceback, and the run hears of it late.

    Raises:
        DataError: the disk does not take it.
    """

    def __init__(self, folder: Path):
        self.path = folder / f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}"
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        self._write(Event(file_version="brain.Event:2"))

    def add(self, step: int, values: dict[str, float]) -> None:
        """Scalars by name."""
        self._write(Event(step=step, summary=Summary(value=[Summary.Value(tag=k, simple_value=v) for k, v in values.items()])))

    def _write(self, event: Event) -> None:
        event.wall_time = time.time()
        with writing(self.path), open(self.path, "ab") as file:
            RecordWriter(file).write(event.SerializeToString())


class Log:
    """`log.jsonl` and events in the folder of a run. Raises DataError when the disk does not take them."""

    def __init__(self, out: Path):
        self.lines, self.events = out / "log.jsonl", Events(out)

    def add(self, step: int, losses: dict[str, float], seconds: float) -> None:
        self.events.add(step, {f"loss/{name}": value for name, value in losses.items()})
        row = {"step": step, "seconds": round(seconds, 1), **{k: round(v, 4) for k, v in losses.items()}}
        with writing(self.lines), open(self.lines, "a") as file:
            file.write(json.dumps(row) + "\n")
