"""Running it: health, figures, keys, logs without content, TLS, and going down without cutting anybody off."""

import asyncio
import io
import json
import logging
import signal
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import av
import pytest
from websockets.asyncio.client import connect

from duologue.errors import ConfigError, DataError
from duologue.server.run import JsonLines
from duologue.server.settings import check_reach, read_keys
from tests.server.stand_in import Client, client, eventually, pcm, running, start, type_in

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from tests.server.stand_in import Engine
from duologue.server.app import Server
from duologue.server.run import run
from duologue.server.settings import Settings
from pathlib import Path
files = [Path(name) for name in sys.argv[2:]]
run(Server(Engine().open, Settings(drain_s=20), lambda: [1.0]), "127.0.0.1", int(sys.argv[1]), *files)
"""


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 120))


def get(server, path: str, **headers) -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def figure(text: str, name: str) -> float:
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name + " "))


def test_figures_count_what_happened():
    async def talk(server):
        async with client(server) as one:
            await start(one)
            await one.send(type="session.input_audio.append", audio=pcm(0.1))
            while not (await one.until("session.turn"))["missing_ms"]:
                pass
            return get(server, "/metrics")

    with running() as server:
        status, text = run(talk(server))
        assert status == 200 and figure(text, "duologue_sessions") == 1 and figure(text, "duologue_connections") == 1
        assert figure(text, "duologue_turns_total") > 0 and figure(text, "duologue_missing_seconds_total") >= 0.1
        assert figure(text, 'duologue_tick_ms{quantile="0.99"}') == 1.0
        assert get(server, "/health") == (200, '{"status":"ok"}')


def test_figures_need_a_key_where_there_are_keys():
    with running(keys=("k" * 20,)) as server:
        assert get(server, "/metrics")[0] == 401
        assert get(server, "/metrics", Authorization="Bearer " + "k" * 20)[0] == 200


def test_the_page_may_talk_to_nobody_else():
    with running() as server, urllib.request.urlopen(f"http://127.0.0.1:{server.port}/", timeout=30) as page:
        assert "default-src 'self'" in page.headers["Content-Security-Policy"]


def test_the_page_has_a_spoken_sign_unless_the_operator_gives_one():
    with running() as server, urllib.request.urlopen(f"http://127.0.0.1:{server.port}/machine.ogg", timeout=30) as found:
        clip = found.read()
    with av.open(io.BytesIO(clip)) as file:
        assert 1.0 < sum(frame.samples / frame.sample_rate for frame in file.decode(audio=0)) < 3.0
    with running(spoken_sign=False) as server:
        assert get(server, "/machine.ogg")[0] == 404 and get(server, "/main.js")[0] == 200


def test_keys_come_from_a_file_and_must_be_long(tmp_path):
    path = tmp_path / "keys"
    path.write_text("a" * 16 + "\n" + "b" * 20 + "\n")
    assert read_keys(path) == ("a" * 16, "b" * 20) and read_keys(None) == ()
    for bad in ("", "short"):
        path.write_text(bad)
        with pytest.raises(DataError, match="at least one API key"):
            read_keys(path)
    with pytest.raises(DataError, match="cannot read"):
        read_keys(tmp_path / "none")


def test_an_open_address_needs_keys():
    with pytest.raises(ConfigError, match="open to the network"):
        check_reach("0.0.0.0", ())
    check_reach("127.0.0.1", ())
    check_reach("0.0.0.0", ("k" * 20,))


def test_logs_hold_no_content(caplog):
    caplog.set_level(logging.DEBUG, "duologue")

    async def talk(server):
        async with client(server) as one:
            token = (await start(one))["duologue"]["resume_token"]
            await type_in(one, "write my secret")
            await one.until("session.turn", text="my secret")
            await one.socket.send('{"type": "my secret"}')
            await one.until("error")
            return token

    with running() as server:
        token = run(talk(server))
    lines = [JsonLines().format(record) for record in caplog.records]
    assert any(json.loads(line)["event"] == "session.opened" for line in lines)
    assert not [line for line in lines if "secret" in line or token in line]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def reach(url: str, **options):
    """A connection to a server that may still be starting."""
    for _ in range(600):
        try:
            return await connect(url, subprotocols=["duologue.v1"], **options)
        except OSError:
            await asyncio.sleep(0.1)
    raise AssertionError("the server did not start")


def test_a_signal_lets_conversations_end_and_takes_no_new_ones():
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(port)], cwd=ROOT, stderr=subprocess.PIPE)

    async def talk():
        one = Client(await reach(f"ws://127.0.0.1:{port}/v1/live/sessions"))
        await start(one)
        process.send_signal(signal.SIGTERM)
        assert (await one.until("session.draining"))["deadline_ms"] == 20_000
        two = Client(await reach(f"ws://127.0.0.1:{port}/v1/live/sessions"))
        await two.send(type="session.start", session={"model": "x"})
        assert (await two.until("error"))["error"]["code"] == "draining"
        await type_in(one, "write to the end")
        await one.until("session.turn", text="to the end")
        await one.send(type="session.close")
        await one.until("session.closed", reason="close_requested")

    try:
        run(talk())
        assert process.wait(60) == 0
        lines = [json.loads(line) for line in process.stderr.read().decode().splitlines()]
        assert {"session.opened", "session.ended"} <= {line["event"] for line in lines}
    finally:
        process.kill()


def test_what_has_not_ended_by_the_deadline_is_ended():
    async def talk(server):
        async with client(server) as one:
            await start(one)
            down = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(server.host.drain(), server.loop))
            assert (await one.until("error"))["error"]["code"] == "draining"
            assert await one.close_code() == 1012
            await down

    with running(drain_s=2.0) as server:
        run(talk(server))
        run(eventually(lambda: not server.engine.open_now))
        assert get(server, "/health")[0] == 503


def test_tls(tmp_path):
    cert, key, port = tmp_path / "cert.pem", tmp_path / "key.pem", free_port()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
         "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(port), cert, key], cwd=ROOT, stderr=subprocess.DEVNULL)

    async def talk():
        trust = ssl.create_default_context(cafile=str(cert))
        trust.check_hostname = False
        one = Client(await reach(f"wss://127.0.0.1:{port}/v1/live/sessions", ssl=trust))
        await start(one)

    try:
        run(talk())
    finally:
        process.kill()
