"""The parked topic, read from outside any group: by one consumer that follows it, and one for each look back."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from consumers.adapters.kafka_clients import KafkaConnection, partitions_of, reader, record_of, stop
from consumers.adapters.kafka_reader import topic_reader
from consumers.errors import HaltError, UnavailableError
from schemas.record import Record

_log = logging.getLogger(__name__)

_POLL_MS: Final = 500
_EMPTY_S: Final = 0.05
"""Pause after a poll that gave nothing at once: embedded brokers do not hold an empty fetch."""
_CATCH_UP_S: Final = 30.0
_ASK_S: Final = 10.0
_AGAIN_S: Final = 0.5


class KafkaParkedLog:
    """The `ParkedLog` port on a Kafka topic."""

    def __init__(self, connection: KafkaConnection, topic: str) -> None:
        self._connection = connection
        self._topic = topic
        self._consumer: AIOKafkaConsumer | None = None
        self._applied: dict[TopicPartition, int] = {}
        self._moved = asyncio.Event()

    async def follow(self, apply: Callable[[Record], None]) -> None:
        """As the port says; a broker that goes away is waited for."""
        consumer = await self._started()
        try:
            while True:
                try:
                    await self._apply_some(consumer, apply)
                except KafkaError as error:
                    _log.warning(
                        "the parked topic cannot be read, trying again", extra={"error": repr(error)}
                    )
                    await asyncio.sleep(_AGAIN_S)
        finally:
            self._consumer = None
            await stop(consumer)

    async def catch_up(self) -> None:
        """As the port says."""
        try:
            async with asyncio.timeout(_CATCH_UP_S):
                while self._consumer is None:
                    await self._next_move()
                ends = await self._consumer.end_offsets(list(self._applied))
                while any(self._applied[tp] < end for tp, end in ends.items()):
                    await self._next_move()
        except (KafkaError, TimeoutError) as error:
            raise UnavailableError(f"{self._topic}: not read to its end: {error!r}") from error

    async def read(self, partition: int, first: int, end: int) -> AsyncIterator[Record]:
        """As the port says."""
        async with topic_reader(self._connection) as source:
            async for record in source.span(TopicPartition(self._topic, partition), first, end):
                yield record

    async def _started(self) -> AIOKafkaConsumer:
        while True:
            consumer = reader(self._connection)
            try:
                async with asyncio.timeout(_ASK_S):
                    await consumer.start()
                    await self._assign(consumer)
            except (KafkaError, TimeoutError) as error:
                await stop(consumer)
                _log.warning("the parked topic cannot be read, trying again", extra={"error": repr(error)})
                await asyncio.sleep(_AGAIN_S)
            except BaseException:
                await stop(consumer)
                raise
            else:
                return consumer

    async def _assign(self, consumer: AIOKafkaConsumer) -> None:
        numbers = (await partitions_of(consumer, [self._topic])).get(self._topic)
        if not numbers:
            raise HaltError(f"the topic {self._topic} does not exist; `pointsman topics create` makes it")
        tps = [TopicPartition(self._topic, number) for number in numbers]
        consumer.assign(tps)
        self._applied = await consumer.beginning_offsets(tps)
        for tp, offset in self._applied.items():
            consumer.seek(tp, offset)
        self._consumer = consumer
        self._moved.set()

    async def _apply_some(self, consumer: AIOKafkaConsumer, apply: Callable[[Record], None]) -> None:
        clock = asyncio.get_running_loop().time
        asked_at = clock()
        batches = await consumer.getmany(timeout_ms=_POLL_MS)
        for fetched in batches.values():
            for one in fetched:
                apply(record_of(one))
        for tp in self._applied:
            self._applied[tp] = await consumer.position(tp)
        self._moved.set()
        if not batches and clock() - asked_at < _EMPTY_S:
            await asyncio.sleep(_EMPTY_S)

    async def _next_move(self) -> None:
        self._moved.clear()
        await self._moved.wait()
