"""The life of an offline model: bind, serve, drain, close."""

from typing import Final, Self

from aiohttp import web

from consumers.offline.endpoint import Endpoint, Stats
from consumers.offline.faults import Behaviour
from consumers.offline.script import Script

MAX_REQUEST_BYTES: Final = 4 * 1024 * 1024
"""A larger request gets a 413."""


class OfflineModel:
    """A server that listens. Close it, or use it as an async context manager."""

    def __init__(self, runner: web.AppRunner, endpoint: Endpoint) -> None:
        """Use `serve`, which binds the port."""
        host, port, *_ = runner.addresses[0]
        self.address: Final = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        """Where it listens, such as `http://127.0.0.1:4711`."""
        self.base_url: Final = f"{self.address}/v1"
        """What an OpenAI client takes as base URL."""
        self._runner: Final = runner
        self._endpoint: Final = endpoint

    @property
    def stats(self) -> Stats:
        """What it has done so far; readable after closing, too."""
        return self._endpoint.stats

    async def close(self) -> None:
        """Stop listening, let requests under way end within `drain_s`, cut the others off. May be repeated."""
        await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def serve(
    script: Script,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    behaviour: Behaviour | None = None,
    drain_s: float = 2.0,
) -> OfflineModel:
    """Start an offline model; when this returns, it listens.

    Args:
        script: what it answers by; see `consumers.offline.script_file.load`.
        host: address to bind; loopback unless somebody means otherwise.
        port: 0 takes a free one.
        behaviour: how it misbehaves; None is never.
        drain_s: how long `close` waits for requests under way.

    Raises:
        OSError: the address cannot be bound.
    """
    endpoint = Endpoint(script, behaviour or Behaviour())
    app = web.Application(client_max_size=MAX_REQUEST_BYTES)
    app.add_routes(endpoint.routes())
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=drain_s)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except BaseException:
        await runner.cleanup()
        raise
    return OfflineModel(runner, endpoint)
