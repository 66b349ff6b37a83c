"""An OpenAI-compatible endpoint that does what the model's name says: both interfaces, streaming, every kind of failure."""

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

MUCH = "word " * 20_000  # a tenth of a megabyte
FAULTS = (
    "status 500",
    "status 429",
    "hang",
    "half",
    "wrong json",
    "wrong shape",
    "no event",
    "error event",
    "fifty megabytes",
    "cut",
)


class Endpoint:
    """What was asked of it is kept in `requests`."""

    def __init__(self):
        self.requests: list[tuple[str, dict]] = []
        routes = [
            Route("/v1/responses", self.responses, methods=["POST"]),
            Route("/v1/chat/completions", self.chat, methods=["POST"]),
        ]
        self.app = Starlette(routes=routes)

    async def responses(self, request: Request) -> Response:
        return await self.serve(request, _response_events)

    async def chat(self, request: Request) -> Response:
        return await self.serve(request, _chat_events)

    async def serve(self, request: Request, events) -> Response:
        body = await request.json()
        self.requests.append((request.headers.get("idempotency-key"), body))
        kind = body["model"]
        if kind.startswith("status "):
            _, status, *wait = kind.split()
            headers = {"Retry-After": " ".join(wait)} if wait else {}
            return PlainTextResponse('{"error": {"message": "no"}}', int(status), headers, "application/json")
        if kind == "no event":
            return PlainTextResponse("<html>It works!</html>")
        return StreamingResponse(_stream(kind, body, events), media_type="text/event-stream")


async def _stream(kind: str, body: dict, events) -> AsyncIterator[str]:
    pieces, calls = ["It rains ", "in Oslo. ", "Take an umbrella."], []
    if kind in ("tools", "obedient"):
        calls = _wanted(kind, body)
        pieces = [] if calls else ["The result is " + _last_result(body)[:60] + "."]
    lines = events(pieces, calls)
    if kind == "hang":
        yield ": nothing\n\n"
        await asyncio.sleep(3600)
    for line in _spoilt(kind, lines, events) if not kind.startswith("usage ") else _counted(kind, lines):
        yield line
        await asyncio.sleep(0)
    if kind == "cut":
        raise ConnectionResetError


WRONG = {
    "wrong json": ["data: {not json\n\n"],
    "wrong shape": [
        'event: response.output_text.delta\ndata: {"type": "response.output_text.delta", "delta": 7}\n\n',
        'data: {"choices": 3}\n\n',
    ],
    "error event": [
        'event: error\ndata: {"type": "error", "error": {"message": "overloaded", "code": "server_error"}}\n\n'
    ],
}


def _spoilt(kind: str, lines: list[str], events) -> list[str]:
    if kind in ("half", "cut"):
        return lines[:2]
    if kind == "fifty megabytes":
        return events([MUCH], [])[:1] * 500 + lines
    return WRONG.get(kind, []) + ([] if kind == "error event" else lines)


def _counted(kind: str, lines: list[str]) -> list[str]:
    """The same with a count of tokens, where each of the two interfaces has it."""
    usage = {"usage": {"total_tokens": int(kind.split()[1])}}
    if "response.completed" in lines[-1]:
        done = {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": [], **usage}}
        return [*lines[:-1], f"event: response.completed\ndata: {json.dumps(done)}\n\n"]
    last = {"id": "x", "object": "chat.completion.chunk", "choices": [], **usage}
    return [*lines, f"data: {json.dumps(last)}\n\n", "data: [DONE]\n\n"]


def _wanted(kind: str, body: dict) -> list[tuple[str, str]]:
    """The calls that the model makes: once those that the user asks for, "obedient" also whatever a result tells it."""
    results = [m for m in _history(body) if m.get("type") == "function_call_output" or m.get("role") == "tool"]
    if not results:
        return [("fetch", '{"page": "1"}'), ("add", '{"a": 2, "b": 3}')][: 2 if kind == "tools" else 1]
    if kind == "obedient" and len(results) < 4:
        return re.findall(r"CALL (\w+) (\{.*?\})", _last_result(body).replace('\\"', '"'))
    return []


def _last_result(body: dict) -> str:
    return next(
        (
            m.get("output") or m.get("content")
            for m in reversed(_history(body))
            if m.get("output") or m.get("role") == "tool"
        ),
        "",
    )


def _history(body: dict) -> list[dict]:
    return body.get("input") or body["messages"]


def _response_events(pieces: list[str], calls: list[tuple[str, str]]) -> list[str]:
    events = [{"type": "response.output_text.delta", "delta": piece} for piece in pieces]
    for number, (name, arguments) in enumerate(calls):
        item = {
            "type": "function_call",
            "id": f"fc{number}",
            "call_id": f"c{number}",
            "name": name,
            "arguments": arguments,
        }
        events.append({"type": "response.output_item.done", "output_index": number, "item": item})
    events.append({"type": "response.completed", "response": {"id": "r", "status": "completed", "output": []}})
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]


def _chat_events(pieces: list[str], calls: list[tuple[str, str]]) -> list[str]:
    deltas = [{"content": piece} for piece in pieces]
    for number, (name, arguments) in enumerate(calls):
        half = len(arguments) // 2
        first = {
            "index": number,
            "id": f"c{number}",
            "type": "function",
            "function": {"name": name, "arguments": arguments[:half]},
        }
        deltas += [
            {"tool_calls": [first]},
            {"tool_calls": [{"index": number, "function": {"arguments": arguments[half:]}}]},
        ]
    chunks = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls" if calls else "stop"}]})
    return [f"data: {json.dumps({'id': 'x', 'object': 'chat.completion.chunk', **chunk})}\n\n" for chunk in chunks]


@contextmanager
def served(app):
    """The address of an ASGI app on loopback."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        threading.Event().wait(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
