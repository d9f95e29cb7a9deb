"""Events in, outcomes out, with librdkafka: a publisher and a subscriber that are not ours.

Its calls here return at once, so that one event loop has it all.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, Producer, TopicPartition
from plan import Order
from records import OutcomeRecord, Place, event_of, outcome_in
from servers import ORDERS, QUIET

from schemas.codec.records import RecordCodec
from schemas.outcome import Outcome
from schemas.registry.folder import FolderRegistry
from schemas.topics import OUTCOMES

_ROUND_S: Final = 0.01
_BATCH: Final = 500


class Traffic:
    """What was published, and what came of it."""

    def __init__(self, producer: Producer, consumer: Consumer, codec: RecordCodec) -> None:
        self._producer = producer
        self._consumer = consumer
        self._codec = codec
        self.published = 0
        self.accepted: dict[int, Place] = {}
        """Where events lie that the broker has acknowledged, by their numbers."""
        self.refused: list[str] = []
        self.outcomes: list[OutcomeRecord] = []
        self.ids: set[bytes] = set()
        """Of outcomes: each event has one."""
        self.read: dict[int, int] = {}
        """Up to where each partition of outcomes was read when it had no more."""

    @property
    def unfinished(self) -> int:
        return self.published - len(self.ids)

    async def publish(self, orders: Sequence[Order], may: Callable[[int], bool]) -> None:
        """Publish all, each as soon as it may be; returns once the broker has answered for each of them."""
        for order in orders:
            while not may(order.number):
                await self._turn()
            message = self._codec.encode(event_of(order))
            self._producer.produce(
                ORDERS,
                key=message.key,
                value=message.value,
                headers=list(message.headers),
                on_delivery=lambda error, record, number=order.number: self._answered(number, error, record),
            )
            self.published += 1
            self._producer.poll(0)
        while len(self.accepted) + len(self.refused) < len(orders):
            await self._turn()

    async def collect(self) -> None:
        """Read outcomes until cancelled."""
        while True:
            for message in self._consumer.consume(_BATCH, 0):
                self._keep(message)
            await asyncio.sleep(_ROUND_S)

    async def numbered(self) -> list[tuple[int, Outcome]]:
        """Decode all outcomes; returns the number of its event with each."""
        return [await outcome_in(record, self._codec) for record in self.outcomes]

    async def _turn(self) -> None:
        self._producer.poll(0)
        await asyncio.sleep(_ROUND_S)

    def _answered(self, number: int, error: KafkaError | None, record: Message) -> None:
        if error is not None:
            self.refused.append(f"event {number}: {error}")
            return
        partition, offset = record.partition(), record.offset()
        assert partition is not None
        assert offset is not None
        self.accepted[number] = Place(partition, offset)

    def _keep(self, message: Message) -> None:
        error, partition, offset = message.error(), message.partition(), message.offset()
        if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 # its public name
            return  # the broker is away; librdkafka tries again by itself
        assert partition is not None
        assert offset is not None
        if error is not None:
            self.read[partition] = offset
            return
        headers: Any = message.headers() or []
        kept = OutcomeRecord(
            Place(partition, offset),
            message.timestamp()[1],
            message.key() or b"",
            message.value() or b"",
            tuple(headers),
        )
        self.outcomes.append(kept)
        self.ids.add(kept.id)


@asynccontextmanager
async def running_traffic(bootstrap: str) -> AsyncGenerator[Traffic]:
    """Connect a publisher and a subscriber while the block runs."""
    codec = RecordCodec(FolderRegistry())
    await codec.ready()
    producer = Producer(
        QUIET
        | {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,  # each event once, and in order, whatever becomes of the broker
            "linger.ms": 2,
            "message.timeout.ms": 240_000,
        }
    )
    consumer = reader(bootstrap)
    try:
        consumer.assign(
            [TopicPartition(OUTCOMES.name, n, OFFSET_BEGINNING) for n in range(OUTCOMES.partitions)]
        )
        yield Traffic(producer, consumer, codec)
    finally:
        producer.purge()
        producer.close()
        consumer.close()


def reader(bootstrap: str) -> Consumer:
    """Return a consumer that belongs to no group, reads what is committed and tells where a partition ends."""
    return Consumer(
        QUIET
        | {
            "bootstrap.servers": bootstrap,
            "group.id": "chaos-reader",  # librdkafka wants one; nothing is committed
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
