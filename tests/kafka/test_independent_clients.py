"""Publishers and subscribers that are not ours, on a real Apache Kafka: what they send is worked, what we send decodes.

The publisher and the subscriber use librdkafka (confluent-kafka) and plain fastavro with the schema files: nothing
of our codec.
"""

import hashlib
import io
import json
import struct
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import fastavro
import pytest
from confluent_kafka import Consumer, Producer
from fastavro.schema import to_parsing_canonical_form

from tests.integration.stage import Stage
from tests.kafka.shared_cluster import shared_stage

SCHEMAS = Path(__file__).parents[2] / "schemas" / "avro"
TIME = "2026-11-22T12:00:00Z"


def newest(name: str) -> Path:
    """The schema that is written with: the highest version there is a file of."""
    return max(SCHEMAS.glob(f"{name}.v*.avsc"), key=lambda path: int(path.suffixes[-2].removeprefix(".v")))


def schema(name: str) -> Any:
    return fastavro.parse_schema(json.loads(newest(name).read_text(encoding="utf-8")))


def schema_id(name: str) -> int:
    """The id as the folder registry documents it: the first 31 bits of the canonical form's SHA-256."""
    raw = json.loads(newest(name).read_text(encoding="utf-8"))
    canonical = to_parsing_canonical_form(raw)
    return int.from_bytes(hashlib.sha256(canonical.encode()).digest()[:4], "big") & 0x7FFF_FFFF


def avro(name: str, value: dict[str, Any]) -> bytes:
    body = io.BytesIO()
    fastavro.schemaless_writer(body, schema(name), value)
    return b"\0" + struct.pack(">I", schema_id(name)) + body.getvalue()


def order(ref: str) -> dict[str, Any]:
    return {
        "order_ref": ref,
        "customer_id": "C-100",
        "product_id": "P-100",
        "quantity": 1,
        "priority": "standard",
        "note": None,
    }


@pytest.fixture
async def played(kafka: str, tmp_path: Path) -> AsyncGenerator[Stage]:
    async with shared_stage(tmp_path, kafka) as made:
        yield made


@pytest.mark.kafka
@pytest.mark.xdist_group("kafka")
@pytest.mark.timeout(180)
async def test_foreign_avro_and_cloudevents_are_worked_and_foreign_readers_decode_the_outcomes(
    played: Stage, kafka: str
) -> None:
    unique = f"{time.time_ns()}"
    ids = {kind: f"{kind}-{unique}" for kind in ("avro", "binary", "structured")}
    producer = Producer({"bootstrap.servers": kafka, "acks": "all"})
    ce = {"ce_specversion": "1.0", "ce_type": "order.requested", "ce_source": "/erp", "ce_time": TIME}
    producer.produce(
        "erp.orders",
        key=b"customer-1",
        value=avro("order.requested", order("R-1")),
        headers=[*((k, v.encode()) for k, v in ce.items()), ("ce_id", ids["avro"].encode())],
    )
    producer.produce(
        "erp.orders",
        key=b"customer-2",
        value=json.dumps(order("R-2")).encode(),
        headers=[
            *((k, v.encode()) for k, v in ce.items()),
            ("ce_id", ids["binary"].encode()),
            ("content-type", b"application/json"),
        ],
    )
    structured = {
        "specversion": "1.0",
        "id": ids["structured"],
        "type": "order.requested",
        "source": "/erp",
        "time": TIME,
        "data": order("R-3"),
    }
    producer.produce(
        "erp.orders",
        key=b"customer-3",
        value=json.dumps(structured).encode(),
        headers=[("content-type", b"application/cloudevents+json")],
    )
    assert producer.flush(30) == 0

    await played.start_worker()
    for event_id in ids.values():
        await played.outcome_records(event_id)
    assert await played.stop_worker() == 0, played.log()

    outcomes = {o["event_id"]: o for o in read_outcomes(kafka, set(ids.values()))}
    assert {o["status"] for o in outcomes.values()} == {"success"}
    assert outcomes.keys() == set(ids.values())
    actions = [a["action"] for a in outcomes[ids["avro"]]["actions"]]
    assert actions == ["crm.get_customer", "erp.check_stock", "erp.create_order", "erp.schedule_shipment"]


def read_outcomes(kafka: str, wanted: set[str]) -> list[dict[str, Any]]:
    consumer = Consumer(
        {
            "bootstrap.servers": kafka,
            "group.id": f"subscriber-{time.time_ns()}",
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
        }
    )
    consumer.subscribe(["pointsman.outcomes"])
    found: dict[str, dict[str, Any]] = {}
    deadline = time.monotonic() + 40
    try:
        while wanted - found.keys() and time.monotonic() < deadline:
            message = consumer.poll(1.0)
            if message is None or message.error():
                continue
            value = message.value()
            assert value is not None
            magic, identifier = struct.unpack(">bI", value[:5])
            assert (magic, identifier) == (0, schema_id("run.finished"))
            headers = dict(message.headers() or [])
            outcome: Any = fastavro.schemaless_reader(io.BytesIO(value[5:]), schema("run.finished"), None)
            assert headers["ce_type"] == b"run.finished"
            assert headers["ce_id"]
            found[outcome["event_id"]] = outcome
    finally:
        consumer.close()
    return [found[event_id] for event_id in wanted & found.keys()]
