"""Bare aiokafka clients, for the tests of its habits."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition

from consumers.adapters import kafka_clients
from tests.contracts.port_stage import until


class Telling(ConsumerRebalanceListener):
    """Calls what it is given."""

    def __init__(
        self,
        *,
        revoked: Callable[[], Awaitable[None]] | None = None,
        assigned: Callable[[], None] | None = None,
    ) -> None:
        self.assignments = 0
        self._revoked = revoked
        self._assigned = assigned

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - awaited
        if revoked and self._revoked is not None:
            await self._revoked()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - awaited
        self.assignments += 1
        if self._assigned is not None:
            self._assigned()


@asynccontextmanager
async def consuming(
    bootstrap: str, topic: str, listener: Telling | None = None, *, group: str | None = None, **settings: Any
) -> AsyncGenerator[Any]:
    chosen: dict[str, Any] = {"auto_offset_reset": "earliest", "enable_auto_commit": False, **settings}
    name = group or f"facts-{uuid4().hex[:8]}"
    consumer: Any = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=name, **chosen)
    await consumer.start()
    consumer.subscribe([topic], listener=listener or Telling())
    try:
        await until(lambda: bool(consumer.assignment()) and consumer._coordinator._heartbeat_task is not None)
        yield consumer
    finally:
        await kafka_clients.stop(consumer)


@asynccontextmanager
async def producing(bootstrap: str, **settings: Any) -> AsyncGenerator[Any]:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, **settings)
    await producer.start()
    try:
        yield producer
    finally:
        await kafka_clients.stop(producer)


async def publish(bootstrap: str, topic: str, count: int = 5) -> None:
    async with producing(bootstrap) as producer:
        for number in range(count):
            await producer.send_and_wait(topic, b"%d" % number, partition=0)
