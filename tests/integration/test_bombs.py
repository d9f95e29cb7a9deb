"""The bombs, byte for byte, against a worker that runs: each is a dead letter, and the orders around it are worked."""

import json
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from aiokafka import AIOKafkaProducer

from consumers.adapters import kafka_clients
from consumers.local.broker import local_broker
from schemas.codec import avro
from schemas.outcome import Status
from schemas.record import Outgoing
from schemas.registry.files import packaged_schemas
from schemas.registry.folder import folder_id
from tests.integration.dead_letters import dead_letters
from tests.integration.stage import Stage, order, stage
from tests.schemas.stand_in import StandIn, standing_in

TOPIC: Final = "erp.orders"
KEY: Final = b"customer"
MIB: Final = 1024 * 1024
MOST_MEMORY: Final = 300 * MIB
"""Of the worker, at its peak; it needs about half of that for nothing."""


def one_field(kind: object) -> str:
    return json.dumps({"type": "record", "name": "One", "fields": [{"name": "a", "type": kind}]})


def decimal(precision: int, scale: int) -> dict[str, Any]:
    return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}


def zigzag(number: int) -> bytes:
    coded, left = b"", (number << 1) ^ (number >> 63)
    while left > 127:
        coded += bytes([left & 127 | 128])
        left >>= 7
    return coded + bytes([left])


ORDER_ID: Final = next(
    folder_id(file.schema) for file in packaged_schemas() if file.type == "order.requested"
)
RECURSIVE, NULLS, AMOUNT, DIGITS = 1001, 1002, 1003, 1004
SCHEMAS: Final = {
    RECURSIVE: one_field(["null", "One"]),
    NULLS: one_field({"type": "array", "items": "null"}),
    AMOUNT: one_field(decimal(12, 2)),
    DIGITS: one_field(decimal(2**31 - 1, 2**31 - 2)),
}


@dataclass(frozen=True)
class Bomb:
    name: str
    value: bytes
    reason: str
    says: str


BOMBS: Final = [
    Bomb(
        "10 KB that recurse",
        avro.prefix(RECURSIVE) + b"\x02" * 10_000 + b"\x00",
        "unknown_schema",
        "recursive",
    ),
    Bomb(
        "100 million nulls in five bytes",
        avro.prefix(NULLS) + zigzag(100_000_000) + b"\x00",
        "unknown_schema",
        "items take no bytes",
    ),
    Bomb(
        "a decimal of 1 MB",
        avro.prefix(AMOUNT) + zigzag(10**6) + b"\x7f" * 10**6,
        "unreadable",
        "a decimal of 1000000 bytes",
    ),
    Bomb(
        "a decimal of two billion digits",
        avro.prefix(DIGITS) + b"\x02\x01",
        "unknown_schema",
        "precision 2147483647",
    ),
    Bomb("a text longer than its body", avro.prefix(ORDER_ID) + zigzag(2**60), "unreadable", "EOFError"),
    Bomb("JSON of 100,000 levels", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "unreadable", "JSON"),
]
UNFOLDING: Final = {"zstd": 300 * MIB, "gzip": 300 * MIB, "lz4": 100 * MIB, "snappy": 16 * MIB}
"""How large, so that it still passes a broker's limit of 1 MiB."""


@pytest.fixture
async def registry() -> AsyncGenerator[StandIn]:
    async with standing_in() as server:
        server.hold_files(packaged_schemas())
        server.schemas |= SCHEMAS
        yield server


@pytest.fixture
async def played(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with local_broker(tmp_path / "kafka") as bootstrap, stage(tmp_path, bootstrap) as made:
        yield made


@pytest.mark.timeout(240)
async def test_every_bomb_is_a_dead_letter_and_the_worker_neither_dies_nor_grows(
    played: Stage, registry: StandIn
) -> None:
    trust_the_customer(played.config)
    worker = await played.start_worker(registry__url=registry.url)
    for number, bomb in enumerate(BOMBS):
        await played.publish(order(f"before-{number}"), key=KEY)
        await played.sender.send([Outgoing(TOPIC, KEY, bomb.value)])
    packed = {
        algorithm: await publish_packed(played, algorithm, size) for algorithm, size in UNFOLDING.items()
    }
    assert packed["zstd"] < 9_800
    await played.publish(order("last"), key=KEY)

    for event_id in (*(f"before-{number}" for number in range(len(BOMBS))), "last"):
        (record, *_) = await played.outcome_records(event_id, within_s=90)
        outcome = await played.outcome_in(record)
        assert outcome.status is Status.SUCCESS, f"{outcome.status}: {outcome.summary}"
    letters = await dead_letters(played)
    for bomb in BOMBS:
        letter = next((each for each in letters if each.record.value == bomb.value), None)
        assert letter is not None, bomb.name
        assert letter.reason == bomb.reason, f"{bomb.name}: {letter.error}"
        assert bomb.says in letter.error, f"{bomb.name}: {letter.error}"
    unfolding = [each for each in letters if "unfolds to more than 8388608 bytes" in each.error]
    assert [each.reason for each in unfolding] == ["unreadable"] * len(UNFOLDING)
    assert len(letters) == len(BOMBS) + len(UNFOLDING)
    assert most_memory(worker.pid) < MOST_MEMORY
    assert await played.stop_worker() == 0, played.log()


def trust_the_customer(config: Path) -> None:
    """Say so in the configuration: what a registry elsewhere says is not believed to label values."""
    text = config.read_text(encoding="utf-8")
    route = "    event: order.requested\n"
    assert route in text
    config.write_text(
        text.replace(route, f"{route}    trusted_fields: [customer_id, product_id]\n"), encoding="utf-8"
    )


async def publish_packed(played: Stage, algorithm: str, size: int) -> int:
    """Publish so many zeros as one record that is packed; return how long its batch is."""
    producer: Any = AIOKafkaProducer(
        bootstrap_servers=played.connection.bootstrap,
        compression_type=algorithm,
        max_batch_size=size + MIB,
        max_request_size=2 * MIB,
    )
    await producer.start()
    try:
        batch = producer.create_batch()
        batch.append(key=KEY, value=bytes(size), timestamp=None)
        batch.close()
        await (await producer.send_batch(batch, TOPIC, partition=0))
        return int(batch.size())
    finally:
        await kafka_clients.stop(producer)


def most_memory(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1]) * 1024
