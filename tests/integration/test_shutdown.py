"""SIGTERM while events are in flight: what ran ends at its step, the next worker ends the rest, effects happen once."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_reader import topic_reader
from consumers.local.broker import local_broker
from consumers.local.program import free_port
from consumers.offline.faults import Behaviour
from consumers.offline.script_file import DEMO, load
from consumers.offline.server import serve as serve_model
from consumers.runtime.finished import decode
from schemas.outcome import Status
from tests.integration.stage import Stage, order, stage

INPUT = "erp.orders"
SHUTDOWN_S = 20.0


@pytest.fixture
async def played(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with local_broker(tmp_path / "kafka") as bootstrap, stage(tmp_path, bootstrap) as made:
        yield made


async def until(condition: Callable[[], Awaitable[bool]], within_s: float = 40.0) -> None:
    async with asyncio.timeout(within_s):
        while not await condition():
            await asyncio.sleep(0.02)


async def published(played: Stage, name: str, count: int) -> list[str]:
    ids = [f"{name}-{number}" for number in range(count)]
    for event_id in ids:
        await played.publish(order(event_id))
    return ids


async def committed(played: Stage) -> dict[TopicPartition, OffsetAndMetadata]:
    admin = kafka_clients.admin(played.connection)
    await admin.start()
    try:
        found = await admin.list_consumer_group_offsets("pointsman-demo")
    finally:
        await kafka_clients.stop(admin)
    return {tp: at for tp, at in found.items() if tp.topic == INPUT and at.offset >= 0}


async def finished_by(played: Stage, commits: dict[TopicPartition, OffsetAndMetadata]) -> set[str]:
    """Return the events that the commits call finished."""
    found: set[str] = set()
    async with topic_reader(played.connection) as reader:
        async for record in reader.to_end([INPUT]):
            at = commits.get(TopicPartition(record.topic, record.partition))
            if at is None:
                continue
            upto, unfinished = decode(at.offset, at.metadata)
            if record.offset < at.offset or (record.offset < upto and record.offset not in unfinished):
                found.add((await played.codec.decode(record, tenant="test")).id)
    return found


async def events_with_outcomes(played: Stage) -> set[str]:
    async with topic_reader(played.connection) as reader:
        records = [record async for record in reader.to_end(["pointsman.outcomes"])]
    return {(await played.outcome_in(record)).event_id for record in records}


async def all_end_once(played: Stage, ids: list[str]) -> None:
    for event_id in ids:
        records = await played.outcome_records(event_id)
        assert len({record.value for record in records}) == 1, f"{event_id}: other bytes"
        assert (await played.outcome_in(records[0])).status is Status.SUCCESS
    assert played.rows("SELECT action, count(*), count(DISTINCT key) FROM effects GROUP BY action") == [
        ("create_order", len(ids), len(ids)),
        ("schedule_shipment", len(ids), len(ids)),
    ]


@pytest.mark.timeout(180)
async def test_a_sigterm_ends_steps_commits_what_is_finished_and_leaves_the_rest_to_the_next(
    played: Stage,
) -> None:
    async with await serve_model(load(DEMO), behaviour=Behaviour(latency_s=0.8)) as slow:
        worker = await played.start_worker(
            model__base_url=slow.base_url, limits__shutdown_s=str(SHUTDOWN_S), telemetry__log_level="INFO"
        )
        done = await published(played, "done", 4)
        for event_id in done:
            await played.outcome_records(event_id)
        asked = slow.stats.requests
        left = await published(played, "left", 12)

        async def all_are_in_flight() -> bool:
            return slow.stats.requests >= asked + len(left)

        await until(all_are_in_flight)
        began = time.monotonic()
        assert await played.stop_worker(worker) == 0, played.log()
        took = time.monotonic() - began
        requests = slow.stats.requests
    assert took < SHUTDOWN_S
    assert requests < asked + 2 * len(left), "no further step has begun"

    finished = await finished_by(played, await committed(played))
    assert set(done) <= finished
    assert finished <= await events_with_outcomes(played), "nothing unfinished is passed"
    assert finished < set(done + left), "some were left"

    await played.start_worker()
    await all_end_once(played, done + left)
    assert await played.stop_worker() == 0, played.log()
    assert await finished_by(played, await committed(played)) == set(done + left)


@pytest.mark.timeout(180)
async def test_a_second_sigterm_ends_it_at_once_and_the_next_worker_ends_everything(played: Stage) -> None:
    port = free_port()
    async with await serve_model(load(DEMO), behaviour=Behaviour(latency_s=60), drain_s=0.1) as stuck:
        worker = await played.start_worker(model__base_url=stuck.base_url, telemetry__port=str(port))
        ids = await published(played, "e", 6)

        async def all_are_in_flight() -> bool:
            return stuck.stats.requests >= len(ids)

        await until(all_are_in_flight)
        worker.terminate()
        async with aiohttp.ClientSession() as http:

            async def drains() -> bool:
                status, body = await page(http, port, "readyz")
                return status == 503 and "stop" in body["reasons"]

            await until(drains)
            assert (await page(http, port, "healthz"))[0] == 200, "it lives, and drains"
        assert worker.returncode is None
        began = time.monotonic()
        os.kill(worker.pid, signal.SIGTERM)
        async with asyncio.timeout(10):
            assert await worker.wait() == 1
        assert time.monotonic() - began < 5
    assert "abandoned, a second signal: " in played.log()
    assert await finished_by(played, await committed(played)) == set()

    played.worker = None
    await played.start_worker()
    await all_end_once(played, ids)
    assert await played.stop_worker() == 0, played.log()


async def page(http: aiohttp.ClientSession, port: int, name: str) -> tuple[int, Any]:
    with suppress(aiohttp.ClientError):
        async with http.get(f"http://127.0.0.1:{port}/{name}") as answer:
            return answer.status, await answer.json()
    return 0, {}
