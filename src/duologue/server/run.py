"""Runs the server until it is told to stop: uvicorn, TLS, logs, and the way down. Read `run` first."""

import asyncio
import json
import logging
import socket
import sys
import time
import webbrowser
from pathlib import Path

import uvicorn

from duologue.errors import ConfigError
from duologue.server.app import Server

MOST_MESSAGE = 2**20
PLAIN_RECORD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class JsonLines(logging.Formatter):
    """One line of JSON a record; nobody's words are ever among the values."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)), "level": record.levelname}
        line |= {"event": record.getMessage()} | {k: v for k, v in vars(record).items() if k not in PLAIN_RECORD}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class Draining(uvicorn.Server):
    """The first signal lets conversations end, the second one does not wait for them."""

    def __init__(self, config: uvicorn.Config, server: Server):
        super().__init__(config)
        self.server = server
        self.down: asyncio.Task | None = None

    async def serve(self, sockets=None) -> None:
        self.loop = asyncio.get_running_loop()
        tidying = self.loop.create_task(self.server.host.tidy())
        await super().serve(sockets)
        tidying.cancel()

    def handle_exit(self, sig: int, frame) -> None:
        if self.server.host.draining:
            super().handle_exit(sig, frame)
        else:
            self.loop.call_soon_threadsafe(self._go_down)

    def _go_down(self) -> None:
        self.down = self.loop.create_task(self.server.host.drain())
        self.down.add_done_callback(lambda _: setattr(self, "should_exit", True))


def run(server: Server, host: str, port: int, cert: Path | None = None, key: Path | None = None, show: bool = False) -> None:
    """Blocks until the server is down; `show` opens the page in a browser. Raises ConfigError for an address or a certificate that cannot be used."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    config = uvicorn.Config(
        server.app(), host, port, ws_max_size=MOST_MESSAGE, ws_per_message_deflate=False, log_config=None, access_log=False,
        server_header=False, ssl_certfile=cert, ssl_keyfile=key, lifespan="off", timeout_graceful_shutdown=5,
    )  # fmt: skip
    try:
        config.load()
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise ConfigError(f"cannot use --cert {cert} with --cert-key {key}: {error}") from error
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise ConfigError(f"cannot listen on {host} port {port} ({error.strerror}); choose another --port") from error
    logging.getLogger("duologue.server").info("server.listening", extra={"host": host, "port": port, "tls": cert is not None})
    if show:  # the socket listens already: the browser waits for the first answer
        webbrowser.open(f"{'https' if cert else 'http'}://{f'[{host}]' if ':' in host else host}:{port}/")
    Draining(config, server).run([listening])
