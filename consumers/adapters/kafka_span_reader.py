"""Parts of a topic, read in batches by a group of its own that goes on where it has committed."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from consumers.adapters import kafka_internals
from consumers.adapters.kafka_clients import KafkaConnection, group_consumer, partitions_of, record_of, stop
from consumers.adapters.kafka_reader import Span
from consumers.adapters.kafka_refusal import explained
from consumers.errors import HaltError, UnavailableError
from consumers.ports.consumer_group import Committed
from schemas.record import Record

_CALL_S: Final = 15.0
_QUIET_S: Final = 30.0
"""A broker that gives nothing for so long although it has more is given up."""
_POLL_MS: Final = 200
_REST_S: Final = 0.02
"""Pause after a poll that returned nothing: embedded brokers answer an empty fetch at once."""
_SESSION_S: Final = 45.0
"""The client asks for one; who subscribes to nothing joins no group, and has none."""


@dataclass(frozen=True, slots=True)
class Part:
    """What was read of one partition at a time.

    Attributes:
        partition: which one.
        records: in order; none where nobody is given what stands there, such as the markers of transactions.
        next_offset: the first that was not read; what is to be committed once these records are done.
    """

    partition: int
    records: Sequence[Record]
    next_offset: int

    def split(self, at: int) -> tuple["Part", "Part"]:
        """Return its first records, at least one of them and not all, and the others."""
        head, tail = self.records[:at], self.records[at:]
        return Part(self.partition, head, head[-1].next_offset), Part(self.partition, tail, self.next_offset)


class SpanReader:
    """Reads one topic; one read at a time."""

    def __init__(self, consumer: AIOKafkaConsumer, topic: str) -> None:
        """Use `span_reader`, which connects."""
        self._consumer = consumer
        self._topic = topic

    async def committed(self, partitions: Collection[int]) -> Mapping[int, Committed]:
        """Return what the group has committed; partitions without a commit are left out.

        Raises:
            UnavailableError: the broker does not answer.
        """
        tps = [TopicPartition(self._topic, number) for number in partitions]
        try:
            async with asyncio.timeout(_CALL_S):
                found = await kafka_internals.committed(self._consumer, tps)
        except (KafkaError, TimeoutError) as error:
            raise UnavailableError(f"{self._topic}: what was done is not known: {error!r}") from error
        return {tp.partition: Committed(at.offset, at.metadata or "") for tp, at in found.items()}

    async def read(self, spans: Mapping[int, Span], most: int) -> AsyncGenerator[Sequence[Part]]:
        """Yield what stands in these spans, none of them being empty, so many records at a time, in order per partition.

        Once it was cancelled, nothing more is to be read: it may have left a fetch of the client's open.

        Raises:
            HaltError: there is no such topic, or it ends before a span does: it was made anew since.
            UnavailableError: the broker does not answer, or gives nothing more.
        """
        left = {TopicPartition(self._topic, number): span for number, span in spans.items()}
        await self._seek(left)
        clock = asyncio.get_running_loop().time
        moved_at = clock()
        while left:
            try:
                batches = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=most)
            except KafkaError as error:
                raise UnavailableError(f"{self._topic} cannot be read: {error!r}") from error
            parts: list[Part] = []
            for tp, span in list(left.items()):
                records = [record_of(one) for one in batches.get(tp, ()) if one.offset < span.end]
                # The position, not the last record: the tail may be markers, which nobody is given.
                at = self._position(tp)
                if at is None or (at < span.end and not records):
                    continue
                parts.append(Part(tp.partition, records, min(at, span.end)))
                if at >= span.end:
                    del left[tp]
                    self._consumer.pause(tp)
            if parts:
                moved_at = clock()
                yield parts
            elif clock() - moved_at > _QUIET_S:
                raise UnavailableError(f"{self._topic}: the broker gave nothing for {_QUIET_S:.0f} s")
            else:
                await asyncio.sleep(_REST_S)

    async def _seek(self, spans: Mapping[TopicPartition, Span]) -> None:
        try:
            async with asyncio.timeout(_CALL_S):
                there = (await partitions_of(self._consumer, [self._topic])).get(self._topic, frozenset())
                known = [tp for tp in spans if tp.partition in there]
                ends = await self._consumer.end_offsets(known) if known else {}
        except (KafkaError, TimeoutError) as error:
            raise UnavailableError(f"{self._topic}: no broker answers: {error!r}") from error
        for tp, span in spans.items():
            if ends.get(tp, -1) < span.end:
                raise HaltError(
                    f"{self._topic}[{tp.partition}] has no offset {span.end - 1}: it was made anew since this was ordered; "
                    "order it anew as well"
                )
        self._consumer.assign(list(spans))
        for tp, span in spans.items():
            self._consumer.seek(tp, span.first)

    def _position(self, tp: TopicPartition) -> int | None:
        state = kafka_internals.state(self._consumer, tp)
        return state.position if state is not None and state.has_valid_position else None


@asynccontextmanager
async def span_reader(connection: KafkaConnection, topic: str, group: str) -> AsyncGenerator[SpanReader]:
    """Connect a reader while the block runs. It joins no group: it only asks for what was committed in its name.

    Raises:
        UnavailableError: no broker answers at the address.
    """
    # Of a span whose beginning retention has removed, what is left is read.
    consumer = group_consumer(
        connection, group=group, instance_id=None, session_timeout_s=_SESSION_S, reset="earliest"
    )
    try:
        try:
            async with asyncio.timeout(_CALL_S):
                await consumer.start()
        except (KafkaError, TimeoutError) as error:
            problem = UnavailableError(f"no Kafka broker answers at {connection.bootstrap}")
            raise await explained(problem, connection) from error
        yield SpanReader(consumer, topic)
    finally:
        await stop(consumer)
