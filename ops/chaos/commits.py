"""What the group commits, seen twice: sampled as any tool sees it, and afterwards every commit in the brokers' own log."""

import asyncio
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from processes import ChaosError
from servers import ORDERS, PARTITIONS, QUIET
from traffic import reader

from schemas.topics import OUTCOMES

_EVERY_S: Final = 0.05
_CALL_S: Final = 5.0
_MOST_CALLS: Final = 12
_ALL_THERE_IS: Final = {"enable.auto.commit": False, "isolation.level": "read_uncommitted"}
"""Both commit and outcome of a transaction count from the moment they are written."""
_LOG: Final = "__consumer_offsets"
_LOG_READ_S: Final = 60.0
_COMMIT_KEYS: Final = (0, 1)
_GENERATION_KEY: Final = 2
_PLAIN_STRINGS: Final = 3
"""The last version of a generation's value with strings of the old kind."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was committed, and then, in this order, where the outcomes ended: by partition."""

    committed: Mapping[int, int]
    ends: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of one input partition; `at_ms` is the broker's time."""

    partition: int
    offset: int
    at_ms: int


class Watcher:
    """Asks what is committed, again and again.

    With a consumer that belongs to no group: librdkafka's admin client aborts the process when a coordinator goes away
    under a question (its issues 3663 and 4605).
    """

    def __init__(self, bootstrap: str, group: str) -> None:
        self._asking = Consumer({**QUIET, "bootstrap.servers": bootstrap, "group.id": group, **_ALL_THERE_IS})
        self.samples: list[Sample] = []
        self.unanswered = 0
        """Questions that no broker was there to answer."""

    async def watch(self) -> None:
        """Take samples until cancelled."""
        while True:
            try:
                self.samples.append(await asyncio.to_thread(self._sample))
            except KafkaException:
                self.unanswered += 1
            await asyncio.sleep(_EVERY_S)

    async def committed(self) -> dict[int, int]:
        """Return the committed offsets of the input partitions, 0 where there is none; asks until there is an answer."""
        return await self._patiently(self._committed)

    async def ends(self, topic: str, partitions: int) -> dict[int, int]:
        """Return where a topic ends; asks until there is an answer."""
        return await self._patiently(lambda: self._ends(topic, partitions))

    def close(self) -> None:
        self._asking.close()

    async def _patiently(self, ask: Callable[[], dict[int, int]]) -> dict[int, int]:
        for _ in range(_MOST_CALLS):
            try:
                return await asyncio.to_thread(ask)
            except KafkaException:
                await asyncio.sleep(_EVERY_S)
        raise ChaosError("the broker does not answer")

    def _sample(self) -> Sample:
        committed = self._committed()
        return Sample(committed, self._ends(OUTCOMES.name, OUTCOMES.partitions))

    def _committed(self) -> dict[int, int]:
        asked = [TopicPartition(ORDERS, number) for number in range(PARTITIONS)]
        return {tp.partition: max(0, tp.offset) for tp in self._asking.committed(asked, _CALL_S)}

    def _ends(self, topic: str, partitions: int) -> dict[int, int]:
        ends: dict[int, int] = {}
        for number in range(partitions):
            _begin, ends[number] = self._asking.get_watermark_offsets(TopicPartition(topic, number), _CALL_S)
        return ends


def logged(bootstrap: str, group: str) -> tuple[list[Commit], int]:
    """Return every commit that ever took effect, and how many generations the group has had.

    Blocks. Read from the topic in which brokers keep both; the fields that are read here stand at the same place in
    all its versions but the last one of a generation, which Kafka 4.4 does not write.
    """
    commits: list[Commit] = []
    generations: set[int] = set()
    for key, value, at_ms in _records(bootstrap):
        (kind,) = struct.unpack_from(">h", key)
        named, after = _text(key, 2)
        if named != group:
            continue
        if kind in _COMMIT_KEYS:
            topic, after = _text(key, after)
            (partition,), (offset,) = struct.unpack_from(">i", key, after), struct.unpack_from(">q", value, 2)
            if topic == ORDERS:
                commits.append(Commit(partition, offset, at_ms))
        elif kind == _GENERATION_KEY and struct.unpack_from(">h", value)[0] <= _PLAIN_STRINGS:
            _protocol, after = _text(value, 2)
            generations.add(struct.unpack_from(">i", value, after)[0])
    return commits, len(generations)


def _records(bootstrap: str) -> Iterator[tuple[bytes, bytes, int]]:
    """Read the topic once, up to its end; what was rolled back is left out, and so are deletions."""
    consumer = reader(bootstrap)
    try:
        partitions = consumer.list_topics(_LOG, timeout=_LOG_READ_S).topics[_LOG].partitions
        left = set(partitions)
        consumer.assign([TopicPartition(_LOG, number, OFFSET_BEGINNING) for number in partitions])
        deadline = time.monotonic() + _LOG_READ_S
        while left:
            if time.monotonic() > deadline:
                raise ChaosError(f"{_LOG} was not read in {_LOG_READ_S:g} s")
            for message in consumer.consume(1000, 0.2):
                error, key, value = message.error(), message.key(), message.value()
                if error is not None and error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 # the same
                    left.discard(message.partition() or 0)
                elif error is None and key and value:
                    yield key, value, message.timestamp()[1]
    finally:
        consumer.close()


def _text(data: bytes, at: int) -> tuple[str, int]:
    """Return a string in Kafka's old encoding, and where it ends."""
    (length,) = struct.unpack_from(">h", data, at)
    end = at + 2 + max(0, length)
    return data[at + 2 : end].decode(), end
