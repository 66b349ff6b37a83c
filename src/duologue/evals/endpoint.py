"""Any server that speaks GPT-Live's or Realtime's WebSocket as a system: cases played to it in real time, what comes back on
the same clock. Read `endpoint` first.

The listener is simulated: sound is heard when it has come and what came before it is over; silence takes no time, so that
a slow line delays nothing twice. A Realtime client stops its sound on `speech_started`, and so does this one.
"""

import asyncio
import base64
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from duologue.errors import DataError
from duologue.evals.systems import Case, System
from duologue.media.audio import in_turns, resample, to_int16
from duologue.media.patches import to_jpeg
from duologue.turn import SAMPLE_RATE_HZ, SAMPLES_PER_TURN, TURN_MS, TurnIn, TurnOut

RATE_HZ = 24_000
PACKETS = 10  # of 20 ms in a turn
TURN_S = TURN_MS / 1000
EXTENDED = "duologue.v1"
SOUND = ("session.output_audio.delta", "response.output_audio.delta")
WORDS = {  # by type of event: whose words, and in which field
    "session.output_transcript.delta": ("said", "delta"),
    "response.output_audio_transcript.delta": ("said", "delta"),
    "session.input_transcript.delta": ("heard", "delta"),
    "conversation.item.input_audio_transcription.completed": ("heard", "transcript"),
    "response.output_text.delta": ("text", "delta"),
    "session.turn": ("text", "text"),
}
JPEG_QUALITY = 85
START_S = 30.0  # until the session must have begun


@dataclass(slots=True)
class Ear:
    """Sound as it is heard, at RATE_HZ from the beginning of the first input turn, and words by the time they came."""

    sound_S: np.ndarray
    end: int = 0  # of what has come, in samples
    words: dict[str, dict[int, list[str]]] = field(default_factory=lambda: {"heard": {}, "said": {}, "text": {}})

    def hear(self, delta: str, now_s: float) -> None:
        pcm_S = np.frombuffer(base64.b64decode(delta), "<i2").astype(np.float32) / 32768
        if pcm_S.any():
            begin = max(self.end, int(now_s * RATE_HZ))
            fits = pcm_S[: max(0, len(self.sound_S) - begin)]
            self.sound_S[begin : begin + len(fits)] = fits
            self.end = begin + len(pcm_S)

    def stop(self, now_s: float) -> None:
        """Nothing that is queued is heard any more."""
        self.end = min(self.end, int(now_s * RATE_HZ))
        self.sound_S[self.end :] = 0

    def note(self, lane: str, words: str, now_s: float) -> None:
        """Words that come in the span of output turn k are that turn's."""
        if words.strip():
            self.words[lane].setdefault(max(0, int(now_s / TURN_S) - 1), []).append(words.strip())

    def turns(self, count: int) -> list[TurnOut]:
        pcm_TS = in_turns(resample(self.sound_S, RATE_HZ, SAMPLE_RATE_HZ))[1 : count + 1]
        said = [{lane: " ".join(found.get(k, ())) for lane, found in self.words.items()} for k in range(count)]
        return [TurnOut(k, pcm_S[:SAMPLES_PER_TURN], bool(pcm_S.any()), **said[k]) for k, pcm_S in enumerate(pcm_TS)]


def endpoint(url: str, key: str = "") -> System:
    """Whoever answers at a URL that ends in /v1/live/sessions or /v1/realtime; one case after another, in real time.

    Typed text and notes reach servers that take them, pictures those that speak EXTENDED; others are blind. Raises DataError for a server that cannot be reached or refuses.
    """
    return lambda cases: [_hold(url, key, case) for case in cases]


def _hold(url: str, key: str, case: Case) -> list[TurnOut]:
    try:
        return asyncio.run(_talk(url, key, case.inputs()))
    except (OSError, WebSocketException) as error:
        raise DataError(f"{url}: {error}; is the server there, and the key right?") from error


async def _talk(url: str, key: str, turns: Sequence[TurnIn]) -> list[TurnOut]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    realtime = urlsplit(url).path.rstrip("/").endswith("/realtime")
    names = None if realtime else [EXTENDED]
    async with connect(url, additional_headers=headers, subprotocols=names, max_size=None) as socket:
        ear = Ear(np.zeros((len(turns) + 1) * RATE_HZ * TURN_MS // 1000, np.float32))
        await _begin(socket, realtime)
        began_s = time.monotonic()
        listening = asyncio.create_task(_listen(socket, ear, began_s))
        try:
            await _speak(socket, turns, began_s, realtime)
            await _until(began_s + (len(turns) + 1) * TURN_S)
        finally:
            listening.cancel()
            failed = (await asyncio.gather(listening, return_exceptions=True))[0]
        if isinstance(failed, Exception):
            raise failed
        return ear.turns(len(turns))


async def _begin(socket: ClientConnection, realtime: bool) -> None:
    if not realtime:
        await _send(socket, type="session.start", session={"model": "gpt-live-1"})
    async with asyncio.timeout(START_S):
        while (event := json.loads(await socket.recv()))["type"] not in ("session.started", "session.created"):
            _check(event)


async def _send(socket: ClientConnection, **event) -> None:
    await socket.send(json.dumps(event))


async def _until(at_s: float) -> None:
    await asyncio.sleep(max(0.0, at_s - time.monotonic()))


async def _speak(socket: ClientConnection, turns: Sequence[TurnIn], began_s: float, realtime: bool) -> None:
    """Every packet at its time; typed text and notes with the first of their turn."""
    kind = "input_audio_buffer.append" if realtime else "session.input_audio.append"
    pcm_S = to_int16(resample(np.concatenate([turn.pcm_S for turn in turns]), SAMPLE_RATE_HZ, RATE_HZ))
    packets_NS = pcm_S.reshape(len(turns) * PACKETS, -1)
    for number, packet_S in enumerate(packets_NS):
        await _until(began_s + (number + 1) * TURN_S / PACKETS)
        if number % PACKETS == 0:
            await _write(socket, turns[number // PACKETS], realtime)
        if number % PACKETS == PACKETS - 1 and socket.subprotocol == EXTENDED:
            await _show(socket, turns[number // PACKETS])
        await _send(socket, type=kind, audio=base64.b64encode(packet_S.astype("<i2").tobytes()).decode())


async def _show(socket: ClientConnection, turn: TurnIn) -> None:
    if turn.image is not None:
        jpeg = to_jpeg(turn.image, JPEG_QUALITY)
        await _send(socket, type="session.input_image.append", image=base64.b64encode(jpeg).decode())


async def _write(socket: ClientConnection, turn: TurnIn, realtime: bool) -> None:
    for text in filter(None, [turn.typed, *(note.text for note in turn.notes)]):
        if realtime:
            role = "user" if text == turn.typed else "system"
            content = [{"type": "input_text", "text": text}]
            await _send(socket, type="conversation.item.create", item={"type": "message", "role": role, "content": content})
        elif text == turn.typed and socket.subprotocol == EXTENDED:
            await _send(socket, type="session.input_text.append", text=text)
        else:
            await _send(socket, type="session.commentary.append", content=text, delegation_id=None)


async def _listen(socket: ClientConnection, ear: Ear, began_s: float) -> None:
    async for raw in socket:
        event, now_s = json.loads(raw), time.monotonic() - began_s
        kind = event["type"]
        if kind in SOUND:
            ear.hear(event["delta"], now_s)
        elif kind in WORDS:
            lane, key = WORDS[kind]
            ear.note(lane, event[key], now_s)
        elif kind == "input_audio_buffer.speech_started":
            ear.stop(now_s)
        _check(event)


def _check(event: dict) -> None:
    if event["type"] == "error":
        raise DataError(f"the server says {event['error'].get('code')}: {event['error'].get('message')}")
