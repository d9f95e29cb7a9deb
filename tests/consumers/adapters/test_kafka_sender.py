"""A sender goes on with a new producer when the broker has forgotten the old one."""

import asyncio
import contextlib
import logging
from pathlib import Path

import pytest
from aiokafka.admin import NewTopic

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_clients import KafkaConnection
from consumers.adapters.kafka_reader import topic_reader
from consumers.adapters.kafka_sender import KafkaSender
from consumers.errors import UnavailableError
from consumers.local.broker import local_broker
from consumers.local.program import free_port
from schemas.record import Outgoing

TOPIC = "facts"


async def create_topic(connection: KafkaConnection) -> None:
    client = kafka_clients.admin(connection)
    await client.start()
    await client.create_topics([NewTopic(TOPIC, 1, 1)])
    await client.close()


async def test_a_broker_that_forgot_the_producer_gets_a_new_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    connection = KafkaConnection(f"127.0.0.1:{port}", {})
    sender = KafkaSender(lambda: kafka_clients.producer(connection))
    async with local_broker(tmp_path / "one", port=port):
        await create_topic(connection)
        await sender.start()
        for _ in range(3):
            await sender.send([Outgoing(TOPIC, b"k", b"before")])
    caplog.set_level(logging.WARNING, logger="consumers.adapters.kafka_sender")
    async with local_broker(tmp_path / "two", port=port):  # an empty one: as after an unclean restart
        await create_topic(connection)
        async with asyncio.timeout(60):
            sent = False
            while not sent:
                with contextlib.suppress(UnavailableError):
                    await sender.send([Outgoing(TOPIC, b"k", b"after")])
                    sent = True
        async with topic_reader(connection) as reader:
            values = [record.value async for record in reader.to_end([TOPIC])]
        await sender.stop()
    assert "the producer was replaced" in caplog.text
    assert values
    assert set(values) == {b"after"}
