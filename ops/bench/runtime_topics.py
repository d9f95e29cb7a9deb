"""Topics of `bench-runtime`: made, filled, read to the end. By librdkafka, so that none of it is what is measured.

All of it blocks: call it in a thread.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from variants.event import NUMBER, OFFSET, PARTITION, PUBLISHED, Event

PARTITIONS: Final = 6
_ASK_S: Final = 30.0
_READ_S: Final = 60.0
_BATCH: Final = 10_000
_QUIET: Final = {"log_level": 2}
"""Or it tells, on standard error, that the broker was stopped before its client was."""


class TopicError(Exception):
    """A topic is not as it must be."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a subscriber of an output topic finds.

    Attributes:
        events: different ones.
        twice: messages beyond the first of an event.
        out_of_order: messages behind a later event of their key.
        lost: events whose offset is committed and that came to nothing.
        latencies_ms: from published to appended to the output's log, of the events that say when they were published.
    """

    events: int
    twice: int
    out_of_order: int
    lost: int
    latencies_ms: list[float]


class Topics:
    """The topics of one broker."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._admin = AdminClient({"bootstrap.servers": bootstrap, **_QUIET})

    def make(self, names: Iterable[str]) -> None:
        # The broker's time of appending is when a subscriber could have had it, whoever produced it.
        config = {"message.timestamp.type": "LogAppendTime"}
        made = self._admin.create_topics(
            [NewTopic(name, num_partitions=PARTITIONS, replication_factor=1, config=config) for name in names]
        )
        for future in made.values():
            future.result(_ASK_S)

    def remove(self, names: Sequence[str]) -> None:
        for future in self._admin.delete_topics(list(names)).values():
            future.result(_ASK_S)

    def publisher(self) -> "Publisher":
        return Publisher(self._bootstrap)

    def count(self, topic: str) -> int:
        """Return how many messages a topic has, or that a subscriber's markers pass for one."""
        reader = self._reader("count")
        try:
            return sum(end for _, end in self._ends(reader, topic))
        finally:
            reader.close()

    def outputs(self, topic: str, group: str, work_ms: float) -> Outputs:
        """Read an output topic to its end and compare it with what the group has committed of the input.

        Args:
            topic: the output.
            group: of the worker; its commits are of one topic.
            work_ms: taken off each latency.
        """
        reader = self._reader(group)
        try:
            tally = _Tally(work_ms)
            ends = dict(self._ends(reader, topic))
            reader.assign([TopicPartition(topic, number, 0) for number, end in ends.items() if end])
            deadline = time.monotonic() + _READ_S
            while any(ends[tp.partition] > max(tp.offset, 0) for tp in reader.position(reader.assignment())):
                if time.monotonic() > deadline:
                    raise TopicError(f"{topic}: not read to its end in {_READ_S:.0f} s")
                for message in reader.consume(_BATCH, timeout=0.1):
                    tally.take(message)
            return tally.outputs(self._committed(group))
        finally:
            reader.close()

    def _committed(self, group: str) -> Mapping[int, int]:
        from confluent_kafka import ConsumerGroupTopicPartitions

        asked = self._admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])
        found = asked[group].result(_ASK_S).topic_partitions or []
        return {one.partition: one.offset for one in found}

    def _reader(self, group: str) -> Consumer:
        return Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": group,
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                **_QUIET,
                "isolation.level": "read_committed",
            }
        )

    def _ends(self, reader: Consumer, topic: str) -> list[tuple[int, int]]:
        return [
            (number, reader.get_watermark_offsets(TopicPartition(topic, number), timeout=_ASK_S)[1])
            for number in range(PARTITIONS)
        ]


class Publisher:
    """Publishes events to the partitions they name."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "compression.type": "lz4",
                "linger.ms": 0,
                **_QUIET,
                "queue.buffering.max.messages": 200_000,
                "on_delivery": self._delivered,
            }
        )
        self._failed: KafkaError | None = None

    def fill(self, topic: str, events: Iterable[Event], advance: Callable[[int], None]) -> None:
        """Publish as fast as it goes, and return once all are there."""
        for number, event in enumerate(events):
            while True:
                try:
                    self._producer.produce(topic, event.value, event.key, event.partition)
                except BufferError:
                    self._producer.poll(0.05)
                else:
                    break
            if number % _BATCH == 0:
                self._producer.poll(0)
                advance(number)
        self.flush()

    def publish(self, topic: str, event: Event, *, timed: bool) -> None:
        """Put one event on its way."""
        headers: list[tuple[str, str | bytes | None]] = []
        if timed:
            headers.append((PUBLISHED, str(time.time_ns())))
        self._producer.produce(topic, event.value, event.key, event.partition, headers=headers)
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait until all is acknowledged."""
        if self._producer.flush(_ASK_S) or self._failed:
            raise TopicError(f"not published: {self._failed or 'no answer'}")

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        self._failed = self._failed or error


class _Tally:
    """What was read of an output topic so far."""

    def __init__(self, work_ms: float) -> None:
        self._work_ms = work_ms
        self._seen: dict[int, bytearray] = {number: bytearray() for number in range(PARTITIONS)}
        self._last: dict[bytes, int] = {}
        self._events = self._twice = self._out_of_order = 0
        self._latencies_ms: list[float] = []

    def take(self, message: Message) -> None:
        if message.error():
            raise TopicError(str(message.error()))
        key, value = message.key(), message.value()
        assert isinstance(key, bytes)
        assert isinstance(value, bytes)
        seen, offset = self._seen[int(value[PARTITION])], int(value[OFFSET])
        if offset >= len(seen):
            seen.extend(bytes(max(_BATCH, offset + 1 - len(seen))))
        if seen[offset]:
            self._twice += 1
            return
        seen[offset] = 1
        self._events += 1
        number = int(value[NUMBER])
        if number < self._last.get(key, -1):
            self._out_of_order += 1
        else:
            self._last[key] = number
        self._time(message)

    def _time(self, message: Message) -> None:
        headers = message.headers()
        published = dict(headers).get(PUBLISHED) if headers else None
        if published is not None:
            self._latencies_ms.append(message.timestamp()[1] - int(published) / 1e6 - self._work_ms)

    def outputs(self, committed: Mapping[int, int]) -> Outputs:
        lost = sum(
            offset - self._seen[number][:offset].count(1)
            for number, offset in committed.items()
            if offset > 0
        )
        return Outputs(self._events, self._twice, self._out_of_order, lost, self._latencies_ms)
