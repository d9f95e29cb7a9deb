"""What a broker refuses for good is told as such, not tried for ever."""

import asyncio
from collections.abc import Callable
from uuid import uuid4

import pytest
from aiokafka.admin import NewTopic

from consumers.adapters import kafka_clients
from consumers.errors import HaltError
from consumers.ports.consumer_group import Committed, PartitionId
from schemas.record import Outgoing
from tests.kafka.kafka_stage import KafkaStage, kafka_stage

NewTopicNamed = Callable[..., str]


async def compacted(stage: KafkaStage) -> str:
    name = f"compacted-{uuid4().hex[:8]}"
    admin = kafka_clients.admin(stage.connection)
    await admin.start()
    await admin.create_topics([NewTopic(name, 1, 1, topic_configs={"cleanup.policy": "compact"})])
    await kafka_clients.stop(admin)
    return name


async def test_a_compacted_topic_takes_nothing_without_a_key(kafka: str, new_topic: NewTopicNamed) -> None:
    async with kafka_stage(kafka, new_topic) as stage:
        topic = await compacted(stage)
        producer = await stage.producer()
        errors = await producer.send_each([[Outgoing(topic, b"k", b"v")], [Outgoing(topic, None, b"v")]])
        assert isinstance(errors[1], HaltError)
        assert "cleanup.policy" in str(errors[1])
        async with asyncio.timeout(10):
            await producer.send([Outgoing(topic, b"k", b"goes on")])
        transactions = await stage.opener("g").open(PartitionId(topic, 0))
        with pytest.raises(HaltError, match=r"cleanup\.policy"):
            await transactions.commit([Outgoing(topic, None, None)], Committed(1))
        await transactions.close()
