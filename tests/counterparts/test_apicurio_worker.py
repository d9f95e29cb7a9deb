"""A worker beside a real registry: it works records of every registered version, and publishes what anybody can read by id."""

import asyncio
import struct
from collections.abc import AsyncGenerator, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import fastavro
import orjson
import pytest
from typer.testing import CliRunner

from consumers.cli.main import app
from consumers.local.broker import local_broker
from schemas.codec.records import RecordCodec
from schemas.outcome import Status
from schemas.record import Headers, Outgoing
from schemas.registry.avro_schema import AvroSchema, avro_schema
from schemas.registry.confluent import ConfluentRegistry
from schemas.registry.files import latest, packaged_schemas
from schemas.registry.rest import Endpoint
from tests.counterparts.started import counterpart
from tests.integration.dead_letters import dead_letters
from tests.integration.stage import Stage, order, stage

ORDER = latest(packaged_schemas())["order.requested"]
OUTCOMES = "pointsman.RunFinished"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with counterpart("apicurio") as said:
        yield said["url"]


@pytest.fixture
async def played(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with local_broker(tmp_path / "kafka") as bootstrap, stage(tmp_path, bootstrap) as made:
        yield made


def changed(*, without: str = "", **more: Any) -> AvroSchema:
    """Return the schema of orders without a field, and with one more."""
    said = orjson.loads(ORDER.text)
    said["fields"] = [each for each in said["fields"] if each["name"] != without]
    said["fields"] += [{"name": name, "type": kind} for name, kind in more.items()]
    return avro_schema(orjson.dumps(said).decode())


class Publisher:
    """A service that registers its own schemas and frames records as Confluent's serializers do; none of our code encodes."""

    def __init__(self, played: Stage, registry: ConfluentRegistry) -> None:
        self._played = played
        self._registry = registry
        self.subject = f"erp.orders-value-{uuid4().hex[:8]}"

    async def publish(self, event_id: str, schema: AvroSchema, **fields: Any) -> None:
        schema_id = await self._registry.register(self.subject, schema)
        stream = BytesIO()
        names = {each["name"] for each in schema.parsed["fields"]}
        said = {**order(event_id).payload, **fields}
        fastavro.schemaless_writer(stream, dict(schema.parsed), {name: said[name] for name in names})
        headers: Headers = (
            ("ce_specversion", b"1.0"),
            ("ce_id", event_id.encode()),
            ("ce_source", b"/shop"),
            ("ce_type", b"order.requested"),
        )
        value = struct.pack(">bI", 0, schema_id) + stream.getvalue()
        await self._played.sender.send([Outgoing("erp.orders", event_id.encode(), value, headers)])


def register(config: Path, url: str) -> None:
    result = CliRunner().invoke(
        app, ["topics", "register", "-c", str(config)], env={"POINTSMAN_REGISTRY__URL": url}
    )
    assert result.exit_code == 0, result.output


@pytest.mark.timeout(360)
async def test_a_worker_reads_every_registered_version_as_its_route_says_and_registers_nothing(
    url: str, played: Stage
) -> None:
    text = played.config.read_text(encoding="utf-8")
    assert text.count("    event: order.requested\n") == 1
    text = text.replace("    event: order.requested\n", "    event: order.requested\n    read_as: newest\n")
    played.config.write_text(text, encoding="utf-8")

    worker = await played.start_worker(registry__url=url)
    async with asyncio.timeout(60):
        assert await worker.wait() != 0
    assert "`pointsman topics register` registers it" in played.log()
    assert await subjects(url) == []

    await asyncio.to_thread(register, played.config, url)
    registered = await subjects(url)
    assert {ORDER.name, OUTCOMES} <= set(registered)
    registry = ConfluentRegistry(Endpoint((url,)))
    played.codec = RecordCodec(registry)
    publisher = Publisher(played, registry)

    await played.start_worker(registry__url=url)
    await publisher.publish("same", ORDER)
    await publisher.publish("older", changed(without="note"))
    await publisher.publish("newer", changed(channel="string"), channel="web")
    await publisher.publish("broken", changed(without="customer_id"))
    for event_id in ("same", "older", "newer"):
        (record, *_) = await played.outcome_records(event_id, within_s=60)
        assert (await played.outcome_in(record)).status is Status.SUCCESS
        assert (await outcome_by_hand(url, record.value or b""))["event_id"] == event_id
    async with asyncio.timeout(60):
        while not (letters := await dead_letters(played)):
            await asyncio.sleep(0.05)
    (letter,) = letters
    assert letter.reason == "unreadable"
    assert "cannot be read as the route says: customer_id: is not written" in letter.error
    assert await played.stop_worker() == 0, played.log()
    assert set(await subjects(url)) == {*registered, publisher.subject}
    await registry.close()


async def ask(url: str) -> Any:
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session,
        session.get(url) as response,
    ):
        assert response.status == 200
        return orjson.loads(await response.read())


async def subjects(url: str) -> list[str]:
    return await ask(f"{url}/subjects")


async def outcome_by_hand(url: str, value: bytes) -> dict[str, Any]:
    """Read an outcome as a stranger does: with nothing but the registry and the number in front."""
    (schema_id,) = struct.unpack_from(">xI", value)
    said = await ask(f"{url}/schemas/ids/{schema_id}")
    parsed = fastavro.parse_schema(orjson.loads(said["schema"]))
    read: Any = fastavro.schemaless_reader(BytesIO(value[5:]), parsed, None)
    return read
