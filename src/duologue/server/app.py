"""The server's doors: two WebSockets, the same two over WebRTC, the page, health and metrics. Read `Server` first."""

from collections.abc import Callable, Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from duologue.server.access import Doorkeeper, protocols, refusal
from duologue.server.clock import Clock
from duologue.server.connection import Connection, Wire
from duologue.server.faults import Fault
from duologue.server.host import Agents, Door, Host
from duologue.server.live_wire import LiveWire
from duologue.server.metrics import Metrics
from duologue.server.realtime_wire import RealtimeWire
from duologue.server.settings import Settings

PAGE = Path(__file__).parent / "page"
SPOKEN_SIGN = "machine.ogg"
EXTENDED, REALTIME = "duologue.v1", "realtime"
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": "microphone=(self), camera=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


MOST_SDP = 2**16


async def offered(request: Request) -> str:
    """The SDP of a request. Raises Fault for one that is too large or no text."""
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form(max_files=2, max_fields=2, max_part_size=MOST_SDP) as form:
            part = form.get("sdp", "")
            data = part.encode() if isinstance(part, str) else await part.read(MOST_SDP + 1)
    else:
        data = b""
        async for piece in request.stream():
            data += piece
            if len(data) > MOST_SDP:
                break
    if len(data) > MOST_SDP:
        raise Fault("invalid_sdp", f"the offer has more than {MOST_SDP} bytes")
    return data.decode(errors="replace")


class Page(StaticFiles):
    """The page, which may talk to this server only; `without` names files that it does not give."""

    def __init__(self, without: tuple[str, ...] = ()):
        super().__init__(directory=PAGE, html=True, check_dir=False)
        self.without = without

    async def get_response(self, path: str, scope) -> Response:
        if path in self.without:
            raise HTTPException(404)
        response = await super().get_response(path, scope)
        response.headers.update(HEADERS)
        return response


class Server:
    """`door` opens a conversation on the engine (`Conversation.on`), `agents` a background side for it; `tick_ms` gives the
    durations of the last ticks."""

    def __init__(
        self,
        door: Door,
        settings: Settings,
        tick_ms: Callable[[], Sequence[float]],
        clock: Clock | None = None,
        agents: Agents | None = None,
    ):
        self.settings, self.clock = settings, clock or Clock()
        self.metrics = Metrics(tick_ms)
        self.host = Host(door, settings, self.clock, self.metrics, agents)
        self.doorkeeper = Doorkeeper(settings.connections_per_minute)
        self.calls = None  # made with the first one

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                WebSocketRoute("/v1/live/sessions", self.live),
                WebSocketRoute("/v1/realtime", self.realtime),
                Route("/v1/live/webrtc", self.live_call, methods=["POST"]),
                Route("/v1/realtime/calls", self.realtime_call, methods=["POST"]),
                Route("/health", self.health),
                Route("/metrics", self.figures),
                Mount("/", Page(() if self.settings.spoken_sign else (SPOKEN_SIGN,))),
            ]
        )

    async def live(self, socket: WebSocket) -> None:
        extended = EXTENDED in protocols(socket)
        await self._serve(socket, LiveWire(self.host, extended), EXTENDED if extended else None)

    async def realtime(self, socket: WebSocket) -> None:
        await self._serve(socket, RealtimeWire(self.host), REALTIME if REALTIME in protocols(socket) else None)

    async def _serve(self, socket: WebSocket, wire: Wire, subprotocol: str | None) -> None:
        if refused := self._refused(socket):
            status, code = refused
            self.metrics.refused.labels(code).inc()
            await socket.send_denial_response(JSONResponse({"error": {"code": code}}, status))
            return
        await socket.accept(subprotocol)
        with self.metrics.connected.track_inprogress():
            await Connection(socket, wire, self.host).serve()

    async def live_call(self, request: Request) -> Response:
        """The native wire; a data channel called `duologue.v1` speaks that."""
        return await self._call(request, lambda label: LiveWire(self.host, label == EXTENDED))

    async def realtime_call(self, request: Request) -> Response:
        return await self._call(request, lambda label: RealtimeWire(self.host))

    async def _call(self, request: Request, wire_for: Callable[[str], Wire]) -> Response:
        """An answer to an SDP offer: the body itself, or the field `sdp` of a form."""
        if refused := self._refused(request):
            self.metrics.refused.labels(refused[1]).inc()
            return JSONResponse({"error": {"code": refused[1]}}, refused[0])
        try:
            id, answer = await self._calls().take(await offered(request), wire_for)
        except Fault as fault:
            status = 501 if fault.code == "unsupported" else 400
            return JSONResponse({"error": {"code": fault.code, "message": fault.message}}, status)
        return Response(answer, 201, {"Location": f"{request.url.path}/{id}"}, "application/sdp")

    def _calls(self):
        """Raises Fault where the extra is not installed."""
        try:
            from duologue.server.rtc import Calls
        except ModuleNotFoundError as error:
            message = f"{error.name} is not installed on this server, so there is no WebRTC: pip install 'duologue[webrtc]'"
            raise Fault("unsupported", message) from None
        self.calls = self.calls or Calls(self.host)
        return self.calls

    def _refused(self, socket: HTTPConnection) -> tuple[int, str] | None:
        address = socket.client.host if socket.client else ""
        if not self.doorkeeper.admits(address, self.clock.now()):
            return 429, "rate_limit_exceeded"
        return refusal(socket, self.settings)

    async def health(self, request: Request) -> Response:
        return JSONResponse({"status": "draining"}, 503) if self.host.draining else JSONResponse({"status": "ok"})

    async def figures(self, request: Request) -> Response:
        if refused := refusal(request, self.settings):
            return JSONResponse({"error": {"code": refused[1]}}, refused[0])
        return Response(self.metrics.render(list(self.host.sessions.values())), media_type="text/plain; version=0.0.4")
