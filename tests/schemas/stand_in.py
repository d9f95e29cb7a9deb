"""A schema registry on loopback that tests can make answer anything."""

import asyncio
import base64
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson
from aiohttp import web


@dataclass
class StandIn:
    """A small real HTTP server that answers as far as the tests need; a stand-in, not Confluent's registry.

    It shows that our requests, our reading of answers and our handling of trouble are right as we understand the
    REST interface; that we understand it as real registries do is for the tests against one.
    """

    url: str = ""
    schemas: dict[int, str] = field(default_factory=dict[int, str])
    subjects: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    requests: list[str] = field(default_factory=list[str])
    authorization: str | None = None
    extra: dict[str, object] = field(default_factory=dict[str, object])
    status: int = 200
    raw: bytes | None = None
    raw_of: dict[int, bytes] = field(default_factory=dict[int, bytes])
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append(f"{request.method} {request.path}")
        self.authorization = request.headers.get("Authorization")
        self.arrived.set()
        await self.gate.wait()
        if self.status != 200:
            return web.json_response({"error_code": self.status * 100, "message": "no"}, status=self.status)
        if self.raw is not None:
            return web.Response(body=self.raw)
        if request.method == "POST":
            return self._register(request.match_info["subject"], orjson.loads(await request.read())["schema"])
        if "subject" in request.match_info:
            return self._versions(request.match_info["subject"], request.match_info.get("version"))
        schema_id = int(request.match_info["id"])
        if schema_id in self.raw_of:
            return web.Response(body=self.raw_of[schema_id])
        if schema_id not in self.schemas:
            return web.json_response({"error_code": 40403, "message": "Schema not found"}, status=404)
        return web.json_response({"schema": self.schemas[schema_id], **self.extra})

    def _register(self, subject: str, text: str) -> web.Response:
        schema_id = next(
            (each for each, known in self.schemas.items() if orjson.loads(known) == orjson.loads(text)), None
        )
        if schema_id is None:
            schema_id = max(self.schemas, default=0) + 1
            self.schemas[schema_id] = text
        ids = self.subjects.setdefault(subject, [])
        if schema_id not in ids:
            ids.append(schema_id)
        return web.json_response({"id": schema_id})

    def _versions(self, subject: str, version: str | None) -> web.Response:
        if subject not in self.subjects:
            return web.json_response({"error_code": 40401, "message": "Subject not found"}, status=404)
        ids = self.subjects[subject]
        if version is None:
            return web.json_response(list(range(1, len(ids) + 1)))
        schema_id = ids[int(version) - 1]
        about = {"subject": subject, "version": int(version), "id": schema_id}
        return web.json_response({**about, "schema": self.schemas[schema_id], **self.extra})

    def expects_user(self, username: str, password: str) -> bool:
        pair = base64.b64encode(f"{username}:{password}".encode()).decode()
        return self.authorization == f"Basic {pair}"


@asynccontextmanager
async def standing_in() -> AsyncGenerator[StandIn]:
    """Serve a stand-in while the block runs."""
    server = StandIn()
    app = web.Application()
    app.router.add_get("/base/schemas/ids/{id}", server.answer)
    app.router.add_get("/base/subjects/{subject}/versions", server.answer)
    app.router.add_get("/base/subjects/{subject}/versions/{version}", server.answer)
    app.router.add_post("/base/subjects/{subject}/versions", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}/base/"
    yield server
    server.gate.set()
    await runner.cleanup()
