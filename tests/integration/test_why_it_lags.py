"""A running worker says what its partitions wait for, at /healthz and through `pointsman lag`."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from consumers.app.config_file import read_config
from consumers.cli.lag import _read  # pyright: ignore[reportPrivateUsage] - what the command prints
from consumers.local.broker import local_broker
from consumers.offline.faults import Behaviour
from consumers.offline.script_file import DEMO, load
from consumers.offline.server import serve as serve_model
from tests.integration.running import Running
from tests.integration.stage import Stage, order, stage


@pytest.fixture
async def played(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with local_broker(tmp_path / "kafka") as bootstrap, stage(tmp_path, bootstrap) as made:
        yield made


async def standings(http: aiohttp.ClientSession, address: str) -> list[dict[str, Any]]:
    async with http.get(f"{address}/healthz") as answer:
        assert answer.status == 200
        return (await answer.json())["partitions"]


async def test_while_the_model_is_slow_a_worker_names_the_record_that_holds_its_partition(
    played: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = hashlib.sha256(b"session-slow").hexdigest()[:12]
    async with await serve_model(load(DEMO), behaviour=Behaviour(latency_s=2)) as model:
        monkeypatch.setenv("POINTSMAN_MODEL__BASE_URL", model.base_url)
        async with Running(played) as running, aiohttp.ClientSession() as http:
            idle = await standings(http, running.info.health_address)
            assert {each["topic"] for each in idle} >= {"erp.orders", "pointsman.approvals"}
            assert all(each["blocking"] is None and each["phase"] == "open" for each in idle)

            await played.publish(order("slow"))
            async with asyncio.timeout(20):
                while not model.stats.requests:
                    await asyncio.sleep(0.01)
            (blocked,) = [
                each for each in await standings(http, running.info.health_address) if each["blocking"]
            ]
            assert (blocked["topic"], blocked["held"]) == ("erp.orders", 1)
            blocking = blocked["blocking"]
            assert blocking["step"] == "turn 1: asking the model"
            assert (blocking["offset"], blocking["key"], blocking["running"]) == (0, key, True)
            assert 0 <= blocking["age_s"] < 20

            told, silent = await _read(read_config(played.config).config, [running.info.health_address])
            assert silent == []
            (mine,) = [each for each in told if each.blocking]
            assert (mine.topic, mine.partition, mine.lag) == ("erp.orders", blocked["partition"], 1)
            assert mine.blocking is not None
            assert mine.blocking["key"] == key

            await played.outcome_records("slow")
            async with asyncio.timeout(20):
                while any(
                    each["lag"] or each["blocking"]
                    for each in await standings(http, running.info.health_address)
                ):
                    await asyncio.sleep(0.02)
