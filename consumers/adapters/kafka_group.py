"""A membership in a consumer group, on aiokafka. Each way around one of its habits says which."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import (
    IllegalGenerationError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetMetadataTooLargeError,
    OffsetOutOfRangeError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from aiokafka.structs import OffsetAndMetadata

from consumers.adapters import kafka_internals
from consumers.adapters.kafka_clients import REFUSALS, partitions_of, record_of, stop
from consumers.adapters.kafka_unread import out_of_range, poll_failure
from consumers.errors import HaltError, UnavailableError
from consumers.ports.consumer_group import Committed, Listener, PartitionId, PartitionsLostError
from schemas.record import Record

_CALL_S: Final = 10.0
"""How long a call may take when the broker may be gone; many of aiokafka's have no end of their own."""
_CONFIRM_S: Final = 5.0
_REBALANCE_S: Final = 30.0
"""How much longer than asked a poll may take: aiokafka holds it back during a rebalance."""
_EMPTY_POLL_S: Final = 0.02
"""Pause after a poll that returned nothing at once; real brokers hold an empty fetch, embedded ones do not."""

_Fetched = Mapping[PartitionId, Sequence[Record]]


class KafkaGroup(ConsumerRebalanceListener):
    """The `ConsumerGroup` port.

    Args:
        consumer: not started, of `group_consumer`; started and stopped here.
        from_end: whether a group without a commit begins at the end.
        whole: topics of which it begins at the beginning all the same.
    """

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        *,
        from_end: bool = False,
        whole: AbstractSet[str] = frozenset(),
    ) -> None:
        self._consumer = consumer
        self._from_end = from_end
        self._whole = whole
        self._listener: Listener | None = None
        self._generation = -1
        """Of the present assignment."""
        self._sought: set[PartitionId] = set()
        """Those whose beginning the caller has set, in the present assignment; of others nothing is delivered."""
        self._failure: Exception | None = None
        self._polling: asyncio.Task[tuple[int, _Fetched]] | None = None
        self._committing = asyncio.Lock()

    async def start(self, topics: AbstractSet[str], listener: Listener) -> None:
        """As the port says."""
        self._listener = listener
        async with bounded("starting"):
            await self._consumer.start()
            missing = topics - (await partitions_of(self._consumer, topics)).keys()
        if missing:
            raise HaltError(
                f"no such topic, or none that we may see: {', '.join(sorted(missing))}; "
                "`pointsman topics create` makes it"
            )
        self._consumer.subscribe(sorted(topics), listener=self)

    async def stop(self) -> None:
        """As the port says."""
        await stop(self._consumer)
        if self._polling is not None:
            self._polling.cancel()  # of no use to anybody any more
            await asyncio.wait([self._polling])

    async def poll(self, *, timeout_s: float, max_records: int) -> _Fetched:
        """As the port says.

        A cancelled `getmany` leaves aiokafka's fetch context open, which switches its poll-interval check off for ever.
        So it runs in a task of its own, which a cancelled caller leaves alone and the next one takes over.
        """
        clock = asyncio.get_running_loop().time
        began = clock()
        if self._polling is None:
            self._polling = asyncio.create_task(self._fetch(timeout_s, max_records), name="fetch")
        await asyncio.wait([self._polling], timeout=timeout_s + _REBALANCE_S)
        if self._failure is not None:
            raise self._failure
        if not self._polling.done():
            return {}
        polling, self._polling = self._polling, None
        generation, fetched = await self._result(polling)
        if generation != self._generation:
            return {}  # of an assignment that is over: the caller has sought elsewhere since
        if not fetched and clock() - began < _EMPTY_POLL_S:
            await asyncio.sleep(_EMPTY_POLL_S)
        return fetched

    def pause(self, partitions: AbstractSet[PartitionId]) -> None:
        """As the port says; aiokafka forgets it at every rebalance."""
        self._consumer.pause(*self._assigned(partitions))

    def resume(self, partitions: AbstractSet[PartitionId]) -> None:
        """As the port says."""
        self._consumer.resume(*self._assigned(partitions))

    def seek(self, partition: PartitionId, offset: int) -> None:
        """As the port says."""
        for tp in self._assigned({partition}):
            self._consumer.seek(tp, offset)
            self._sought.add(partition)

    def position(self, partition: PartitionId) -> int | None:
        """As the port says."""
        state = kafka_internals.state(self._consumer, TopicPartition(*partition))
        return state.position if state is not None and state.has_valid_position else None

    def end(self, partition: PartitionId) -> int | None:
        """As the port says: up to the last stable offset, for who reads only what is committed."""
        state = kafka_internals.state(self._consumer, TopicPartition(*partition))
        if state is None:
            return None
        return state.lso if state.lso is not None and state.lso >= 0 else state.highwater

    async def committed(self, partitions: AbstractSet[PartitionId]) -> Mapping[PartitionId, Committed]:
        """As the port says."""
        tps = [TopicPartition(*partition) for partition in partitions]
        async with bounded("asking what is committed"):
            found = await kafka_internals.committed(self._consumer, tps)
        return {PartitionId(*tp): Committed(at.offset, at.metadata or "") for tp, at in found.items()}

    async def start_offset(self, partition: PartitionId) -> int:
        """As the port says."""
        tp = TopicPartition(*partition)
        from_end = self._from_end and partition.topic not in self._whole
        ask = self._consumer.end_offsets if from_end else self._consumer.beginning_offsets
        async with bounded("asking where a partition begins"):
            return (await ask([tp]))[tp]

    async def commit(self, offsets: Mapping[PartitionId, Committed]) -> None:
        """As the port says."""
        wanted = {
            TopicPartition(*partition): OffsetAndMetadata(at.next_offset, at.metadata)
            for partition, at in offsets.items()
        }
        async with bounded("committing"), self._committing:
            await kafka_internals.coordinator_known(self._consumer)
            # Nothing is waited for between this and the moment when the request takes the generation.
            if not self._is_current() or wanted.keys() - self._consumer.assignment():
                raise PartitionsLostError("the partitions were taken away")
            try:
                await kafka_internals.commit_once(self._consumer, wanted)
            except (UnknownMemberIdError, IllegalGenerationError, RebalanceInProgressError) as error:
                raise PartitionsLostError(f"the group has gone on without us: {error!r}") from error
            except OffsetMetadataTooLargeError as error:
                raise HaltError(
                    f"more metadata than the broker takes, for one of {sorted(map(str, offsets))}: "
                    "set its offset.metadata.max.bytes to 4096 or more"
                ) from error

    async def confirm(self) -> bool:
        """As the port says.

        While a rebalance is under way the answer is no, though we are a member still: it has begun before we asked, so
        its end, at which the group goes on without us, may come before a session timeout is over.
        """
        if not self._is_current():
            return False
        try:
            async with asyncio.timeout(_CONFIRM_S):
                return await kafka_internals.heartbeat(self._consumer, self._generation)
        except (KafkaError, TimeoutError):
            return False

    # aiokafka awaits both listeners, though its base class declares them as plain functions. What they raise is only
    # logged: here it comes out of the next poll.
    async def on_partitions_revoked(  # pyright: ignore[reportIncompatibleMethodOverride] - awaited
        self, revoked: set[TopicPartition]
    ) -> None:
        """Pass it on."""
        assert self._listener is not None
        with self._noting_failures():
            await self._listener.on_revoked({PartitionId(*tp) for tp in revoked})

    async def on_partitions_assigned(  # pyright: ignore[reportIncompatibleMethodOverride] - awaited
        self, assigned: set[TopicPartition]
    ) -> None:
        """Pause, so that nothing is delivered before the listener has found out where to begin; then pass it on."""
        assert self._listener is not None
        with self._noting_failures():
            self._sought.clear()
            self._consumer.pause(*assigned)
            self._generation = kafka_internals.generation(self._consumer)
            self._listener.on_assigned({PartitionId(*tp) for tp in assigned}, self._generation)

    @contextlib.contextmanager
    def _noting_failures(self) -> Any:
        try:
            yield
        except Exception as error:
            self._failure = error
            raise

    def _is_current(self) -> bool:
        return self._generation >= 0 and kafka_internals.generation(self._consumer) == self._generation

    def _assigned(self, partitions: AbstractSet[PartitionId]) -> list[TopicPartition]:
        return [TopicPartition(*partition) for partition in partitions & self._consumer.assignment()]

    async def _fetch(self, timeout_s: float, max_records: int) -> tuple[int, _Fetched]:
        fetched = await self._consumer.getmany(timeout_ms=int(timeout_s * 1000), max_records=max_records)
        # aiokafka gives records between an assignment and its being paused; a seek gives them again.
        begun = ((PartitionId(*tp), records) for tp, records in fetched.items() if tp in self._sought)
        return self._generation, {pid: [record_of(one) for one in records] for pid, records in begun}

    async def _result(self, polling: asyncio.Task[tuple[int, _Fetched]]) -> tuple[int, _Fetched]:
        try:
            return polling.result()
        except NoOffsetForPartitionError:
            return self._generation, {}  # aiokafka looked where to begin; the caller will say
        except OffsetOutOfRangeError as error:
            async with bounded("asking where a partition begins"):
                await out_of_range(self._consumer, error)
            return self._generation, {}
        except Exception as error:
            raise poll_failure(self._consumer, error) from error


@asynccontextmanager
async def bounded(what: str) -> AsyncGenerator[None]:
    """Give a call a bound, and its failures our words."""
    try:
        async with asyncio.timeout(_CALL_S):
            yield
    except REFUSALS as error:
        raise HaltError(f"{what}: the cluster refuses us: {error!r}; check the ACLs and the login") from error
    except (KafkaError, TimeoutError) as error:
        raise UnavailableError(f"{what}: the broker does not answer: {error!r}") from error
