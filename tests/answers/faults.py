"""What comes in place of a response with a good status: refusals, silence, cut connections, floods."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

Fault = Callable[[web.Request, bytes], Awaitable[web.StreamResponse]]
"""Answers a request; the bytes are those of a sound answer."""


def _status(status: int, **headers: str) -> Fault:
    async def fault(request: web.Request, sound: bytes) -> web.StreamResponse:
        del request, sound
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response({"error": {"message": "not now"}}, status=status, headers=named)

    return fault


async def _cut(request: web.Request, sound: bytes) -> web.StreamResponse:
    del sound
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def _cut_in_the_middle(request: web.Request, sound: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": str(len(sound))})
    await response.prepare(request)
    await response.write(sound[: len(sound) // 2])
    return await _cut(request, sound)


async def _silence(request: web.Request, sound: bytes) -> web.StreamResponse:
    """Say nothing until the caller has gone."""
    del request, sound
    await asyncio.Event().wait()
    raise AssertionError


async def _trickle(request: web.Request, sound: bytes) -> web.StreamResponse:
    """Begin, and say nothing more until the caller has gone."""
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(sound[:10])
    return await _silence(request, sound)


async def _flood(request: web.Request, sound: bytes) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(5 * 16):
        await response.write(b" " * 65_536)
    await response.write(sound)
    return response


async def _no_gzip(request: web.Request, sound: bytes) -> web.StreamResponse:
    del request
    return web.Response(body=sound, headers={"Content-Encoding": "gzip"})


async def _bomb(request: web.Request, sound: bytes) -> web.StreamResponse:
    del request
    body = gzip.compress(b" " * 32 * 1024 * 1024 + sound)
    return web.Response(body=body, headers={"Content-Encoding": "gzip"})


FAULTS: Final[dict[str, Fault]] = {
    "500": _status(500),
    "502": _status(502),
    "503 with a short wait": _status(503, retry_after="1"),
    "529": _status(529),
    "408": _status(408),
    "409": _status(409),
    "429": _status(429),
    "429 with a short wait": _status(429, retry_after_ms="200"),
    "429 with a long wait": _status(429, retry_after="120"),
    "429 with a wait that is no number": _status(429, retry_after="soon"),
    "a connection that is cut": _cut,
    "a connection that is cut in the middle": _cut_in_the_middle,
    "a body that is no gzip": _no_gzip,
}
"""Each is asked again at once, unless it asks for a long wait; then the event waits."""

SLOW: Final[dict[str, Fault]] = {
    "no first byte in time": _silence,
    "no last byte in time": _trickle,
    "a body of five megabytes": _flood,
    "a body that unfolds to 32 megabytes": _bomb,
}
"""The same, drawn less often: they take time."""

SILENT: Final = frozenset({"no first byte in time", "no last byte in time"})
"""Those that end with the caller's patience."""
