"""An HTTP proxy that loses the replies to one method: where an action reads before it writes, a link cannot tell which reply."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

_KEPT = ("Content-Type", "ETag", "Location")


@asynccontextmanager
async def losing(method: str, origin: str) -> AsyncGenerator[str]:
    """Serve in front of an origin; give the proxy's own. What loses its reply has been done."""
    async with aiohttp.ClientSession(
        trust_env=False, auto_decompress=False, timeout=aiohttp.ClientTimeout(total=30)
    ) as session:

        async def forward(request: web.Request) -> web.Response:
            headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
            async with session.request(
                request.method, origin + request.raw_path, data=await request.read(), headers=headers
            ) as answer:
                body = await answer.read()
                if request.method == method:
                    assert request.transport is not None
                    request.transport.abort()
                kept = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
                return web.Response(status=answer.status, body=body, headers=kept)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", forward)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()
