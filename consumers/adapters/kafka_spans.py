"""Parts of a topic that one process works by itself, behind the port of a consumer group: nothing is ever rebalanced.

The partitions are assigned by hand and end where they ended when the job was ordered. Commits go to a group of the job's
own, which never has a member.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError
from aiokafka.structs import OffsetAndMetadata

from consumers.adapters import kafka_internals
from consumers.adapters.kafka_clients import partitions_of, record_of, stop
from consumers.adapters.kafka_group import bounded
from consumers.adapters.kafka_unread import out_of_range, poll_failure
from consumers.errors import HaltError
from consumers.ports.consumer_group import Committed, Listener, PartitionId
from schemas.record import Record

_FETCH_S: Final = 30.0
"""How much longer than asked a fetch may take before the poll returns without it."""
_EMPTY_POLL_S: Final = 0.02
"""Pause after a poll that returned nothing at once; real brokers hold an empty fetch, embedded ones do not."""

Spans = Mapping[PartitionId, tuple[int, int]]
"""Of each partition the first offset and the one after the last."""
_Fetched = Mapping[PartitionId, Sequence[Record]]


class KafkaSpans:
    """The `ConsumerGroup` port for one process that has all partitions for as long as it runs.

    Args:
        make: makes a consumer, not started, of `group_consumer`, in a group that nobody subscribes with.
        spans: what is read; a partition without a commit begins at the first offset of its span.
        lease_s: how long the process may have been frozen. Whatever it had begun before a longer time is dropped, and
            begun anew from what is stored: somebody else may have gone on with it.
    """

    def __init__(self, make: Callable[[], AIOKafkaConsumer], spans: Spans, *, lease_s: float) -> None:
        self._make = make
        self._spans = {pid: span for pid, span in spans.items() if span[0] < span[1]}
        self._lease_s = lease_s
        self._started = False
        self._listener: Listener | None = None
        self._generation = 0
        self._sought: set[PartitionId] = set()
        self._polling: asyncio.Task[_Fetched] | None = None
        self._clock = asyncio.get_running_loop().time
        self._confirmed_at = self._clock()

    async def start(self, topics: AbstractSet[str], listener: Listener) -> None:
        """Connect and take all partitions.

        Raises:
            UnavailableError: no broker answers.
            HaltError: the cluster refuses us, a topic does not exist, or a partition ends before its span does.
        """
        tps = [TopicPartition(*pid) for pid in self._spans]
        self._consumer = self._make()
        self._started = True
        async with bounded("starting"):
            await self._consumer.start()
            there = await partitions_of(self._consumer, topics | {tp.topic for tp in tps})
            for tp in tps:
                if tp.partition not in there.get(tp.topic, frozenset()):
                    raise HaltError(f"there is no partition {tp.topic}[{tp.partition}] any more")
            ends = await self._consumer.end_offsets(tps)
        for pid, (_, end) in self._spans.items():
            if ends[TopicPartition(*pid)] < end:
                raise HaltError(
                    f"{pid} ends at {ends[TopicPartition(*pid)]}, and the job goes up to {end}: the topic was made anew, "
                    "or the broker has lost records; order a new job"
                )
        self._consumer.assign(tps)
        self._consumer.pause(*tps)
        self._listener = listener
        self._confirmed_at = self._clock()
        self._take_all()

    async def stop(self) -> None:
        """As the port says."""
        if self._started:
            await stop(self._consumer)
        if self._polling is not None:
            self._polling.cancel()  # of no use to anybody any more
            await asyncio.wait([self._polling])

    async def poll(self, *, timeout_s: float, max_records: int) -> _Fetched:
        """As the port says; as in `KafkaGroup`, `getmany` runs in a task of its own, because it must not be cancelled."""
        began = self._clock()
        if self._polling is None:
            self._polling = asyncio.create_task(self._fetch(timeout_s, max_records), name="fetch")
        await asyncio.wait([self._polling], timeout=timeout_s + _FETCH_S)
        if not self._polling.done():
            return {}
        polling, self._polling = self._polling, None
        fetched = await self._result(polling)
        if not fetched and self._clock() - began < _EMPTY_POLL_S:
            await asyncio.sleep(_EMPTY_POLL_S)
        return fetched

    def pause(self, partitions: AbstractSet[PartitionId]) -> None:
        """As the port says."""
        self._consumer.pause(*self._assigned(partitions))

    def resume(self, partitions: AbstractSet[PartitionId]) -> None:
        """As the port says, but for what is read to its end."""
        self._consumer.resume(*self._assigned({pid for pid in partitions if not self._is_read(pid)}))

    def seek(self, partition: PartitionId, offset: int) -> None:
        """As the port says."""
        for tp in self._assigned({partition}):
            self._consumer.seek(tp, offset)
            self._sought.add(partition)

    def position(self, partition: PartitionId) -> int | None:
        """As the port says; at most the end of the span."""
        if partition not in self._sought:
            return None
        state = kafka_internals.state(self._consumer, TopicPartition(*partition))
        if state is None or not state.has_valid_position:
            return None
        return min(state.position, self._spans[partition][1])

    def end(self, partition: PartitionId) -> int | None:
        """Return the end of the span."""
        span = self._spans.get(partition)
        return span and span[1]

    async def committed(self, partitions: AbstractSet[PartitionId]) -> Mapping[PartitionId, Committed]:
        """As the port says."""
        tps = [TopicPartition(*partition) for partition in partitions]
        async with bounded("asking what is committed"):
            found = await kafka_internals.committed(self._consumer, tps)
        return {PartitionId(*tp): Committed(at.offset, at.metadata or "") for tp, at in found.items()}

    async def start_offset(self, partition: PartitionId) -> int:
        """Return where the span begins."""
        return self._spans[partition][0]

    async def commit(self, offsets: Mapping[PartitionId, Committed]) -> None:
        """As the port says; nobody can have taken the partitions away."""
        wanted = {
            TopicPartition(*partition): OffsetAndMetadata(at.next_offset, at.metadata)
            for partition, at in offsets.items()
        }
        async with bounded("committing"):
            await kafka_internals.coordinator_known(self._consumer)
            await kafka_internals.commit_once(self._consumer, wanted)

    async def confirm(self) -> bool:
        """Say yes, unless this process was frozen: then what it has under way is dropped, and the partitions taken anew."""
        now = self._clock()
        late, self._confirmed_at = now - self._confirmed_at > self._lease_s, now
        if late and self._listener is not None:
            self._generation += 1
            self._listener.on_assigned(frozenset(), self._generation)
            self._take_all()
        return not late

    def _take_all(self) -> None:
        assert self._listener is not None
        self._generation += 1
        self._sought.clear()
        self._consumer.pause(*self._assigned(self._spans.keys()))
        self._listener.on_assigned(frozenset(self._spans), self._generation)

    def _is_read(self, pid: PartitionId) -> bool:
        at = self.position(pid)
        return at is not None and at >= self._spans[pid][1]

    def _assigned(self, partitions: AbstractSet[PartitionId]) -> list[TopicPartition]:
        return [TopicPartition(*partition) for partition in partitions & self._spans.keys()]

    async def _fetch(self, timeout_s: float, max_records: int) -> _Fetched:
        fetched = await self._consumer.getmany(timeout_ms=int(timeout_s * 1000), max_records=max_records)
        found: dict[PartitionId, list[Record]] = {}
        for tp, records in fetched.items():
            pid = PartitionId(*tp)
            if pid in self._sought:
                within = [record_of(one) for one in records if one.offset < self._spans[pid][1]]
                if within:
                    found[pid] = within
        self.pause({pid for pid in self._sought if self._is_read(pid)})
        return found

    async def _result(self, polling: asyncio.Task[_Fetched]) -> _Fetched:
        try:
            return polling.result()
        except NoOffsetForPartitionError:
            return {}  # aiokafka looked where to begin; the caller will say
        except OffsetOutOfRangeError as error:
            async with bounded("asking where a partition begins"):
                await out_of_range(self._consumer, error)
            return {}
        except Exception as error:
            raise poll_failure(self._consumer, error) from error
