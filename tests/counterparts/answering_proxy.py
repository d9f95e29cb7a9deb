"""An HTTP proxy that keeps what is asked, and can answer in place of the system."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

_HOP_BY_HOP = frozenset(
    {"transfer-encoding", "connection", "keep-alive", "content-length", "content-encoding", "host"}
)


class AnsweringProxy:
    """Forwards to one origin. Get one from `answering_proxy`."""

    def __init__(self, origin: str, session: aiohttp.ClientSession) -> None:
        self.address = ""
        self.bodies: list[bytes] = []
        """Of every request that arrived, in order."""
        self.answers: Callable[[bytes], int | None] = lambda _: None
        """A status to answer a request with, in place of the system, or None."""
        self._origin = origin
        self._session = session

    def saying(self, text: str) -> list[bytes]:
        """Return the requests that have a text in them."""
        return [body for body in self.bodies if text.encode() in body]

    async def forward(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.bodies.append(body)
        if (status := self.answers(body)) is not None:
            return web.Response(status=status)
        url, headers = self._origin + request.raw_path, _end_to_end(request.headers)
        async with self._session.request(request.method, url, data=body, headers=headers) as answer:
            content = await answer.read()
            return web.Response(status=answer.status, body=content, headers=_end_to_end(answer.headers))


@asynccontextmanager
async def answering_proxy(origin: str) -> AsyncGenerator[AnsweringProxy]:
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(trust_env=False, auto_decompress=False, timeout=timeout) as session:
        proxy = AnsweringProxy(origin, session)
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", proxy.forward)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            proxy.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield proxy
        finally:
            await runner.cleanup()


def _end_to_end(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}
