"""What `approvals`, `tail`, `dead-letters` and `replay` read by, on a real Kafka."""

import asyncio
from collections.abc import Callable

from confluent_kafka import Producer

from consumers.adapters.kafka_clients import KafkaConnection
from consumers.adapters.kafka_reader import topic_reader


async def test_a_reader_finds_every_record_of_every_partition(
    kafka: str, new_topic: Callable[..., str]
) -> None:
    topic = new_topic(partitions=3)
    producer = Producer({"bootstrap.servers": kafka})
    for partition in range(3):
        producer.produce(topic, b"value", partition=partition)
    assert producer.flush(30) == 0
    async with topic_reader(KafkaConnection(kafka, {})) as reader:
        records = [record async for record in reader.to_end([topic])]
    assert sorted(record.partition for record in records) == [0, 1, 2]


async def test_a_long_reading_leaves_turns_to_the_rest_of_the_worker(
    kafka: str, new_topic: Callable[..., str]
) -> None:
    topic = new_topic()
    producer = Producer({"bootstrap.servers": kafka})
    for number in range(5_000):
        producer.produce(topic, str(number).encode())
    assert producer.flush(30) == 0
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with topic_reader(KafkaConnection(kafka, {})) as reader, asyncio.TaskGroup() as group:
        task = group.create_task(others(), name="others")
        turned = [turns async for _ in reader.to_end([topic])]
        task.cancel()
    assert len(turned) == 5_000
    assert max(turned.count(turn) for turn in set(turned)) <= 500
