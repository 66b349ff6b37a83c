"""A stand-in for the server: it serves the page and speaks docs/wire.md, its turns written by the test. Read `StandIn.tick`."""

import base64
import contextlib
import json
import mimetypes
import threading
import time
from http import HTTPStatus
from pathlib import Path

import numpy as np
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Response
from websockets.sync.server import serve

PAGE = Path(__file__).parents[2] / "src" / "duologue" / "server" / "page"
RATE = 24_000
TURN = RATE // 5
QUIET = {"speak": False, "heard": "", "said": "", "text": "", "calls": [], "compute_ms": 31.0}


class StandIn:
    """One session at a time. `plan` holds what the coming turns do; `got` all events that the page sent."""

    def __init__(self):
        self.plan: list[dict] = []
        self.got: list[dict] = []
        self.protocols: list[str] = []
        self.turns: list[dict] = []
        self.socket = None
        self.shut, self.recording = False, False  # refuse new connections; say that it records
        self.stopped = threading.Event()
        self.ticking = threading.RLock()
        self.door = serve(self.talk, "127.0.0.1", 0, process_request=self.page, subprotocols=["duologue.v1"],
                          ping_interval=None)
        self.url = f"http://127.0.0.1:{self.door.socket.getsockname()[1]}/"
        threading.Thread(target=self.door.serve_forever, daemon=True).start()
        threading.Thread(target=self.clock, daemon=True).start()

    def page(self, connection, request):
        if "Upgrade" in request.headers:
            self.protocols = request.headers["Sec-WebSocket-Protocol"].split(", ")
            return connection.respond(HTTPStatus.UNAUTHORIZED, "no\n") if self.shut else None
        path = PAGE / (request.path.split("?")[0].lstrip("/") or "index.html")
        if request.path == "/health" or not path.is_file():
            return connection.respond(HTTPStatus.OK if request.path == "/health" else HTTPStatus.NOT_FOUND, "ok\n")
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        body = path.read_bytes()
        return Response(200, "OK", Headers({"Content-Type": kind, "Content-Length": str(len(body))}), body)

    def talk(self, socket):
        with contextlib.suppress(ConnectionClosed):
            for message in socket:
                event = json.loads(message)
                self.got.append(event)
                self.answer(socket, event)
        if self.socket is socket:
            self.socket = None

    def answer(self, socket, event):
        if event["type"] == "session.start":
            self.turns = []
            extra = {"resume_token": "t0k3n", "grace_ms": 30_000, "recording": self.recording, **event["duologue"]}
            self.tell(socket, {"type": "session.started", "session": {}, "duologue": extra})
            self.socket = socket
        elif event["type"] == "session.resume":
            self.tell(socket, {"type": "session.resumed", "session": {}, "duologue": {}, "turn": len(self.turns)})
            for turn in self.turns[event["last_turn"] + 1 :]:
                self.tell(socket, turn)
            self.socket = socket
        elif event["type"] == "session.close":
            self.tell(socket, {"type": "session.closed", "reason": "close_requested"})
            self.socket = None

    @staticmethod
    def tell(socket, event):
        with contextlib.suppress(ConnectionClosed):
            socket.send(json.dumps(event))

    def say(self, event):
        """To whoever listens now."""
        if socket := self.socket:
            self.tell(socket, event)

    def clock(self):
        due = time.monotonic()
        while not self.stopped.is_set():
            due += 0.2
            self.stopped.wait(max(0.0, due - time.monotonic()))
            with self.ticking:
                if self.turns or self.socket:
                    self.tick()

    def tick(self):
        """The next output turn, from the plan or quiet; without a listener it happens all the same."""
        k, planned = len(self.turns), self.plan.pop(0) if self.plan else {}
        times = {"start_ms": 200 * (k + 1), "end_ms": 200 * (k + 2)}
        said = {key: value for key, value in planned.items() if key != "pcm"}
        turn = {"type": "session.turn", "turn": k, **times, **QUIET, "late": False, "missing_ms": 0, **said}
        self.turns.append(turn)
        self.say(turn)
        delta = base64.b64encode(planned.get("pcm", np.zeros(TURN, "<i2")).tobytes()).decode()
        self.say({"type": "session.output_audio.delta", **times, "turn": k, "delta": delta})

    def burst(self, plan: list[dict]):
        """These turns now, all at once, as after a stall."""
        with self.ticking:
            self.plan[:0] = plan
            for _ in plan:
                self.tick()

    def of(self, kind: str) -> list[dict]:
        """Events of this type that the page has sent."""
        return [event for event in self.got if event["type"] == kind]

    def heard(self) -> np.ndarray:
        """All sound that the page has sent, int16 at 24 kHz."""
        parts = [base64.b64decode(event["audio"]) for event in self.of("session.input_audio.append")]
        return np.frombuffer(b"".join(parts), "<i2")

    def drop(self):
        """The line breaks; the session goes on."""
        socket, self.socket = self.socket, None
        socket.socket.close()

    def close(self):
        self.stopped.set()
        self.door.shutdown()
