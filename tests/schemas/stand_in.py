"""A schema registry on loopback that tests can make answer anything."""

import asyncio
import base64
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson
from aiohttp import web

from schemas.registry.files import SchemaFile
from schemas.registry.folder import folder_id


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
    references: dict[int, list[dict[str, object]]] = field(default_factory=dict[int, list[dict[str, object]]])
    guids: dict[str, int] = field(default_factory=dict[str, int])
    verdict: dict[str, object] = field(default_factory=lambda: dict[str, object](is_compatible=True))
    headers: dict[str, str] = field(default_factory=dict[str, str])
    status: int = 200
    statuses: list[int] = field(default_factory=list[int])
    """Of the next answers, before `status` counts."""
    retry_after: str | None = None
    slow: set[str] | None = None
    """The paths that wait at a closed gate; all where None."""
    error: bytes | None = None
    """The body of answers that are none of success, instead of what a registry says."""
    raw: bytes | None = None
    raw_of: dict[int, bytes] = field(default_factory=dict[int, bytes])
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append(f"{request.method} {request.path}")
        self.authorization = request.headers.get("Authorization")
        self.headers = dict(request.headers)
        self.arrived.set()
        if self.slow is None or request.path in self.slow:
            await self.gate.wait()
        status = self.statuses.pop(0) if self.statuses else self.status
        if status != 200 and self.error is not None:
            return web.Response(body=self.error, status=status)
        if status != 200:
            said = {"error_code": status * 100, "message": "no"}
            headers = {"Retry-After": self.retry_after} if self.retry_after else None
            return web.json_response(said, status=status, headers=headers)
        if self.raw is not None:
            return web.Response(body=self.raw)
        return self._answer(request.path.removeprefix("/base"), request.match_info, await request.read())

    def _answer(self, path: str, about: web.UrlMappingMatchInfo, body: bytes) -> web.Response:
        if path.startswith("/compatibility"):
            return web.json_response(self.verdict)
        if path.startswith("/config"):
            return web.json_response({"compatibilityLevel": "BACKWARD"})
        if body:
            text = orjson.loads(body)["schema"]
            return (self._register if path.endswith("/versions") else self._find)(about["subject"], text)
        if "subject" in about:
            return self._versions(about["subject"], about.get("version"))
        schema_id = self.guids.get(about["guid"], 0) if "guid" in about else int(about["id"])
        if schema_id in self.raw_of:
            return web.Response(body=self.raw_of[schema_id])
        if schema_id not in self.schemas:
            return web.json_response({"error_code": 40403, "message": "Schema not found"}, status=404)
        return web.json_response(self._said(schema_id))

    def _said(self, schema_id: int) -> dict[str, object]:
        references = self.references.get(schema_id)
        more: dict[str, object] = {"references": references} if references else {}
        return {"schema": self.schemas[schema_id], **more, **self.extra}

    def _find(self, subject: str, text: str) -> web.Response:
        known = [
            n for n in self.subjects.get(subject, []) if orjson.loads(self.schemas[n]) == orjson.loads(text)
        ]
        if not known:
            return web.json_response({"error_code": 40403, "message": "Schema not found"}, status=404)
        return web.json_response({"subject": subject, "id": known[0], "version": 1, "schema": text})

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
        return web.json_response({**about, **self._said(schema_id)})

    def hold(self, subject: str, text: str, *, references: list[dict[str, object]] | None = None) -> int:
        """Have a version of a subject as if somebody had registered it; return its id."""
        schema_id = max(self.schemas, default=0) + 1
        self.schemas[schema_id] = text
        self.subjects.setdefault(subject, []).append(schema_id)
        if references:
            self.references[schema_id] = references
        return schema_id

    def hold_files(self, files: Iterable[SchemaFile]) -> None:
        """Have schema files under the names of their records, by the ids that a folder gives them."""
        for file in files:
            schema_id = folder_id(file.schema)
            self.schemas[schema_id] = file.schema.text
            self.subjects.setdefault(file.schema.name, []).append(schema_id)

    def expects_user(self, username: str, password: str) -> bool:
        pair = base64.b64encode(f"{username}:{password}".encode()).decode()
        return self.authorization == f"Basic {pair}"


@asynccontextmanager
async def standing_in() -> AsyncGenerator[StandIn]:
    """Serve a stand-in while the block runs."""
    server = StandIn()
    app = web.Application()
    for path in ("schemas/ids/{id}", "schemas/guids/{guid}", "config", "config/{subject}"):
        app.router.add_get(f"/base/{path}", server.answer)
    app.router.add_get("/base/subjects/{subject}/versions/{version}", server.answer)
    app.router.add_route("*", "/base/subjects/{subject}/versions", server.answer)
    for path in ("subjects/{subject}", "compatibility/subjects/{subject}/versions"):
        app.router.add_post(f"/base/{path}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}/base/"
    yield server
    server.gate.set()
    await runner.cleanup()
