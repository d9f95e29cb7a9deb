"""A write over a connection that dies: the errors of the HTTP client arrive as what they mean."""

from typing import Any

import pytest
from aiohttp import web

from connectors.action import Call
from connectors.connector import Connector, NoSettings
from connectors.errors import InDoubtError, NotSentError
from connectors.http import HttpClient, open_http
from consumers.adapters.connector_actions import ConnectorActions
from consumers.ports.actions import ActionRequest
from consumers.telemetry.metrics import Metrics


async def test_a_system_that_dies_during_a_write_leaves_it_in_doubt_over_a_real_connection() -> None:
    async def die(call: web.Request) -> web.StreamResponse:
        assert call.transport is not None
        call.transport.abort()
        return web.Response()

    app = web.Application()
    app.router.add_post("/orders", die)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    shop = Connector[HttpClient](
        "shop",
        "A system over HTTP.",
        settings=NoSettings,
        open=lambda _: open_http(f"http://127.0.0.1:{runner.addresses[0][1]}"),
    )

    async def order(call: Call[HttpClient]) -> Any:
        """Order."""
        return await call.client.post("orders", body={}, key=call.key)

    shop.action(effect="write", reconcile="shop.find")(order)
    request = ActionRequest(shop.actions["shop.order"], {}, key="key-1", tenant="acme", run_id="run-1")
    async with ConnectorActions.open([(shop, NoSettings())], metrics=Metrics()) as opened:
        with pytest.raises(InDoubtError):
            await opened.perform(request)
        await runner.cleanup()
        with pytest.raises(NotSentError):
            await opened.perform(request)
