"""A server that speaks streamable HTTP as far as the tests need, and fails in the way that a tool's name asks for."""

import asyncio
import gzip
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

ARGUMENTS: dict[str, Any] = {
    "type": "object",
    "properties": {"ref": {"type": "string", "description": "which"}},
    "required": ["ref"],
}
LONG = {"content": [{"type": "text", "text": "x" * 1_000_000}]}
PACKED = gzip.compress(b'{"jsonrpc": "2.0", "id": 3, "result": {}}')
JSON = "application/json"

PLAIN: Mapping[str, Callable[[], web.Response]] = {
    "busy": lambda: web.Response(status=503, headers={"Retry-After": "7"}),
    "broken": lambda: web.Response(status=500),
    "elsewhere": lambda: web.Response(status=307, headers={"Location": "http://127.0.0.2:9/mcp"}),
    "no_json": lambda: web.Response(body=b"{CANARY", content_type=JSON),
    "packed": lambda: web.Response(body=PACKED, content_type=JSON, headers={"Content-Encoding": "gzip"}),
    "text": lambda: web.Response(text="hello"),
    "accepted": lambda: web.Response(status=202),
}
ERRORS = {
    "missing": (200, -32601, "no such method"),
    "invalid": (400, -32602, "no such order"),
    "stranger": (200, -32099, "not sent"),  # the code of our own transports, without a token
}
RESULTS: Mapping[str, Any] = {"huge": LONG, "no_result": {"content": "CANARY"}}
ORDER = {
    "type": "object",
    "properties": {**ARGUMENTS["properties"], "key": {"type": "string", "description": "once for each"}},
    "required": ["ref", "key"],
}
FAULTS = (*PLAIN, *ERRORS, *RESULTS, "fine", "stream", "huge_stream", "cut", "moved", "silent", "forgotten")


TOOLS = {
    name: {"name": name, "description": name, "inputSchema": ORDER if name == "order" else ARGUMENTS}
    for name in (*FAULTS, "order", "orders")
}


class HttpServer:
    """What it was asked, and how it is to answer."""

    def __init__(self) -> None:
        self.token: str | None = None
        self.sessions = 0
        self.known: set[str] = set()
        self.seen: list[str] = []
        self.orders: dict[str, str] = {}
        self.connections: set[int] = set()
        self.deaf = False
        self.url = ""

    async def post(self, request: web.Request) -> web.StreamResponse:
        if self.token is not None and request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=401)
        self.connections.add(request.transport.get_extra_info("peername")[1] if request.transport else 0)
        message: dict[str, Any] = await request.json()
        method, number = str(message["method"]), message.get("id")
        if method == "initialize":
            return self._initialized(number)
        if request.headers.get("Mcp-Session-Id") not in self.known:
            return self._error(number, 404, -32001, "Session not found")
        if number is None:
            self.seen.append(method)
            if self.deaf and method == "notifications/cancelled":
                await asyncio.sleep(60)
            return web.Response(status=202)
        if method == "tools/list":
            return self._result(number, {"tools": list(TOOLS.values())})
        self.seen.append(message["params"]["name"])
        return await self._fault(request, number, message["params"])

    def _initialized(self, number: Any) -> web.Response:
        self.sessions += 1
        session = f"s-{self.sessions}"
        self.known.add(session)
        info = {"name": "faults", "version": "1"}
        said = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info}
        answer = self._result(number, said)
        answer.headers["Mcp-Session-Id"] = session
        return answer

    async def _fault(self, request: web.Request, number: Any, params: dict[str, Any]) -> web.StreamResponse:
        name, fine = str(params["name"]), {"content": [{"type": "text", "text": params["arguments"]["ref"]}]}
        if name in PLAIN:
            return PLAIN[name]()
        if name in ERRORS:
            return self._error(number, *ERRORS[name])
        match name:
            case "stream":
                return await self._stream(request, {"jsonrpc": "2.0", "id": number, "result": fine})
            case "huge_stream":
                return await self._stream(request, {"jsonrpc": "2.0", "id": number, "result": LONG})
            case "cut":
                return await self._stream(request, None)
            case "moved":
                return web.Response(status=307, headers={"Location": self.url.replace("/mcp", "/other")})
            case "silent":
                await asyncio.sleep(60)
            case "forgotten":
                self.known.clear()
                return self._error(None, 400, -32000, "Bad Request: No valid session ID provided")
            case _:
                return self._result(
                    number, self._ordered(name, params["arguments"]) or RESULTS.get(name, fine)
                )
        raise AssertionError("nobody waits for so long")

    def _ordered(self, name: str, arguments: dict[str, str]) -> dict[str, Any] | None:
        if name == "order":
            self.orders[arguments["key"]] = arguments["ref"]
        if name != "orders":
            return None
        found = arguments["ref"] if arguments["ref"] in self.orders.values() else None
        return {"content": [], "structuredContent": {"found": found}}

    async def other(self, request: web.Request) -> web.Response:
        raise AssertionError("a redirect was followed")

    def _result(self, number: Any, result: dict[str, Any]) -> web.Response:
        return web.json_response({"jsonrpc": "2.0", "id": number, "result": result})

    def _error(self, number: Any, status: int, code: int, message: str) -> web.Response:
        error = {"code": code, "message": message}
        return web.json_response({"jsonrpc": "2.0", "id": number, "error": error}, status=status)

    async def _stream(self, request: web.Request, message: dict[str, Any] | None) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        await answer.write(b": hello\r\n\r\n")
        if message is not None:
            await answer.write(b"event: message\r\ndata: " + json.dumps(message).encode() + b"\r\n\r\n")
            await asyncio.sleep(0.02)  # real ones end a moment after their answer, too
        return answer


@asynccontextmanager
async def served() -> AsyncGenerator[HttpServer]:
    server = HttpServer()
    app = web.Application()
    app.router.add_post("/mcp", server.post)
    app.router.add_post("/other", server.other)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}/mcp"
    yield server
    await runner.cleanup()
