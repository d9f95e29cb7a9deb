"""Secrets as canaries through a whole run at DEBUG: then everything that was written anywhere is searched for them.

Personal data has a test of its own: `test_personal_canaries.py`.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from consumers.adapters import kafka_clients
from consumers.adapters.redis_connection import connect
from consumers.app.config_file import read_config
from consumers.local.broker import local_broker
from consumers.local.program import free_port
from schemas.outcome import Status
from schemas.record import Outgoing
from tests.integration.stage import TOKEN, Stage, order, stage

MODEL_KEY = "canary-model-key"
REDIS_PASSWORD = "canary-redis-password"
ROTATED = "canary-rotated-token"
CANARIES = (TOKEN, MODEL_KEY, REDIS_PASSWORD, ROTATED)


@pytest.fixture
async def played(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with local_broker(tmp_path / "kafka") as bootstrap, stage(tmp_path, bootstrap) as made:
        yield made


async def test_no_secret_is_in_anything_that_a_worker_writes(
    played: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY_MODEL", MODEL_KEY)
    monkeypatch.setenv("CANARY_REDIS", REDIS_PASSWORD)
    url, port = read_config(played.config).config.redis.url, free_port()
    async with connect(url) as client:
        await client.config_set("requirepass", REDIS_PASSWORD)
    worker = await played.start_worker(
        telemetry__log_level="DEBUG",
        telemetry__port=str(port),
        model__api_key__env="CANARY_MODEL",
        redis__password__env="CANARY_REDIS",
    )
    await played.sender.send([Outgoing("erp.orders", b"bad", b"\xff\xfe<order/>", ())])
    await played.publish(order("good"))
    await played.publish(order("undone", product="P-900"))  # no carrier takes it
    ends = [await played.outcome_in((await played.outcome_records(i))[0]) for i in ("good", "undone")]
    assert [end.status for end in ends] == [Status.SUCCESS, Status.COMPENSATED]
    (played.folder / "sandbox-token").write_text(ROTATED)  # the sandbox knows another one, and says so
    await played.publish(order("refused"))
    refused = await played.outcome_in((await played.outcome_records("refused"))[0])
    assert refused.status not in {Status.SUCCESS, Status.COMPENSATED}
    (played.folder / "sandbox-token").write_text(TOKEN)
    await played.publish(order("renewed"))
    assert (await played.outcome_in((await played.outcome_records("renewed"))[0])).status is Status.SUCCESS

    async with aiohttp.ClientSession() as http:
        pages = {name: await page(http, port, name) for name in ("metrics", "healthz", "readyz")}
    assert await played.stop_worker(worker) == 0, played.log()
    async with connect(url, password=REDIS_PASSWORD) as client:
        stored = await everything_in(client)
    written = {
        **pages,
        "log": (played.folder / "worker.log").read_bytes(),
        "redis": stored,
        "prompts": b"\n".join(played.to_model.bodies),
        **await topics(played),
    }
    # What is searched is what was meant to be.
    assert b"good" in written["redis"]
    assert b'"message":"stopped"' in written["log"]
    assert b"pointsman_events_total" in written["metrics"]
    assert b"get_customer" in written["prompts"]
    for topic in ("erp.orders", "pointsman.outcomes", "pointsman.steps", "pointsman.dead-letters"):
        assert written[topic], topic
    found = [
        (where, canary) for where, text in written.items() for canary in CANARIES if canary.encode() in text
    ]
    assert found == []


async def page(http: aiohttp.ClientSession, port: int, name: str) -> bytes:
    async with http.get(f"http://127.0.0.1:{port}/{name}") as answer:
        return await answer.read()


async def everything_in(client: Any) -> bytes:
    """Return all keys and all values of a Redis."""
    parts: list[Any] = []
    async for key in client.scan_iter(count=1000):
        match await client.type(key):
            case b"hash":
                value = await client.hgetall(key)
            case b"set":
                value = await client.smembers(key)
            case b"list":
                value = await client.lrange(key, 0, -1)
            case b"zset":
                value = await client.zrange(key, 0, -1, withscores=True)
            case b"string":
                value = await client.get(key)
            case kind:
                raise AssertionError(f"{key} is a {kind}: search it too")
        parts += [key, value]
    return repr(parts).encode()


async def topics(played: Stage, used: Sequence[str] = ("erp.orders",)) -> dict[str, bytes]:
    """Return every record of every topic, keys and headers too."""
    reader = kafka_clients.reader(played.connection)
    await reader.start()
    found: dict[str, bytes] = {}
    try:
        names = sorted(await reader.topics())
        reader.subscribe(names)
        async with asyncio.timeout(30):
            while not found.keys() >= {*used, "pointsman.steps"} or await behind(reader):
                for batch in (await reader.getmany(timeout_ms=200)).values():
                    for fetched in batch:
                        line = repr((fetched.key, fetched.value, fetched.headers)).encode()
                        found[fetched.topic] = found.get(fetched.topic, b"") + line
                await asyncio.sleep(0.01)  # the embedded broker answers an empty fetch at once
    finally:
        await kafka_clients.stop(reader)
    return found


async def behind(reader: Any) -> bool:
    """Whether any partition has records that were not read yet."""
    ends = await reader.end_offsets(reader.assignment())
    return any([await reader.position(partition) < end for partition, end in ends.items()])
