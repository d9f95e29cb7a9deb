"""The HTTP port for operators: `/metrics`, `/healthz`, `/readyz`. No authentication: bind it where only they are."""

from typing import Any

import orjson
from aiohttp import web

from consumers.telemetry.health import Health
from consumers.telemetry.metrics import CONTENT_TYPE, READY, Metrics

_DRAIN_S = 2.0
_LARGEST_REQUEST = 1024


class HealthServer:
    """A running server; `serve` makes it."""

    def __init__(self, runner: web.AppRunner) -> None:
        self._runner = runner

    @property
    def address(self) -> str:
        """Where it listens, such as `http://127.0.0.1:9464`."""
        host, port = self._runner.addresses[0][:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    async def close(self) -> None:
        """Stop listening; requests in flight get two seconds. Closing twice does nothing."""
        await self._runner.cleanup()


async def serve(health: Health, metrics: Metrics, *, host: str = "127.0.0.1", port: int = 0) -> HealthServer:
    """Start the server; port 0 takes a free one.

    Raises:
        OSError: the address cannot be bound.
    """
    pages = _Pages(health, metrics)
    app = web.Application(client_max_size=_LARGEST_REQUEST)
    app.add_routes(
        [
            web.get("/metrics", pages.metrics),
            web.get("/healthz", pages.alive),
            web.get("/readyz", pages.ready),
        ]
    )
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_DRAIN_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except BaseException:
        await runner.cleanup()
        raise
    return HealthServer(runner)


class _Pages:
    """The three answers."""

    def __init__(self, health: Health, metrics: Metrics) -> None:
        self._health = health
        self._metrics = metrics

    async def metrics(self, _request: web.Request) -> web.Response:
        self._metrics.set(READY, float(self._health.is_ready))
        return web.Response(body=self._metrics.render(), headers={"Content-Type": CONTENT_TYPE})

    async def alive(self, _request: web.Request) -> web.Response:
        return _report("alive", self._health.ailments(), self._health.details())

    async def ready(self, _request: web.Request) -> web.Response:
        return _report("ready", dict(self._health.reasons), {})


def _report(question: str, reasons: dict[str, str], details: dict[str, Any]) -> web.Response:
    body: dict[str, Any] = {question: not reasons, "reasons": reasons, **details}
    return web.Response(
        status=503 if reasons else 200,
        body=orjson.dumps(body),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
