"""An HTTP proxy that shoots a process at a chosen moment: when a request arrives, or once it is done. It can hold requests, too."""

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Literal, Self

import aiohttp
from aiohttp import web

Phase = Literal["before", "after"]
_HOP_BY_HOP = frozenset(
    {"transfer-encoding", "connection", "keep-alive", "content-length", "content-encoding"}
)


class Moments:
    """Counts the requests of all proxies that share it and kills at the chosen one.

    `before`: the request reached us and goes no further. `after`: it took effect, the answer is lost.
    """

    def __init__(self) -> None:
        self.seen = 0
        self.deadly: int | None = None
        self.phase: Phase = "before"
        self.victim: int | None = None
        self.killed = False

    def arm(self, deadly: int, phase: Phase, victim: int) -> None:
        self.deadly, self.phase, self.victim, self.killed, self.seen = deadly, phase, victim, False, 0

    def strike(self, number: int, phase: Phase) -> bool:
        """Kill if this is the moment; says whether it was."""
        if self.killed or number != self.deadly or phase != self.phase or self.victim is None:
            return False
        os.kill(self.victim, signal.SIGKILL)
        self.killed = True
        return True


class DeadlyProxy:
    """Forwards to one origin."""

    def __init__(self, origin: str, moments: Moments) -> None:
        self._origin = origin
        self._moments = moments
        self._exits = AsyncExitStack()
        self.address = ""
        self.bodies: list[bytes] = []
        """Of every request that arrived, in order."""
        self.gate: asyncio.Semaphore | None = None
        """Lets so many requests through, and holds the others, where there is one."""

    async def __aenter__(self) -> Self:
        self._session = await self._exits.enter_async_context(
            aiohttp.ClientSession(
                trust_env=False, auto_decompress=False, timeout=aiohttp.ClientTimeout(total=30)
            )
        )
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._forward)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        self._exits.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exits.aclose()

    async def _forward(self, request: web.Request) -> web.Response:
        self._moments.seen += 1
        number = self._moments.seen
        body = await request.read()
        self.bodies.append(body)
        if self._moments.strike(number, "before"):
            raise web.HTTPBadGateway
        if self.gate:
            await self.gate.acquire()
        async with self._session.request(
            request.method, self._origin + request.raw_path, data=body, headers=_end_to_end(request.headers)
        ) as answer:
            content = await answer.read()
            if self._moments.strike(number, "after"):
                raise web.HTTPBadGateway
            return web.Response(status=answer.status, body=content, headers=_end_to_end(answer.headers))


def _end_to_end(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP | {"host"}}
