"""The native wire over a real socket: a whole exchange, the extension, coming back, and every bad input its own fault."""

import asyncio

import numpy as np
import pytest
from websockets.exceptions import InvalidStatus

from duologue.server.clock import Clock
from duologue.server.connection import Connection
from duologue.server.host import Host
from duologue.server.live_wire import LiveWire
from duologue.server.metrics import Metrics
from duologue.server.settings import Settings
from tests.server.stand_in import Engine, client, eventually, pcm, running, samples, start, type_in


@pytest.fixture(scope="module")
def server():
    with running() as one:
        yield one


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 120))


def test_an_exchange_without_the_extension(server):
    async def talk():
        async with client(server, extended=False) as one:
            await one.send(type="session.start", session={"model": "gpt-live-1"}, event_id="first")
            started = await one.until("session.started")
            assert started["client_event_id"] == "first" and "duologue" not in started
            await one.send(type="session.input_audio.append", audio=pcm(1.0))
            heard = await one.until("session.input_transcript.delta")
            assert heard["delta"] == "sound " and heard["end_ms"] - heard["start_ms"] == 200
            await one.send(type="session.commentary.append", content="a result", delegation_id=None)
            await one.until("session.commentary.appended")
            await one.send(type="session.close")
            closed = await one.until("session.closed")
            assert closed["reason"] == "close_requested" and closed["usage"]["seconds"] > 0
            assert await one.close_code() == 1000
            return one.seen

    seen = run(talk())
    assert {e["type"] for e in seen} <= {
        "session.started", "session.output_audio.delta", "session.input_transcript.delta",
        "session.commentary.appended", "session.closed",
    }  # fmt: skip
    sounds = [e for e in seen if e["type"] == "session.output_audio.delta"]
    assert all(len(samples(e["delta"])) == 4800 for e in sounds)
    assert [e["start_ms"] for e in sounds] == [200 * (k + 1) for k in range(len(sounds))]


def test_every_turn_is_told_in_order_and_its_sound_follows(server):
    async def talk():
        async with client(server) as one:
            began = await start(one, patience=1.5, seed=7)
            assert began["duologue"]["patience"] == 1.5 and began["duologue"]["seed"] == 7
            assert began["duologue"]["recording"] is False
            await type_in(one, "say 3")
            typed = await one.until("session.turn", typed="say 3")
            while (await one.until("session.turn"))["turn"] < typed["turn"] + 6:
                pass
            return typed["turn"], one.seen

    typed, seen = run(talk())
    turns = [e for e in seen if e["type"] == "session.turn"]
    assert [t["turn"] for t in turns] == list(range(len(turns)))
    assert [t["turn"] for t in turns if t["speak"]] == [typed, typed + 1, typed + 2]
    sounds = {e["turn"]: samples(e["delta"]) for e in seen if e["type"] == "session.output_audio.delta"}
    loud = [k for k, s in sounds.items() if np.abs(s.astype(int)).max() > 1000]
    assert loud[0] == typed and set(loud) <= {typed, typed + 1, typed + 2, typed + 3}
    order = [e["turn"] for e in seen if e["type"] in ("session.turn", "session.output_audio.delta")]
    assert order == sorted(order)


def test_pictures_text_clicks_and_patience_reach_the_model(server):
    async def talk():
        async with client(server) as one:
            await start(one)
            await one.send(type="session.input_image.append", image=picture())
            assert (await one.until("session.turn", image=True))["image"]
            await type_in(one, "show timer 300 tea")
            id = (await one.until("session.interface"))["id"]
            await one.send(type="session.input_text.append", text=f"{id} stop", source="ui")
            turn = await one.until("session.turn", notes=[{"source": "ui", "text": f"{id} stop"}])
            await one.send(type="session.patience.set", patience=-2)
            assert (await one.until("session.patience.changed"))["patience"] == -2
            return turn

    run(talk())
    assert server.engine.all[-1].patience == -2
    assert any(t.image is not None and t.image.shape == (120, 160, 3) for t in server.engine.all[-1].turns)


def picture(size=(64, 48), kind="JPEG") -> str:
    import base64
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(out, kind)
    return base64.b64encode(out.getvalue()).decode()


def test_a_delegation_is_told_with_an_id(server):
    async def talk():
        async with client(server) as one:
            await start(one)
            await type_in(one, "do find it")
            asked = (await one.until("session.turn", calls=[{"kind": "delegate", "text": "find it"}]))["turn"]
            return asked, await one.until("session.delegation.created")

    asked, event = run(talk())
    assert event["delegation"] == {"type": "delegation", "id": f"{asked}.0", "target": "client"}
    assert event["offset_ms"] == (asked + 1) * 200


def test_coming_back_with_the_token_misses_no_word(server):
    async def talk():
        async with client(server) as one:
            began = await start(one)
            await type_in(one, "say 4")
            last = (await one.until("session.turn", typed="say 4"))["turn"]
            one.socket.transport.abort()
        token = began["duologue"]["resume_token"]
        await asyncio.sleep(0.3)
        async with client(server) as two:
            await two.send(type="session.resume", token=token, last_turn=last)
            resumed = await two.until("session.resumed")
            assert resumed["session"]["id"] == began["session"]["id"]
            gap = await two.until("session.gap")
            await two.until("session.output_audio.delta")
            await type_in(two, "write back")
            await two.until("session.turn", text="back")
        return last, gap, resumed, [e for e in two.seen if e["type"] == "session.turn"]

    last, gap, resumed, turns = run(talk())
    assert [t["turn"] for t in turns] == list(range(last + 1, last + 1 + len(turns)))
    assert sum(t["speak"] for t in turns) == 3
    assert gap["reason"] == "disconnected" and gap["start_ms"] == (last + 2) * 200
    assert gap["end_ms"] == (resumed["turn"] + 1) * 200
    assert sum(t["unplayed_ms"] for t in turns) >= 200, "the model is told that it was not heard"


def test_two_on_one_token_the_second_takes_over(server):
    async def talk():
        async with client(server) as one, client(server) as two:
            token = (await start(one))["duologue"]["resume_token"]
            await two.send(type="session.resume", token=token)
            await two.until("session.resumed")
            error = await one.until("error")
            assert error["error"]["code"] == "taken_over" and await one.close_code() == 4409
            await type_in(two, "write still here")
            await two.until("session.turn", text="still here")

    run(talk())


def test_after_the_grace_time_the_token_is_worth_nothing():
    async def talk(server):
        async with client(server) as one:
            token = (await start(one))["duologue"]["resume_token"]
        await eventually(lambda: not server.host.sessions)
        async with client(server) as two:
            await two.send(type="session.resume", token=token)
            assert (await two.until("error"))["error"]["code"] == "invalid_token"
            assert await two.close_code() == 4404

    with running(grace_s=1.0) as server:
        run(talk(server))
        run(eventually(lambda: not server.engine.open_now))


def test_a_lost_connection_without_a_token_ends_at_once(server):
    async def talk():
        before = len(server.host.sessions)
        async with client(server, extended=False) as one:
            await start(one)
            assert len(server.host.sessions) == before + 1
            one.socket.transport.abort()
        await eventually(lambda: len(server.host.sessions) == before)

    run(talk())


GARBAGE = [
    ("not json", "invalid_json"),
    ("[]", "invalid_event"),
    ('"text"', "invalid_event"),
    ("{}", "invalid_event"),
    ('{"type": "session.dance"}', "unknown_event"),
    ('{"type": "response.create"}', "unsupported"),
    ('{"type": "session.start", "session": {"model": "x"}}', "wrong_order"),
    ('{"type": "session.resume", "token": "x"}', "wrong_order"),
    ('{"type": "session.input_audio.append", "audio": "%%%"}', "invalid_audio"),
    ('{"type": "session.input_audio.append", "audio": "AAAA"}', "invalid_audio"),
    ('{"type": "session.input_audio.append"}', "invalid_event"),
    ('{"type": "session.input_audio.append", "audio": "AAAAAAA=", "rate": 8000}', "invalid_event"),
    ('{"type": "session.input_image.append", "image": "AAAA"}', "invalid_image"),
    ('{"type": "session.input_text.append", "text": ""}', "invalid_event"),
    ('{"type": "session.patience.set", "patience": 99}', "invalid_event"),
    ('{"type": "session.patience.set", "patience": NaN}', "invalid_event"),
    ('{"type": "session.update", "session": {"delegation": {"type": "responses"}}}', "invalid_event"),
]


def test_each_mistake_is_a_typed_error_and_the_talk_goes_on():
    async def talk(server):
        async with client(server) as one:
            await one.send(type="session.input_audio.append", audio=pcm(0.1))
            assert (await one.until("error"))["error"]["code"] == "wrong_order"
            await start(one)
            for raw, code in GARBAGE:
                await one.socket.send(raw)
                error = (await one.until("error"))["error"]
                assert (error["code"], error["type"]) == (code, "invalid_request_error"), raw
                assert error["message"]
            await one.send(type="session.input_image.append", image=picture((3000, 2000)), event_id="mine")
            error = (await one.until("error"))["error"]
            assert (error["code"], error["client_event_id"]) == ("invalid_image", "mine")
            await type_in(one, "write still here")
            await one.until("session.turn", text="still here")

    with running(faults=1000) as server:
        run(talk(server))


def last_words(server, *events, **options):
    """Code of the error and of the close that a client ends with."""

    async def talk():
        async with client(server, **options) as one:
            await start(one)
            for event in events:
                await one.send(**event)
            error = await one.until("error")
            return error["error"]["code"], await one.close_code()

    return run(talk())


def test_too_many_mistakes_end_the_connection():
    with running(faults=3) as server:
        bad = {"type": "nothing"}

        async def talk():
            async with client(server) as one:
                await start(one)
                for _ in range(3):
                    await one.send(**bad)
                codes = [(await one.until("error"))["error"]["code"] for _ in range(3)]
                return codes, await one.close_code()

        assert run(talk()) == (["unknown_event", "unknown_event", "too_many_errors"], 1008)


def test_too_much_sound_too_fast_is_refused(server):
    ahead = [{"type": "session.input_audio.append", "audio": pcm(6)}] * 2

    async def talk():
        async with client(server) as one:
            await start(one)
            for event in ahead:
                await one.send(**event)
            assert (await one.until("error"))["error"]["code"] == "input_too_fast"
            await one.until("session.turn")

    with running(speed=1.0) as slow:
        server = slow
        run(talk())


def test_too_much_text_is_refused(server):
    async def talk():
        async with client(server) as one:
            await start(one)
            for _ in range(12):
                await one.send(type="session.input_text.append", text="x" * 2000)
            assert (await one.until("error"))["error"]["code"] == "input_too_fast"

    run(talk())


def test_limits_end_a_session_with_their_name():
    with running(bytes=5_000) as server:
        assert last_words(server, {"type": "session.input_audio.append", "audio": pcm(0.2)}) == ("byte_limit", 1008)
    with running(idle_s=2.0) as server:
        assert last_words(server) == ("idle_timeout", 1000)
    with running(wall_s=2.0) as server:
        assert last_words(server) == ("session_expired", 1000)
    with running(behind_s=-1.0) as server:
        assert last_words(server) == ("busy", 1013)
    with running(events_per_s=2.0, speed=1.0) as server:
        events = [{"type": "session.input_audio.mute"}] * 30
        assert last_words(server, *events) == ("rate_limit_exceeded", 1008)


def test_one_who_only_holds_the_line_is_let_go():
    async def talk(server):
        async with client(server) as one:
            assert (await one.until("error"))["error"]["code"] == "idle_timeout"
            return await one.close_code()

    with running() as server:
        assert run(talk(server)) == 1000


class Deaf:
    """A socket whose client never reads: its buffer holds three messages, and then nothing goes out any more."""

    def __init__(self):
        self.sent, self.closed = [], None

    async def receive(self) -> dict:
        if not self.sent:
            return {"type": "websocket.receive", "text": '{"type": "session.start", "session": {"model": "x"}}'}
        await asyncio.Event().wait()

    async def send_text(self, text: str) -> None:
        if len(self.sent) == 3:
            await asyncio.Event().wait()
        self.sent.append(text)

    async def close(self, code: int, reason: str) -> None:
        self.closed = code, reason


def test_one_who_never_reads_is_let_go():
    async def talk():
        socket, engine = Deaf(), Engine()
        host = Host(engine.open, Settings(slow_s=2.0), Clock(20.0), Metrics(lambda: [1.0]))
        await Connection(socket, LiveWire(host, False), host).serve()
        assert not host.sessions and b'why="slow_reader"' in host.metrics.render([])
        await eventually(lambda: not engine.open_now)
        return socket.closed

    assert run(talk()) == (1008, "slow_reader")


def test_one_session_that_fails_leaves_the_others_alone(server):
    async def talk():
        async with client(server) as one, client(server) as two:
            await start(one)
            await start(two)
            await type_in(one, "crash")
            assert (await one.until("error"))["error"]["code"] == "session_failed"
            assert await one.close_code() == 1011
            await type_in(two, "write fine")
            await two.until("session.turn", text="fine")

    run(talk())


def test_a_full_server_says_so():
    async def talk(server):
        async with client(server) as one, client(server) as two:
            await start(one)
            await two.send(type="session.start", session={"model": "x"})
            assert (await two.until("error"))["error"]["code"] == "busy"
            assert await two.close_code() == 1013

    with running(sessions=1) as server:
        run(talk(server))
    with running(engine=Engine(places=1)) as server:
        run(talk(server))


def refused(server, **options) -> int:
    async def talk():
        try:
            async with client(server, **options):
                return 101
        except InvalidStatus as error:
            return error.response.status_code

    return run(talk())


def test_keys_and_origins():
    key = "k" * 20
    with running(keys=(key,), origins=("https://friend.example",)) as server:
        good = {"Authorization": f"Bearer {key}"}
        assert refused(server) == 401
        assert refused(server, additional_headers={"Authorization": "Bearer wrong"}) == 401
        assert refused(server, additional_headers=good) == 101
        assert refused(server, additional_headers=good, origin="https://evil.example") == 403
        assert refused(server, additional_headers=good, origin="https://friend.example") == 101
        assert refused(server, additional_headers=good, origin=f"http://127.0.0.1:{server.port}") == 101


def test_a_key_may_come_as_a_subprotocol():
    async def talk(server):
        from websockets.asyncio.client import connect

        names = ["duologue.v1", "openai-insecure-api-key." + "k" * 20]
        async with connect(server.url(), subprotocols=names) as socket:
            assert socket.subprotocol == "duologue.v1"

    with running(keys=("k" * 20,)) as server:
        run(talk(server))


def test_an_address_that_connects_too_often_has_to_wait():
    with running(connections_per_minute=3, speed=1.0) as server:
        assert [refused(server) for _ in range(4)] == [101, 101, 101, 429]


def test_a_message_over_the_limit_closes_the_connection(server):
    async def talk():
        async with client(server) as one:
            await start(one)
            await one.socket.send("x" * (2**20 + 1))
            return await one.close_code()

    assert run(talk()) == 1009
