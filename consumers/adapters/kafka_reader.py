"""Reading topics from outside any group: to their end, or following them. Nothing is committed."""

import asyncio
import heapq
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from consumers.adapters.kafka_clients import KafkaConnection, partitions_of, reader, record_of, stop
from consumers.adapters.kafka_refusal import explained
from consumers.errors import HaltError, UnavailableError
from schemas.record import Record

_CONNECT_S: Final = 15.0
_QUIET_S: Final = 10.0
"""A broker that gives nothing for so long although it has more is given up."""
_POLL_MS: Final = 200
_AT_ONCE: Final = 500
"""Records between two turns of the event loop: a poll does not wait for what has been fetched already."""
_REST_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Span:
    """What a partition holds: offsets from `first` up to, not including, `end`."""

    first: int
    end: int


class TopicReader:
    """Reads with a consumer of its own; one read at a time."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        """Use `topic_reader`, which connects."""
        self._consumer = consumer

    async def topics(self) -> frozenset[str]:
        """Return the names of all topics we may see; none is created by asking."""
        return frozenset(await self._consumer.topics())

    async def spans(self, topics: Iterable[str]) -> Mapping[TopicPartition, Span]:
        """Return what every partition of the topics holds now.

        Raises:
            HaltError: a topic does not exist.
        """
        tps = await self._partitions(topics)
        firsts = await self._consumer.beginning_offsets(tps)
        ends = await self._consumer.end_offsets(tps)
        return {tp: Span(firsts[tp], ends[tp]) for tp in tps}

    async def offsets_at(self, tps: Iterable[TopicPartition], at: datetime) -> Mapping[TopicPartition, int]:
        """Return the first offset of each partition with this timestamp or a later one; those without are left out."""
        found = await self._consumer.offsets_for_times(dict.fromkeys(tps, int(at.timestamp() * 1000)))
        return {tp: one.offset for tp, one in found.items() if one is not None}

    async def to_end(self, topics: Iterable[str]) -> AsyncGenerator[Record]:
        """Yield every record that is there when the reading starts, in order per partition, then end.

        Raises:
            HaltError: a topic does not exist.
            UnavailableError: the broker stopped answering.
        """
        spans = {tp: span for tp, span in (await self.spans(topics)).items() if span.first < span.end}
        async for record in self.between(spans):
            yield record

    async def span(self, tp: TopicPartition, first: int, end: int) -> AsyncGenerator[Record]:
        """Yield the records of one partition with `first <= offset < end`, as far as they still exist.

        Raises:
            UnavailableError: the broker stopped answering.
        """
        whole = (await self.spans([tp.topic]))[tp]
        part = Span(max(first, whole.first), min(end, whole.end))
        async for record in self.between({tp: part} if part.first < part.end else {}):
            yield record

    async def between(self, spans: Mapping[TopicPartition, Span]) -> AsyncGenerator[Record]:
        """Yield what stands at these offsets, none of the spans being empty, in order per partition.

        Raises:
            UnavailableError: the broker stopped answering.
        """
        if not spans:
            return  # assigning nothing while something is being fetched, aiokafka may not stop in order
        self._consumer.assign(list(spans))
        for tp, span in spans.items():
            self._consumer.seek(tp, span.first)
        left = dict(spans)
        clock = asyncio.get_running_loop().time
        moved_at = clock()
        while left:
            batches = await self._poll()
            for record in _merged(batches):
                if record.offset < spans[TopicPartition(record.topic, record.partition)].end:
                    yield record
            # The position, not the last record: the tail may be transaction markers, which nobody is given.
            finished = [tp for tp in left if await self._consumer.position(tp) >= left[tp].end]
            for tp in finished:
                del left[tp]
            if batches or finished:
                moved_at = clock()
            elif clock() - moved_at > _QUIET_S:
                raise UnavailableError(
                    f"{next(iter(left)).topic}: the broker gave nothing for {_QUIET_S:.0f} s"
                )

    async def follow(self, topics: Iterable[str], *, from_beginning: bool = False) -> AsyncGenerator[Record]:
        """Yield records as they arrive, without an end; partitions added later are not seen.

        Raises:
            HaltError: a topic does not exist.
        """
        spans = await self.spans(topics)
        self._consumer.assign(list(spans))
        for tp, span in spans.items():
            # Explicit, because `latest` would be resolved at the first fetch and skip what came in between.
            self._consumer.seek(tp, span.first if from_beginning else span.end)
        while True:
            batches = await self._poll()
            for record in _merged(batches):
                yield record
            if not batches:
                await self._rest(list(spans))

    async def _poll(self) -> Mapping[TopicPartition, Sequence[Any]]:
        await asyncio.sleep(0)
        return await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_AT_ONCE)

    async def _partitions(self, topics: Iterable[str]) -> list[TopicPartition]:
        wanted = sorted(set(topics))
        there = await partitions_of(self._consumer, wanted)
        if missing := [topic for topic in wanted if topic not in there]:
            raise HaltError(
                f"no such topic: {', '.join(missing)}; `pointsman topics create` makes those of the routes"
            )
        return [TopicPartition(topic, number) for topic in wanted for number in sorted(there[topic])]

    async def _rest(self, tps: list[TopicPartition]) -> None:
        """Pause between polls of a quiet topic: embedded brokers answer an empty fetch at once."""
        self._consumer.pause(*tps)
        await asyncio.sleep(_REST_S)
        self._consumer.resume(*tps)


def _merged(batches: Mapping[TopicPartition, Sequence[Any]]) -> Iterable[Record]:
    """Interleave what several partitions gave by time; the order inside each stays."""
    partitions = ([record_of(one) for one in fetched] for fetched in batches.values())
    return heapq.merge(*partitions, key=lambda record: record.timestamp_ms)


@asynccontextmanager
async def topic_reader(connection: KafkaConnection) -> AsyncGenerator[TopicReader]:
    """Connect a reader while the block runs.

    Raises:
        UnavailableError: no broker answers at the address.
    """
    consumer = reader(connection)
    try:
        try:
            async with asyncio.timeout(_CONNECT_S):
                await consumer.start()
        except (KafkaError, TimeoutError) as error:
            problem = UnavailableError(f"no Kafka broker answers at {connection.bootstrap}")
            raise await explained(problem, connection) from error
        yield TopicReader(consumer)
    finally:
        await stop(consumer)
