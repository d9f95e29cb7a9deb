"""Habits of aiokafka 0.14's producer that our adapters work around: see `test_aiokafka_facts`."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import (
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    ProducerFenced,
    RequestTimedOutError,
    UnknownTopicOrPartitionError,
)
from aiokafka.structs import OffsetAndMetadata

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_clients import KafkaConnection
from tests.kafka.aiokafka_clients import consuming, producing

NewTopic = Callable[..., str]
LARGE = b"\x00" * 1_200_000
"""More than a broker takes of a record by default, where it is not compressed."""


async def test_a_record_without_key_and_value_is_not_sent(kafka: str, new_topic: NewTopic) -> None:
    topic = new_topic()
    async with producing(kafka) as producer:
        with pytest.raises(AssertionError):
            await producer.send(topic, None, key=None)


async def test_a_refused_record_spoils_those_behind_it(kafka: str, new_topic: NewTopic) -> None:
    topic = new_topic()
    async with producing(kafka, enable_idempotence=True, max_request_size=8_000_000) as producer:
        await producer.send_and_wait(topic, b"before")
        with pytest.raises(MessageSizeTooLargeError):
            await producer.send_and_wait(topic, LARGE)
        with pytest.raises(OutOfOrderSequenceNumber):
            await producer.send_and_wait(topic, b"behind")


async def test_a_missing_topic_is_asked_for_until_the_request_timeout(kafka: str) -> None:
    async with producing(kafka, request_timeout_ms=1500) as producer:
        began = time.monotonic()
        with pytest.raises(UnknownTopicOrPartitionError):
            await producer.send("no-such-topic", b"v")
        assert time.monotonic() - began > 1.4


async def test_a_transaction_commits_without_the_record_that_failed(kafka: str, new_topic: NewTopic) -> None:
    topic, source, group = new_topic(), new_topic(), f"facts-{uuid4().hex[:8]}"
    tp = TopicPartition(source, 0)
    name = f"facts-{uuid4().hex[:8]}"
    async with producing(kafka, transactional_id=name, max_request_size=8_000_000) as producer:
        await producer.begin_transaction()
        failed = await producer.send(topic, LARGE)
        await producer.send_offsets_to_transaction({tp: OffsetAndMetadata(7, "")}, group)
        await producer.commit_transaction()
        with pytest.raises(MessageSizeTooLargeError):
            await failed
    async with consuming(kafka, source, group=group) as consumer:
        await until_true(lambda: consumer.committed(tp), 7)


async def until_true(ask: Callable[[], Awaitable[object]], wanted: object) -> None:
    async with asyncio.timeout(10):
        while await ask() != wanted:
            await asyncio.sleep(0.01)


async def test_a_fenced_producer_asserts_ever_after(kafka: str, new_topic: NewTopic) -> None:
    topic, name = new_topic(), f"facts-{uuid4().hex[:8]}"
    async with producing(kafka, transactional_id=name) as first, producing(kafka, transactional_id=name):
        await first.begin_transaction()
        with pytest.raises(ProducerFenced):
            await first.send_and_wait(topic, b"v")
        with pytest.raises(AssertionError):
            await first.abort_transaction()
        with pytest.raises(AssertionError):
            await first.begin_transaction()


async def test_an_oversized_text_of_an_offset_kills_a_transactional_producer(
    kafka: str, new_topic: NewTopic
) -> None:
    tp, name = TopicPartition(new_topic(), 0), f"facts-{uuid4().hex[:8]}"
    async with producing(kafka, transactional_id=name) as producer:
        await producer.begin_transaction()
        with pytest.raises(Exception, match="Unexpected error during batch delivery"):
            await producer.send_offsets_to_transaction({tp: OffsetAndMetadata(7, "m" * 4097)}, name)


async def test_stopping_a_producer_waits_for_a_broker_that_is_gone(
    kafka: str, new_topic: NewTopic, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    topic = new_topic()
    producer: Any = kafka_clients.producer(KafkaConnection(kafka, {}))
    await producer.start()
    await producer.partitions_for(topic)

    async def unreachable(*_: Any, **__: Any) -> None:
        raise RequestTimedOutError

    monkeypatch.setattr(producer.client, "send", unreachable)
    await producer.send(topic, b"never acknowledged")
    stopping = asyncio.create_task(producer.stop())
    _, late = await asyncio.wait([stopping], timeout=1)
    assert late
    stopping.cancel()
    await asyncio.wait([stopping])
    producer._closed = False  # as before the attempt
    monkeypatch.setattr(kafka_clients, "_STOP_S", 0.5)
    async with asyncio.timeout(3):
        await kafka_clients.stop(producer)
    assert "its connections are cut" in caplog.text
