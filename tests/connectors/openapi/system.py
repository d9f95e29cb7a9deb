"""A system on loopback that answers as a test says, and the connector that its OpenAPI document describes."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from ssl import SSLContext
from typing import Any

from aiohttp import web

from connectors.action import Call
from connectors.connector import Connector
from connectors.http import HttpClient
from connectors.openapi.kind import build_openapi
from connectors.openapi.settings import OpenApiSettings
from connectors.perform import perform

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

JSON_ANSWER = {
    "200": {"description": "Done.", "content": {"application/json": {"schema": {"type": "object"}}}}
}
THINGS: dict[str, Any] = {
    "/things/{id}": {
        "get": {
            "operationId": "getThing",
            "summary": "Look up a thing.",
            "parameters": [
                {
                    "name": "id",
                    "in": "path",
                    "required": True,
                    "description": "Which.",
                    "schema": {"type": "string"},
                }
            ],
            "responses": JSON_ANSWER,
        }
    },
    "/things": {
        "post": {
            "operationId": "createThing",
            "summary": "Make a thing.",
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "properties": {"name": {"type": "string", "description": "What it is called."}},
                        }
                    }
                },
            },
            "responses": JSON_ANSWER,
        }
    },
}
OPERATIONS: dict[str, Any] = {
    "get_thing": {"id": "getThing"},
    "make_thing": {
        "id": "createThing",
        "effect": "write",
        "idempotency": "provider-key",
        "key_header": "Idempotency-Key",
        "window": "24h",
    },
}


@asynccontextmanager
async def serving(handler: Handler, *, tls: SSLContext | None = None) -> AsyncGenerator[str]:
    """Serve every path with one handler; give the URL."""
    app = web.Application()
    app.router.add_route("*", r"/{path:[\s\S]*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}/api"
    finally:
        await runner.cleanup()


def described(folder: Path, paths: Mapping[str, Any], **more: Any) -> Path:
    """Write a document with these paths."""
    file = folder / "system.json"
    said = {"openapi": "3.1.0", "info": {"title": "A system", "version": "1"}, "paths": paths, **more}
    file.write_text(json.dumps(said), encoding="utf-8")
    return file


def section(folder: Path, base_url: str, **more: Any) -> OpenApiSettings:
    """Return the settings of a section; without any, those of THINGS."""
    paths = more.pop("paths", THINGS)
    given = {"base_url": base_url, "document": described(folder, paths), "operations": OPERATIONS, **more}
    return OpenApiSettings.model_validate(given)


@asynccontextmanager
async def opened(settings: OpenApiSettings) -> AsyncGenerator["System"]:
    """Build the connector of a section and open it."""
    made = build_openapi("shop", settings)
    async with made.open(settings) as client:
        yield System(made, client)


class System:
    """A connector that is open."""

    def __init__(self, connector: Connector[HttpClient], client: HttpClient) -> None:
        self.connector = connector
        self.client = client

    async def perform(self, verb: str, arguments: Mapping[str, Any], *, timeout_s: float = 5) -> Any:
        """Perform an action as the engine does."""
        action = self.connector.actions[f"shop.{verb}"]
        call = Call(self.client, key="key-1", timeout_s=timeout_s, tenant="acme", run_id="run-1")
        return await perform(action, call, action.arguments.model_validate(dict(arguments)))


async def echo(request: web.Request) -> web.Response:
    """Answer with what was asked."""
    body = await request.read()
    headers = {name.lower(): value for name, value in request.headers.items()}
    said = {"method": request.method, "target": request.raw_path, "headers": headers, "body": body.decode()}
    return web.json_response(said)
