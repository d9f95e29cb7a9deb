"""The real broker serves the client we use and an independent one, and refuses what production refuses."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from confluent_kafka import Consumer, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient

ROOT = Path(__file__).parents[2]
HEADERS: list[tuple[str, str | bytes | None]] = [("ce_type", b"order.requested")]


async def test_what_aiokafka_publishes_an_independent_client_reads(
    kafka: str, new_topic: Callable[..., str]
) -> None:
    topic = new_topic()
    async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True) as producer:
        await asyncio.wait_for(producer.send_and_wait(topic, b"value", key=b"key", headers=HEADERS), 30)
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": topic, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    message = await asyncio.to_thread(consumer.poll, 30)
    consumer.close()
    assert message is not None
    assert (message.key(), message.value(), message.headers()) == (b"key", b"value", HEADERS)


async def test_what_an_independent_client_publishes_aiokafka_reads(
    kafka: str, new_topic: Callable[..., str]
) -> None:
    topic = new_topic()
    producer = Producer({"bootstrap.servers": kafka, "enable.idempotence": True})
    producer.produce(topic, b"value", key=b"key", headers=HEADERS)
    assert await asyncio.to_thread(producer.flush, 30) == 0
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, group_id=topic, auto_offset_reset="earliest")
    async with consumer:
        record = await asyncio.wait_for(consumer.getone(), 30)
    assert (record.key, record.value, list(record.headers)) == (b"key", b"value", HEADERS)


async def test_a_transaction_that_aborts_is_never_read(kafka: str, new_topic: Callable[..., str]) -> None:
    topic = new_topic()
    async with AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=topic) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"aborted")
        await producer.abort_transaction()
        async with producer.transaction():
            await producer.send_and_wait(topic, b"committed")
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=kafka, auto_offset_reset="earliest", isolation_level="read_committed"
    )
    async with consumer:
        record = await asyncio.wait_for(consumer.getone(), 30)
    assert record.value == b"committed"


def test_a_misspelt_topic_is_refused_and_not_made(kafka: str) -> None:
    refused: list[str] = []

    def note(error: object, _message: Message) -> None:
        refused.append(str(error))

    producer = Producer({"bootstrap.servers": kafka, "message.timeout.ms": 3000})
    try:
        producer.produce("no-such-topic", b"value", on_delivery=note)
        producer.flush(30)
    except KafkaException as error:
        refused.append(str(error))
    assert refused
    assert "no-such-topic" not in AdminClient({"bootstrap.servers": kafka}).list_topics(timeout=30).topics


def test_tests_and_compose_run_the_same_kafka() -> None:
    pom = re.search(r"<version>([\d.]+)</version>", (ROOT / "ops/kafka/pom.xml").read_text())
    assert pom is not None
    image = f"apache/kafka:{pom[1]}"
    assert f'"{image}"' in (ROOT / "tests/kafka/conftest.py").read_text()
    assert f"image: {image}" in (ROOT / "docker-compose.yml").read_text()
