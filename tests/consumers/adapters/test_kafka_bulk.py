"""Many messages given at a time end up where, and in the order that, they would one by one."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_bulk import send_all
from consumers.adapters.kafka_clients import KafkaConnection
from consumers.adapters.kafka_reader import topic_reader
from consumers.local.broker import local_broker
from schemas.record import Outgoing, Record

TOPICS = ("one-by-one", "at-a-time")
LARGE = b"x" * 40_000


def messages(topic: str) -> list[Outgoing]:
    """Return more than fits into a batch, of keys that come again, and some large ones and one without a key between."""
    made = [
        Outgoing(
            topic,
            f"session-{number % 37}".encode(),
            LARGE if number % 50 == 49 else b"%d" % number,
            (("ce_id", b"%d" % number), ("empty", b"")),
        )
        for number in range(1_500)
    ]
    made[700] = Outgoing(topic, None, b"without a key")
    made[701] = Outgoing(topic, b"session-1", None)
    return made


async def test_they_come_to_the_same_partitions_in_the_same_order(tmp_path: Path) -> None:
    async with local_broker(tmp_path) as bootstrap:
        connection = KafkaConnection(bootstrap, {})
        one_by_one, at_a_time = TOPICS
        client = kafka_clients.admin(connection)
        await client.start()
        await client.create_topics([NewTopic(topic, 3, 1) for topic in (one_by_one, at_a_time)])
        await client.close()
        async with kafka_clients.producer(connection, batch_bytes=16_384) as producer:
            await _send_one_by_one(producer, messages(one_by_one))
            for future in await send_all(producer, messages(at_a_time)):
                await future
        async with topic_reader(connection) as reader:
            wanted = _by_key([record async for record in reader.to_end([one_by_one])])
            found = _by_key([record async for record in reader.to_end([at_a_time])])
    assert len(found) == 38
    assert found.pop(None)[0][1:] == wanted.pop(None)[0][1:], "it may go to any partition"
    assert found == wanted


async def _send_one_by_one(producer: AIOKafkaProducer, outgoing: Sequence[Outgoing]) -> None:
    sent = [
        await producer.send(each.topic, key=each.key, value=each.value, headers=list(each.headers))
        for each in outgoing
    ]
    for future in sent:
        await future


def _by_key(records: Sequence[Record]) -> dict[bytes | None, list[tuple[int, bytes | None, object]]]:
    found: defaultdict[bytes | None, list[tuple[int, bytes | None, object]]] = defaultdict(list)
    for record in records:
        found[record.key].append((record.partition, record.value, record.headers))
    return dict(found)
