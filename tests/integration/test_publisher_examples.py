"""The examples of ops/publishing.md: the Python ones run as they stand, the declarations read the records beside them."""

import asyncio
import json
import os
import re
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml

from consumers.adapters.kafka_clients import KafkaConnection
from consumers.adapters.kafka_reader import topic_reader
from consumers.app.topic_settings import TopicSettings
from consumers.demo.stack import create_topics
from consumers.local.broker import local_broker
from schemas.codec.declared_json import JsonSchema
from schemas.codec.formats import Declared, Format, TopicFormat
from schemas.codec.records import RecordCodec
from schemas.envelope import Envelope
from schemas.errors import UnreadableError
from schemas.record import Headers, Record
from schemas.registry.folder import FolderRegistry

PAGE = (Path(__file__).parents[2] / "ops" / "publishing.md").read_text(encoding="utf-8")


def fences(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


[LEAD_SCHEMA, LEAD, CHANGE, ORDER] = fences("json")
DECLARED = {name: said for text in fences("yaml") for name, said in yaml.safe_load(text)["topics"].items()}


async def run(program: Path, bootstrap: str) -> None:
    told = {"BOOTSTRAP": bootstrap, "SCHEMAS": str(resources.files("schemas") / "avro")}
    running = await asyncio.create_subprocess_exec(sys.executable, program, env={**os.environ, **told})
    async with asyncio.timeout(60):
        assert await running.wait() == 0


async def test_the_python_examples_publish_events_that_are_read(tmp_path: Path) -> None:
    codec = RecordCodec(FolderRegistry())
    async with local_broker(tmp_path / "kafka") as bootstrap:
        connection = KafkaConnection(bootstrap, {})
        await create_topics(connection)
        for number, text in enumerate(fences("python")):
            program = tmp_path / f"publisher{number}.py"
            program.write_text(text, encoding="utf-8")
            await run(program, bootstrap)
        async with topic_reader(connection) as reader:
            events = [
                await codec.decode(record, tenant="default")
                async for record in reader.to_end(("erp.orders",))
            ]
    assert [(event.id, event.type, event.source, event.session_id) for event in events] == [
        (f"order-{number}", "order.requested", "/shop", "C-100") for number in (1, 2)
    ]
    assert [event.schema for event in events] == [None, "pointsman.OrderRequested"]


async def decode(topic: str, text: str, *, schema: Declared | None = None, headers: Headers = ()) -> Envelope:
    settings = TopicSettings.model_validate(DECLARED[topic])
    how = TopicFormat(
        Format(settings.format),
        schema,
        settings.event,
        frozenset(settings.ignore),
        settings.position,
        settings.type_header,
        settings.source,
    )
    record = Record(topic, 0, 0, 1_772_442_900_000, b"1001", text.encode(), headers)
    return await RecordCodec(FolderRegistry(), topics={topic: how}).decode(
        record, tenant="default", default_type="lead.made", session_field="after.customer_id"
    )


async def test_the_lead_fits_its_schema_and_another_does_not() -> None:
    schema = JsonSchema("lead.json", LEAD_SCHEMA)
    lead = await decode("crm.leads", LEAD, schema=schema)
    assert lead.payload == json.loads(LEAD)
    assert lead.personal == {"email": ("anne@example.org",)}
    with pytest.raises(UnreadableError, match="field value"):
        await decode("crm.leads", LEAD.replace("1250.50", "1250.505"), schema=schema)


async def test_the_change_is_the_event_that_the_page_says() -> None:
    event = await decode("shop.public.orders", CHANGE)
    said: dict[str, Any] = json.loads(CHANGE)
    assert (event.type, event.session_id, event.subject) == (
        "orders.created",
        "C-7",
        "inventory.public.orders/1001",
    )
    assert event.source == "/debezium/postgresql/shop"
    assert event.payload == said
    assert event.id.startswith("lsn=24023128,txId=555/")


async def test_the_event_of_the_outbox_is_what_its_headers_say() -> None:
    headers = (("id", b"4d47e190"), ("eventType", b"OrderCreated"))
    event = await decode("outbox.event.order", ORDER, headers=headers)
    assert (event.id, event.type, event.source, event.session_id) == (
        "4d47e190",
        "OrderCreated",
        "/shop",
        "1001",
    )
