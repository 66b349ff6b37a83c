"""Conversations over WebRTC (extra `webrtc`): Opus at 48 kHz both ways, events on a data channel. Read `Calls.take`, then `Peer`.

An offer opens a connection whose data channel stands for the WebSocket: the same wire, the same session, the same
`Connection`. Only the sound goes elsewhere: in from the audio track, out through `Loudspeaker`, which plays at the pace of the clock.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from functools import partial

import av
import numpy as np
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from pydantic import BaseModel
from starlette.websockets import WebSocketDisconnected

from duologue.media.audio import to_int16
from duologue.media.recording import letterbox
from duologue.server.connection import Connection, Wire
from duologue.server.faults import Fault
from duologue.server.host import Host
from duologue.server.log import Turned
from duologue.server.realtime_wire import RealtimeWire
from duologue.turn import SAMPLE_RATE_HZ, TURN_MS

PACKET_S = 0.02
PACKET = round(SAMPLE_RATE_HZ * PACKET_S)
PER_MS = SAMPLE_RATE_HZ // 1000
TAIL_MS = 100  # of queued sound that is still played when the model stops
FULL = 2**20  # bytes that may wait in the data channel before its sender waits
LINGER_S = 1.0  # for the last event to go out
PICTURE_S = TURN_MS / 1000
log = logging.getLogger("duologue.server")


class Loudspeaker(MediaStreamTrack):
    """The model's sound as it is played: a packet every 20 ms, silence when there is none."""

    kind = "audio"

    def __init__(self):
        super().__init__()
        self.queued_S = np.zeros(0, np.float32)
        self.packets, self.began_s = 0, 0.0

    def play(self, pcm_S: np.ndarray) -> None:
        self.queued_S = np.concatenate([self.queued_S, pcm_S])

    def keep(self, ms: int) -> int:
        """Throws away all but the next `ms`. Returns how many milliseconds nobody will hear."""
        self.queued_S, lost = self.queued_S[: ms * PER_MS], len(self.queued_S) - ms * PER_MS
        return max(0, lost) // PER_MS

    async def recv(self) -> av.AudioFrame:
        """The next packet when its time has come. Raises MediaStreamError once the track is stopped."""
        loop = asyncio.get_running_loop()
        self.began_s = self.began_s or loop.time()
        await asyncio.sleep(max(0.0, self.began_s + self.packets * PACKET_S - loop.time()))
        if self.readyState != "live":
            raise MediaStreamError
        packet_S, self.queued_S = self.queued_S[:PACKET], self.queued_S[PACKET:]
        packet_S = np.pad(to_int16(packet_S), (0, PACKET - len(packet_S)))
        frame = av.AudioFrame.from_ndarray(packet_S[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE_HZ, self.packets * PACKET, Fraction(1, SAMPLE_RATE_HZ)
        self.packets += 1
        return frame


class Call(Connection):
    """A connection whose sound goes to a loudspeaker instead of into events."""

    def __init__(self, channel: "Channel", wire: Wire, host: Host, loudspeaker: Loudspeaker):
        super().__init__(channel, wire, host)
        self.loudspeaker, self.spoke = loudspeaker, False
        if isinstance(wire, RealtimeWire):
            wire.silence = partial(loudspeaker.keep, 0)

    async def _give(self, sound: BaseModel, entry: Turned) -> None:
        self.loudspeaker.play(entry.out.pcm_S)

    async def _play(self, entry: Turned) -> None:
        """When the model stops, what is queued stops too, and the model is told how much was not heard."""
        await super()._play(entry)
        if self.spoke and not entry.out.speak:
            self.wire.session.inbox.unplayed_ms += self.loudspeaker.keep(TAIL_MS)
        self.spoke = entry.out.speak


class Channel:
    """A data channel with the three methods of a WebSocket that a `Connection` uses."""

    def __init__(self, peer: RTCPeerConnection, channel: RTCDataChannel):
        self.peer, self.channel = peer, channel
        self.came: asyncio.Queue[dict] = asyncio.Queue()
        self.room = asyncio.Event()
        channel.bufferedAmountLowThreshold = FULL
        channel.on("bufferedamountlow", self.room.set)
        channel.on("message", lambda data: self.came.put_nowait(_message(data)))
        channel.on("close", self.lost)
        peer.on("connectionstatechange", lambda: self.lost() if peer.connectionState in ("failed", "closed") else None)

    def lost(self) -> None:
        self.room.set()
        self.came.put_nowait({"type": "websocket.disconnect", "code": 1006})

    async def receive(self) -> dict:
        return await self.came.get()

    async def send_text(self, text: str) -> None:
        if self.channel.bufferedAmount > FULL:
            self.room.clear()
            await self.room.wait()
        if self.channel.readyState != "open":
            raise WebSocketDisconnected
        self.channel.send(text)

    async def close(self, code: int, reason: str) -> None:
        """Code and reason have gone out as an event, which is waited for: a data channel has no place for them."""
        if self.channel.bufferedAmount and self.channel.readyState == "open":
            self.channel.bufferedAmountLowThreshold = 0
            self.room.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER_S):
                    await self.room.wait()
        await self.peer.close()


def _message(data: str | bytes) -> dict:
    return {"type": "websocket.receive", "text" if isinstance(data, str) else "bytes": data}


class Peer:
    """One peer connection: waits for its data channel, then serves it as any other connection."""

    def __init__(self, host: Host, wire_for: Callable[[str], Wire]):
        self.host, self.wire_for = host, wire_for
        self.loudspeaker = Loudspeaker()
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))  # nobody outside is asked
        self.wire: Wire | None = None
        self.opened: asyncio.Future[RTCDataChannel] = asyncio.get_running_loop().create_future()
        self.hearing: set[asyncio.Task] = set()
        self.connection.on("datachannel", self._channel)
        self.connection.on("track", self._track)

    async def answer(self, offer: str) -> str:
        """SDP for SDP. Raises Fault for an offer that cannot be used."""
        try:
            await self.connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
            self.connection.addTrack(self.loudspeaker)
            await self.connection.setLocalDescription(await self.connection.createAnswer())
        except Exception as error:  # noqa: BLE001  aiortc raises whatever its parser stumbles over
            await self.connection.close()
            log.info("rtc.refused", extra={"reason": repr(error)[:200]})
            raise Fault("invalid_sdp", "the offer cannot be answered; send SDP with an audio track and a data channel") from None
        return self.connection.localDescription.sdp

    async def serve(self) -> None:
        """Until the conversation is over, or nobody has opened a data channel in time."""
        try:
            async with asyncio.timeout(self.host.settings.start_s):
                channel = await self.opened
            self.wire = self.wire_for(channel.label)
            await Call(Channel(self.connection, channel), self.wire, self.host, self.loudspeaker).serve()
        except TimeoutError:
            log.info("rtc.silent", extra={"reason": "no data channel was opened"})
        finally:
            for task in self.hearing:
                task.cancel()
            self.loudspeaker.stop()
            await self.connection.close()

    def _channel(self, channel: RTCDataChannel) -> None:
        """The first one is the conversation's."""
        if not self.opened.done():
            self.opened.set_result(channel)

    def _track(self, track: MediaStreamTrack) -> None:
        listen = self._hear if track.kind == "audio" else self._see
        task = asyncio.create_task(listen(track))
        self.hearing.add(task)

    async def _hear(self, track: MediaStreamTrack) -> None:
        """What comes before there is a session is not heard."""
        resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)
        with suppress(MediaStreamError, Fault):  # the peer is gone, or the session has had its bytes: its end says so
            while True:
                for part in resampler.resample(await track.recv()):
                    if self.wire and (session := self.wire.session):
                        pcm_S = part.to_ndarray().reshape(-1)
                        session.came_in(pcm_S.nbytes)
                        session.hear(pcm_S.astype(np.float32) / 32768)

    async def _see(self, track: MediaStreamTrack) -> None:
        """A picture a turn of what the camera sends."""
        loop, due_s = asyncio.get_running_loop(), 0.0
        with suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if loop.time() >= due_s and self.wire and self.wire.session:
                    self.wire.session.inbox.image, due_s = letterbox(frame), loop.time() + PICTURE_S


class Calls:
    """Every WebRTC conversation of a server."""

    def __init__(self, host: Host):
        self.host = host
        self.tasks: set[asyncio.Task] = set()

    async def take(self, offer: str, wire_for: Callable[[str], Wire]) -> tuple[str, str]:
        """Answers an offer and serves it from now on. Returns an id and the answer. Raises Fault.

        `wire_for` makes the wire for a data channel's label.
        """
        peer = Peer(self.host, wire_for)
        answer = await peer.answer(offer)
        task = asyncio.create_task(peer.serve())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return f"rtc_{secrets.token_hex(12)}", answer


