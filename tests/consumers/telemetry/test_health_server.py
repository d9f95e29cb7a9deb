"""The operators' port, over real connections."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from consumers.adapters import health_server
from consumers.telemetry.health import Health
from consumers.telemetry.metrics import RECORDS_CONSUMED, Metrics


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def session(health: Health, metrics: Metrics) -> AsyncIterator[aiohttp.ClientSession]:
    server = await health_server.serve(health, metrics)
    async with aiohttp.ClientSession(server.address) as opened:
        yield opened
    await server.close()
    await server.close()


async def get(session: aiohttp.ClientSession, path: str) -> tuple[int, Any]:
    async with session.get(path) as response:
        return response.status, await response.json()


async def test_readiness_follows_the_reasons(session: aiohttp.ClientSession, health: Health) -> None:
    assert await get(session, "/readyz") == (200, {"ready": True, "reasons": {}})
    health.not_ready("redis", "no connection")
    assert await get(session, "/readyz") == (503, {"ready": False, "reasons": {"redis": "no connection"}})
    assert (await get(session, "/healthz"))[0] == 200


async def test_liveness_follows_the_checks(session: aiohttp.ClientSession, health: Health) -> None:
    health.watch("loop", lambda: "ended")
    assert await get(session, "/healthz") == (503, {"alive": False, "reasons": {"loop": "ended"}})


async def test_metrics_are_scraped_and_say_whether_it_is_ready(
    session: aiohttp.ClientSession, health: Health, metrics: Metrics
) -> None:
    metrics.add(RECORDS_CONSUMED, "orders")
    for reason, ready in (("", b"pointsman_ready 1.0"), ("starting", b"pointsman_ready 0.0")):
        if reason:
            health.not_ready("start", reason)
        async with session.get("/metrics") as response:
            assert response.content_type == "text/plain"
            body = await response.read()
        assert ready in body
        assert b'pointsman_records_consumed_total{topic="orders"} 1.0' in body


async def test_a_taken_port_is_an_error(health: Health, metrics: Metrics) -> None:
    first = await health_server.serve(health, metrics)
    port = int(first.address.rpartition(":")[2])
    with pytest.raises(OSError, match="address"):
        await health_server.serve(health, metrics, port=port)
    await first.close()
