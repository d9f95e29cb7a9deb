"""The service's HTTP side: who may call, which operation it is, what is answered."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TypeVar

import orjson
from aiohttp import web
from aiohttp.typedefs import Middleware
from pydantic import BaseModel, ValidationError

from connectors.sandbox.service.faults import LIMIT, Fault, Faults
from connectors.sandbox.service.openapi import openapi_document
from connectors.sandbox.service.operations import OPERATIONS, Operation
from connectors.sandbox.service.refusal import RefusedError
from connectors.sandbox.service.requests import Nothing
from connectors.sandbox.service.store import Store
from schemas.canonical import digest

Model = TypeVar("Model", bound=BaseModel)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_OPEN_TO_ALL = frozenset(("/healthz", "/openapi.json"))
_KEY_LIMIT = 200
_BODY_LIMIT = 64 * 1024


def make_app(store: Store, *, token: str) -> web.Application:
    """Return the application; the caller keeps the store open as long as it serves."""
    faults = Faults()
    app = web.Application(
        middlewares=[_guard(token), _refusals, _faulty(faults)], client_max_size=_BODY_LIMIT
    )
    for operation in OPERATIONS:
        app.router.add_route(operation.method, operation.path, _endpoint(operation, store))
    document = orjson.dumps(openapi_document())

    async def healthz(_: web.Request) -> web.Response:
        return _json(b'{"status":"ok"}')

    async def openapi(_: web.Request) -> web.Response:
        return _json(document)

    async def ledger(_: web.Request) -> web.Response:
        return _json(orjson.dumps([asdict(entry) for entry in store.ledger()]))

    async def add_fault(request: web.Request) -> web.Response:
        if not faults.add(_validated(Fault, await request.read())):
            raise RefusedError(429, "too_many_faults", f"At most {LIMIT} faults may wait.")
        return web.Response(status=204)

    async def clear_faults(_: web.Request) -> web.Response:
        faults.clear()
        return web.Response(status=204)

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/openapi.json", openapi)
    app.router.add_get("/ledger", ledger)
    app.router.add_post("/faults", add_fault)
    app.router.add_delete("/faults", clear_faults)
    return app


def _endpoint(operation: Operation, store: Store) -> Handler:
    async def read(request: web.Request) -> web.Response:
        answer = operation.handle(store.reader, request.match_info.get("subject", ""), Nothing())
        return _json(answer.model_dump_json().encode())

    async def write(request: web.Request) -> web.Response:
        subject = request.match_info.get("subject", "")
        body = _validated(operation.body, await request.read())
        asked = {"operation": operation.name, "subject": subject, "body": body.model_dump(mode="json")}
        result, replayed = store.once(
            _key(request),
            operation.name,
            digest(asked),
            lambda connection: operation.handle(connection, subject, body).model_dump_json(),
        )
        return _json(result.encode(), headers={"Idempotency-Replayed": "true"} if replayed else None)

    return read if operation.method == "GET" else write


def _guard(token: str) -> Middleware:
    expected = f"Bearer {token}".encode()

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if request.path not in _OPEN_TO_ALL and not hmac.compare_digest(given, expected):
            refused = RefusedError(401, "unauthorized", "A bearer token is needed.")
            return _problem(refused, headers={"WWW-Authenticate": "Bearer"})
        return await handler(request)

    return guard


@web.middleware
async def _refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except RefusedError as refused:
        return _problem(refused)


def _faulty(faults: Faults) -> Middleware:
    @web.middleware
    async def faulty(request: web.Request, handler: Handler) -> web.StreamResponse:
        fault = None if request.path == "/faults" else faults.take(request.method, request.path)
        if fault is None:
            return await handler(request)
        if fault.kind == "status":
            said = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
            return _problem(RefusedError(fault.status, "fault", "A fault was asked for."), headers=said)
        await asyncio.sleep(fault.delay_s)
        response = await handler(request)
        if fault.kind == "lost_reply" and request.transport is not None:
            request.transport.abort()
        return response

    return faulty


def _key(request: web.Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 0 < len(key) <= _KEY_LIMIT:
        raise RefusedError(400, "bad_key", f"An idempotency key has 1 to {_KEY_LIMIT} characters.")
    return key


def _validated(model: type[Model], raw: bytes) -> Model:
    try:
        return model.model_validate_json(raw or b"{}")
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "body"
        raise RefusedError(422, "invalid", f"{place}: {first['msg']}.") from error


def _json(body: bytes, *, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=body, content_type="application/json", headers=headers)


def _problem(refused: RefusedError, *, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        status=refused.status,
        body=orjson.dumps(refused.problem()),
        content_type="application/problem+json",
        headers=headers,
    )
