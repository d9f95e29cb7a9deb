"""A worker beside a registry that lies, stumbles or keeps silent: each answer has a stated result, and nothing is lost."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Final

import pytest

from consumers.local.broker import local_broker
from schemas.codec import avro
from schemas.outcome import Status
from schemas.record import Outgoing
from schemas.registry.files import packaged_schemas
from tests.integration.dead_letters import dead_letters
from tests.integration.stage import Stage, order, stage
from tests.schemas.stand_in import StandIn, standing_in

ORDER: Final = [file.schema for file in packaged_schemas() if file.type == "order.requested"][-1]
UNKNOWN, ENDLESS, SWAPPED, STUMBLES, SILENT = 2001, 2002, 2003, 2004, 2005


@pytest.fixture
async def registry() -> AsyncGenerator[StandIn]:
    async with standing_in() as server:
        server.hold_files(packaged_schemas())
        server.schemas[SWAPPED] = ORDER.text.replace('"quantity"', '"price"')
        server.raw_of = {ENDLESS: b" " * 2_000_000, STUMBLES: b"<html>the proxy is unwell</html>"}
        yield server


@pytest.fixture
async def played(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with local_broker(tmp_path / "kafka") as bootstrap, stage(tmp_path, bootstrap) as made:
        yield made


@pytest.mark.timeout(180)
async def test_what_a_registry_answers_has_a_clear_result_and_nothing_is_lost(
    played: Stage, registry: StandIn
) -> None:
    await played.start_worker(registry__url=registry.url, registry__pins=json.dumps({SWAPPED: ORDER.digest}))
    for schema_id in (UNKNOWN, ENDLESS, SWAPPED, STUMBLES):
        await publish_by(played, schema_id)
    await played.publish(order("beside"), key=b"another key")
    await played.outcome_records("beside", within_s=60)
    await until(lambda: asked(registry, STUMBLES) > 1)

    letters = {avro.schema_id_of(each.record.value or b""): each for each in await dead_letters(played)}
    assert {number: letter.reason for number, letter in letters.items()} == {
        UNKNOWN: "unknown_schema",
        ENDLESS: "unknown_schema",
        SWAPPED: "schema_changed",
    }
    assert f"schema id {SWAPPED}" in letters[SWAPPED].error
    assert f"its pin is {ORDER.digest}" in letters[SWAPPED].error

    registry.gate.clear()
    await publish_by(played, SILENT)
    await until(lambda: asked(registry, SILENT) == 1)
    await played.publish(order("meanwhile"), key=b"another key")
    await played.outcome_records("meanwhile", within_s=60)

    del registry.raw_of[STUMBLES]
    registry.schemas |= {STUMBLES: ORDER.text, SILENT: ORDER.text}
    registry.gate.set()
    for event_id in (str(STUMBLES), str(SILENT)):
        (record, *_) = await played.outcome_records(event_id, within_s=60)
        assert (await played.outcome_in(record)).event_id == event_id
        assert (await played.outcome_in(record)).status in {Status.SUCCESS, Status.FAILED}
    assert await played.stop_worker() == 0, played.log()


async def publish_by(played: Stage, schema_id: int) -> None:
    """Publish an order as if it had been written with this schema, on a key of its own."""
    encoded = played.codec.encode(order(str(schema_id)))
    assert encoded.value is not None
    value = avro.prefix(schema_id) + encoded.value[5:]
    await played.sender.send([Outgoing("erp.orders", str(schema_id).encode(), value, encoded.headers)])


def asked(registry: StandIn, schema_id: int) -> int:
    return registry.requests.count(f"GET /base/schemas/ids/{schema_id}")


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.05)
