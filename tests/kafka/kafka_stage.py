"""A real Kafka as a stage for the cases of the ports."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.protocol.group import LeaveGroupRequest

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_clients import KafkaConnection
from consumers.adapters.kafka_group import KafkaGroup
from consumers.adapters.kafka_reader import topic_reader
from consumers.adapters.kafka_sender import KafkaSender
from consumers.adapters.kafka_transactions import KafkaTransactionsOpener
from consumers.ports.consumer_group import ConsumerGroup
from schemas.record import Record


class KafkaStage:
    """The `PortStage` on a running broker."""

    largest_message = 1_200_000  # max.message.bytes is 1,048,588 by default

    def __init__(self, bootstrap: str, new_topic: Callable[..., str]) -> None:
        self.connection = KafkaConnection(bootstrap, {})
        self._new_topic = new_topic
        self._consumers: dict[ConsumerGroup, AIOKafkaConsumer] = {}
        self._senders: list[KafkaSender] = []

    async def new_topic(self, partitions: int = 1) -> str:
        return await asyncio.to_thread(self._new_topic, partitions=partitions)

    async def publish(self, topic: str, values: Sequence[bytes], partition: int = 0) -> None:
        producer = kafka_clients.producer(self.connection)
        await producer.start()
        try:
            for value in values:
                await producer.send_and_wait(topic, value, partition=partition)
        finally:
            await kafka_clients.stop(producer)

    def member(self, group: str, *, session_s: float = 5.0, from_end: bool = False) -> ConsumerGroup:
        consumer = kafka_clients.group_consumer(
            self.connection, group=group, instance_id=None, session_timeout_s=session_s
        )
        made = KafkaGroup(consumer, from_end=from_end)
        self._consumers[made] = consumer
        return made

    async def crash(self, member: ConsumerGroup) -> None:
        consumer: Any = self._consumers[member]
        for task in (consumer._coordinator._coordination_task, consumer._coordinator._heartbeat_task):
            task.cancel()
        await consumer._client.close()

    async def put_out(self, member: ConsumerGroup) -> None:
        coordinator: Any = self._consumers[member]._coordinator  # pyright: ignore[reportPrivateUsage] - asks for what it never would
        await coordinator._send_req(LeaveGroupRequest(coordinator.group_id, coordinator.member_id))

    async def producer(self) -> KafkaSender:
        made = KafkaSender(lambda: kafka_clients.producer(self.connection))
        await made.start()
        self._senders.append(made)
        return made

    def opener(self, group: str) -> KafkaTransactionsOpener:
        return KafkaTransactionsOpener(self.connection, group=group)

    async def committed_records(self, topic: str) -> list[Record]:
        async with topic_reader(self.connection) as reader:
            return [record async for record in reader.to_end([topic])]

    async def close(self) -> None:
        for member in self._consumers:
            with contextlib.suppress(asyncio.CancelledError):
                await member.stop()
        for sender in self._senders:
            await sender.stop()


@asynccontextmanager
async def kafka_stage(bootstrap: str, new_topic: Callable[..., str]) -> AsyncGenerator[KafkaStage]:
    """Give a stage, and close what was opened on it."""
    stage = KafkaStage(bootstrap, new_topic)
    try:
        yield stage
    finally:
        await stage.close()
