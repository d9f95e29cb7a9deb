"""A database's changes, the whole way through a worker: worked once, whichever copy of the topic they are read from."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from aiokafka.admin import NewTopic

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_reader import topic_reader
from consumers.local.broker import local_broker
from schemas.dead_letter import DeadLetter, dead_letter_of
from schemas.outcome import Status
from schemas.record import Outgoing
from tests.integration.running import Running
from tests.integration.stage import Stage, stage
from tests.schemas.debezium.records import POSTGRESQL, change

TOPIC = "shop.public.orders"
MIRROR = f"dr.{TOPIC}"
ROUTES = """
topics:
  shop.public.orders: &changes {format: debezium, ignore: [read, heartbeat]}
  dr.shop.public.orders: *changes
routes:
  - &order
    topic: shop.public.orders
    name: new-orders
    event: orders.created
    goal: Order what the shop's database says was ordered.
    actions: [crm.get_customer, erp.check_stock, erp.create_order]
    trusted_fields: [after.customer_id]
    session_field: after.customer_id
    plan:
      otherwise: failed
      steps:
        - do:
            - action: erp.create_order
              arguments:
                customer_id: =event.payload.after.customer_id
                product_id: =event.payload.after.product_id
                quantity: =event.payload.after.quantity
        - when: '"erp.create_order" in session.results'
          finish: completed
          summary: Ordered.
  - {<<: *order, topic: dr.shop.public.orders, name: mirrored}
"""
ROW = {"id": 1001, "customer_id": "C-100", "product_id": "P-100", "quantity": 2, "total": "BOI="}
SCHEMA: dict[str, Any] = {
    "type": "struct",
    "fields": [
        {"type": "int32", "field": "id"},
        {"type": "string", "field": "customer_id"},
        {"type": "string", "field": "product_id"},
        {"type": "int32", "field": "quantity"},
        {
            "type": "bytes",
            "field": "total",
            "name": "org.apache.kafka.connect.data.Decimal",
            "parameters": {"scale": "2"},
        },
    ],
}
KEY = b'{"id":1001}'


def wrapped(said: dict[str, Any]) -> bytes:
    """Return a change with its schema, as the JSON converter sends it by default."""
    origin = [
        {"type": "int64" if isinstance(value, int) else "string", "field": name}
        for name, value in POSTGRESQL.items()
    ]
    fields = [
        {**SCHEMA, "field": "before"},
        {**SCHEMA, "field": "after"},
        {"type": "struct", "fields": origin, "field": "source"},
        {"type": "struct", "fields": [], "field": "transaction"},
        {"type": "string", "field": "op"},
        {"type": "int64", "field": "ts_ms"},
    ]
    return orjson.dumps({"schema": {"type": "struct", "fields": fields}, "payload": said})


@pytest.fixture
async def played(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with local_broker(tmp_path / "kafka") as bootstrap, stage(tmp_path, bootstrap) as made:
        text = made.config.read_text(encoding="utf-8")
        made.config.write_text(text[: text.index("\nroutes:")] + ROUTES, encoding="utf-8")
        client = kafka_clients.admin(made.connection)
        await client.start()
        try:
            await client.create_topics([NewTopic(name, 1, 1) for name in (TOPIC, MIRROR)])
        finally:
            await client.close()
        yield made


async def dead_letters(played: Stage, count: int) -> list[DeadLetter]:
    async with topic_reader(played.connection) as reader, asyncio.timeout(30):
        while True:
            found = [dead_letter_of(each) async for each in reader.to_end(("pointsman.dead-letters",))]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.05)  # the embedded broker answers an empty fetch at once


async def test_a_change_of_a_row_is_worked_once_whichever_copy_it_is_read_from(played: Stage) -> None:
    created = wrapped(change("c", POSTGRESQL, after=ROW))
    bad = wrapped(change("x", POSTGRESQL, after=ROW))
    async with Running(played) as running:
        await played.sender.send(
            [
                Outgoing(TOPIC, KEY, wrapped(change("r", POSTGRESQL, after=ROW))),
                Outgoing(TOPIC, KEY, None),
                Outgoing(TOPIC, KEY, b'{"ts_ms": 1772442900123}'),
                Outgoing(TOPIC, KEY, bad),
                Outgoing(TOPIC, KEY, created),
            ]
        )
        async with asyncio.timeout(30):
            while not played.records:
                played.records += [
                    kafka_clients.record_of(fetched)
                    for batch in (await played.outcomes.getmany(timeout_ms=200)).values()
                    for fetched in batch
                ]
        first = await played.outcome_in(played.records[0])
        assert first.status is Status.SUCCESS, first.summary
        assert first.event_id.startswith("lsn=24023128,txId=555/")
        assert first.event_type == "orders.created"
        assert first.session_id == "C-100"
        # The mirror's offsets, partitions and times are its own.
        await played.sender.send([Outgoing(MIRROR, b"filler", None)] * 3)
        await played.sender.send([Outgoing(MIRROR, KEY, created)])
        copies = await played.outcome_records(first.event_id, at_least=2)
        assert copies[0].value == copies[1].value
        [letter] = await dead_letters(played, 1)
        assert letter.reason == "unreadable"
        assert f"{TOPIC}[0]@3: `op` is 'x'" in letter.error
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{running.info.health_address}/metrics") as answer,
        ):
            text = await answer.text()
        assert f'pointsman_records_ignored_total{{topic="{TOPIC}"}} 3.0' in text
    assert played.rows("SELECT action, count(*) FROM effects GROUP BY action") == [("create_order", 1)]
