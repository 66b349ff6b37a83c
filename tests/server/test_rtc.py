"""WebRTC with a client of its own kind in the same process: sound both ways, events on the data channel, every way to end."""

import asyncio
import contextlib
import json
import sys
from fractions import Fraction

import av
import httpx2
import numpy as np
import pytest

from tests.server.stand_in import Engine, eventually, running

aiortc = pytest.importorskip("aiortc")
RATE_HZ = 48_000
PACKET = RATE_HZ // 50


@pytest.fixture(scope="module")
def server():
    with running(speed=1.0, engine=Engine(answers=True)) as one:
        yield one


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 240))


class Microphone(aiortc.MediaStreamTrack):
    """Silence, and a tone while `loud`."""

    kind = "audio"

    def __init__(self):
        super().__init__()
        self.at, self.loud = 0, False

    async def recv(self):
        await asyncio.sleep(0.018)
        t = (self.at + np.arange(PACKET)) / RATE_HZ
        pcm_S = (12_000 * self.loud * np.sin(2 * np.pi * 440 * t)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(pcm_S[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, self.at, Fraction(1, RATE_HZ)
        self.at += PACKET
        return frame


class Caller:
    """A peer connection with its data channel and what came by both."""

    def __init__(self, label: str):
        self.peer = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
        self.microphone, self.channel = Microphone(), self.peer.createDataChannel(label)
        self.events, self.news, self.loudest = [], asyncio.Event(), 0.0
        self.channel.on("message", self._came)
        self.peer.on("track", lambda track: asyncio.ensure_future(self._listen(track)))
        self.peer.addTrack(self.microphone)

    def _came(self, data):
        self.events.append(json.loads(data))
        self.news.set()

    async def _listen(self, track):
        with contextlib.suppress(aiortc.mediastreams.MediaStreamError):
            while True:
                frame = await track.recv()
                self.loudest = max(self.loudest, float(np.abs(frame.to_ndarray()).max()))

    def send(self, **event):
        self.channel.send(json.dumps(event))

    async def until(self, kind: str, **fields) -> dict:
        seen = 0
        while True:
            for event in self.events[seen:]:
                if event["type"] == kind and all(event.get(k) == v for k, v in fields.items()):
                    return event
            seen = len(self.events)
            self.news.clear()
            await self.news.wait()


class Impaired:
    """A datagram transport over a bad line: one packet in twenty lost, each up to 100 ms late, nothing at all while `out`."""

    LOST, LATE_S = 0.05, 0.1
    out = False

    def __init__(self, transport, rng: np.random.Generator):
        self.transport, self.rng, self.dropped = transport, rng, 0

    def __getattr__(self, name: str):
        return getattr(self.transport, name)

    def sendto(self, data, address=None):
        if Impaired.out or self.rng.random() < self.LOST:
            self.dropped += 1
            return
        asyncio.get_running_loop().call_later(self.rng.uniform(0, self.LATE_S), self._send, data, address)

    def _send(self, data, address):
        if not self.transport.is_closing():
            self.transport.sendto(data, address)


@pytest.fixture
def bad_line(monkeypatch):
    """Both ends of every call made from now on, client's and server's; the lines that there are."""
    from aioice.ice import StunProtocol

    plain, lines = StunProtocol.connection_made, []

    def connection_made(self, transport):
        lines.append(Impaired(transport, np.random.default_rng(len(lines))))
        plain(self, lines[-1])

    monkeypatch.setattr(StunProtocol, "connection_made", connection_made)
    monkeypatch.setattr(Impaired, "out", False)
    return lines


@contextlib.asynccontextmanager
async def call(server, path: str, label: str):
    """A connection that has been answered and whose data channel is open."""
    caller = Caller(label)
    try:
        await caller.peer.setLocalDescription(await caller.peer.createOffer())
        answer = await post(server, path, caller.peer.localDescription.sdp)
        assert answer.status_code == 201 and answer.headers["content-type"].startswith("application/sdp")
        assert answer.headers["location"].startswith(f"{path}/rtc_")
        await caller.peer.setRemoteDescription(aiortc.RTCSessionDescription(answer.text, "answer"))
        await eventually(lambda: caller.channel.readyState == "open")
        yield caller
    finally:
        await caller.peer.close()


async def post(server, path: str, sdp: str, **options):
    async with httpx2.AsyncClient(timeout=60) as client:
        options = options or {"content": sdp, "headers": {"Content-Type": "application/sdp"}}
        return await client.post(f"http://127.0.0.1:{server.port}{path}", **options)


def test_a_spoken_exchange_on_the_native_wire(server):
    async def talk():
        async with call(server, "/v1/live/webrtc", "duologue.v1") as one:
            one.send(type="session.start", session={"model": "any"})
            started = await one.until("session.started")
            one.microphone.loud = True
            await one.until("session.turn", heard="sound")
            one.microphone.loud = False
            turn = await one.until("session.turn", said="tone")
            await eventually(lambda: one.loudest > 1_000)
            one.send(type="session.close")
            closed = await one.until("session.closed")
            assert turn["speak"] and closed["reason"] == "close_requested"
            assert started["duologue"]["resume_token"]
            return {event["type"] for event in one.events}

    assert "session.output_audio.delta" not in run(talk()), "sound goes by the track alone"
    run(eventually(lambda: not server.host.sessions and not server.server.calls.tasks))


def test_the_projection_over_webrtc(server):
    async def talk():
        async with call(server, "/v1/realtime/calls", "oai-events") as one:
            await one.until("session.created")
            one.send(type="output_audio_buffer.clear")
            await one.until("output_audio_buffer.cleared")
            content = [{"type": "input_text", "text": "say 5"}]
            one.send(type="conversation.item.create", item={"type": "message", "role": "user", "content": content})
            done = await one.until("response.done")
            await eventually(lambda: one.loudest > 1_000)
            assert done["response"]["output"][0]["content"][0]["transcript"] == "tone " * 4 + "tone"
            assert "response.output_audio.delta" not in {event["type"] for event in one.events}

    run(talk())
    run(eventually(lambda: not server.host.sessions and not server.server.calls.tasks))


def test_who_hangs_up_leaves_nothing_behind(server):
    async def talk():
        async with call(server, "/v1/realtime/calls", "oai-events") as one:
            await one.until("session.created")

    run(talk())
    run(eventually(lambda: not server.host.sessions and not server.server.calls.tasks and not server.engine.open_now))


def test_a_resume_token_brings_a_caller_back(server):
    async def talk():
        async with call(server, "/v1/live/webrtc", "duologue.v1") as one:
            one.send(type="session.start", session={"model": "any"})
            token = (await one.until("session.started"))["duologue"]["resume_token"]
            last = (await one.until("session.turn"))["turn"]
        async with call(server, "/v1/live/webrtc", "duologue.v1") as one:
            one.send(type="session.resume", token=token, last_turn=last)
            assert (await one.until("session.resumed"))["turn"] > last
            one.send(type="session.close")
            await one.until("session.closed")

    run(talk())


def test_garbage_on_the_channel_is_an_error_for_this_client_alone(server):
    async def talk():
        async with call(server, "/v1/live/webrtc", "oai-events") as one:
            one.channel.send("{not json")
            assert (await one.until("error"))["error"]["code"] == "invalid_json"
            one.send(type="session.start", session={"model": "any"})
            await one.until("session.started")

    run(talk())


def test_what_ends_a_connection_is_told_before_it_ends(server):
    async def talk():
        async with call(server, "/v1/live/webrtc", "duologue.v1") as one:
            one.send(type="session.resume", token="nobody's", last_turn=-1)
            assert (await one.until("error"))["error"]["code"] == "invalid_token"
            await eventually(lambda: one.channel.readyState == "closed")

    run(talk())
    run(eventually(lambda: not server.server.calls.tasks))


def test_what_is_no_offer_is_refused(server):
    for sdp in ("", "v=0", "garbage " * 1000, "x" * 2**17):
        answer = run(post(server, "/v1/live/webrtc", sdp))
        assert answer.status_code == 400 and answer.json()["error"]["code"] == "invalid_sdp"


def test_a_form_carries_an_offer_too(server):
    async def talk():
        caller = Caller("oai-events")
        try:
            await caller.peer.setLocalDescription(await caller.peer.createOffer())
            sdp = caller.peer.localDescription.sdp
            files = {"sdp": (None, sdp.encode(), "application/sdp"), "session": (None, b"{}", "application/json")}
            return await post(server, "/v1/realtime/calls", sdp, files=files)
        finally:
            await caller.peer.close()

    assert run(talk()).status_code == 201


def test_without_a_key_there_is_no_call():
    with running(speed=1.0, keys=("a-key-of-sixteen-letters",)) as one:
        assert run(post(one, "/v1/live/webrtc", "v=0")).status_code == 401


def test_without_the_extra_the_answer_says_how_to_get_it(server, monkeypatch):
    monkeypatch.setitem(sys.modules, "duologue.server.rtc", None)
    answer = run(post(server, "/v1/live/webrtc", "v=0"))
    assert answer.status_code == 501 and "pip install 'duologue[webrtc]'" in answer.json()["error"]["message"]


def test_when_the_model_stops_what_is_queued_stops():
    from duologue.server.rtc import TAIL_MS, Loudspeaker

    loudspeaker = Loudspeaker()
    loudspeaker.play(np.ones(16 * 380, np.float32))
    assert loudspeaker.keep(TAIL_MS) == 280 and len(loudspeaker.queued_S) == 16 * TAIL_MS
    assert loudspeaker.keep(TAIL_MS) == 0


def test_openai_s_own_client_can_offer(server):
    import openai

    async def talk():
        caller = Caller("oai-events")
        try:
            await caller.peer.setLocalDescription(await caller.peer.createOffer())
            client = openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key="none", max_retries=0)
            answer = await client.realtime.calls.create(sdp=caller.peer.localDescription.sdp)
            await caller.peer.setRemoteDescription(aiortc.RTCSessionDescription(answer.text, "answer"))
            await caller.until("session.created")
        finally:
            await caller.peer.close()

    run(talk())


async def spoken_to(one) -> None:
    """A tone into the microphone, then silence, until the answer to it has come and is over."""
    before = len(one.events)
    one.microphone.loud = True
    await asyncio.sleep(1.0)
    one.microphone.loud = False

    def over() -> bool:
        said = [event["said"] for event in one.events[before:] if event["type"] == "session.turn"]
        return "tone" in said and not said[-1]

    await eventually(over)


def test_a_call_goes_on_over_a_bad_line_and_after_an_outage(server, bad_line):
    async def talk():
        async with call(server, "/v1/live/webrtc", "duologue.v1") as one:
            one.send(type="session.start", session={"model": "any"})
            await one.until("session.started")
            await spoken_to(one)
            begun = len(one.events)
            Impaired.out = True
            await asyncio.sleep(2.0)
            Impaired.out = False
            one.loudest = 0.0
            await spoken_to(one)
            await eventually(lambda: one.loudest > 1_000)
            turns = [e for e in one.events if e["type"] == "session.turn"]
            outage_ms = sum(e["missing_ms"] for e in one.events[begun:] if e["type"] == "session.turn")
            assert [t["turn"] for t in turns] == list(range(turns[0]["turn"], turns[-1]["turn"] + 1)), "no event is lost"
            assert 1_500 <= outage_ms <= 4_500, "what was not heard is marked"
            assert sum(line.dropped for line in bad_line) > 50

    run(talk())
