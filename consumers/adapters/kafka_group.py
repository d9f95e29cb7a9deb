"""A membership in a consumer group, on aiokafka. Each way around one of its habits says which."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import (
    CorruptRecordException,
    IllegalGenerationError,
    KafkaError,
    NoError,
    OffsetMetadataTooLargeError,
    RebalanceInProgressError,
    RecordTooLargeError,
    UnknownMemberIdError,
    for_code,
)
from aiokafka.protocol.group import HeartbeatRequest
from aiokafka.structs import OffsetAndMetadata

from consumers.adapters.kafka_clients import REFUSALS, partitions_of, record_of, stop
from consumers.errors import HaltError, UnavailableError
from consumers.ports.consumer_group import Committed, Listener, PartitionId, PartitionsLostError
from schemas.record import Record

_CALL_S: Final = 10.0
"""How long a call may take when the broker may be gone; many of aiokafka's have no end of their own."""
_REBALANCE_S: Final = 30.0
"""How much longer than asked a poll may take: aiokafka holds it back during a rebalance."""
_EMPTY_POLL_S: Final = 0.02
"""Pause after a poll that returned nothing at once; real brokers hold an empty fetch, embedded ones do not."""


class KafkaGroup(ConsumerRebalanceListener):
    """The `ConsumerGroup` port.

    Args:
        consumer: not started, with auto-commit off and no deserializers; started and stopped here.
        from_end: whether a group without a commit begins at the end.
    """

    def __init__(self, consumer: AIOKafkaConsumer, *, from_end: bool = False) -> None:
        self._consumer = consumer
        self._from_end = from_end
        self._listener: Listener | None = None
        self._generation = -1
        self._failure: BaseException | None = None
        self._polling: asyncio.Task[Mapping[TopicPartition, Sequence[Any]]] | None = None
        self._committing = asyncio.Lock()

    async def start(self, topics: AbstractSet[str], listener: Listener) -> None:
        """As the port says."""
        self._listener = listener
        async with _bounded("starting"):
            await self._consumer.start()
            missing = topics - (await partitions_of(self._consumer, topics)).keys()
        if missing:
            raise HaltError(
                f"no such topic: {', '.join(sorted(missing))}; `pointsman topics create` makes it"
            )
        self._consumer.subscribe(sorted(topics), listener=self)

    async def stop(self) -> None:
        """As the port says."""
        await stop(self._consumer)
        if self._polling is not None:
            await asyncio.wait([self._polling], timeout=_CALL_S)
            with contextlib.suppress(KafkaError, asyncio.CancelledError):
                self._polling.result()

    async def poll(self, *, timeout_s: float, max_records: int) -> Mapping[PartitionId, Sequence[Record]]:
        """As the port says.

        A cancelled `getmany` leaves aiokafka's fetch context open and so switches its poll-interval check off for ever:
        it runs in a task of its own, which a cancelled caller leaves alone and the next one takes over.
        """
        clock = asyncio.get_running_loop().time
        began = clock()
        if self._polling is None:
            fetch = self._consumer.getmany(timeout_ms=int(timeout_s * 1000), max_records=max_records)
            self._polling = asyncio.create_task(fetch, name="fetch")
        await asyncio.wait([self._polling], timeout=timeout_s + _REBALANCE_S)
        if self._failure is not None:
            raise self._failure
        if not self._polling.done():
            return {}
        polling, self._polling = self._polling, None
        fetched = self._result(polling)
        if not fetched and clock() - began < _EMPTY_POLL_S:
            await asyncio.sleep(_EMPTY_POLL_S)
        return {PartitionId(*tp): [record_of(one) for one in records] for tp, records in fetched.items()}

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

    def position(self, partition: PartitionId) -> int | None:
        """As the port says. Read from aiokafka's state: its own method waits for what is unknown."""
        state = self._state(partition)
        return state.position if state is not None and state.has_valid_position else None

    def end(self, partition: PartitionId) -> int | None:
        """As the port says: up to the last stable offset, for who reads only what is committed."""
        state = self._state(partition)
        if state is None:
            return None
        return state.lso if state.lso is not None and state.lso >= 0 else state.highwater

    async def committed(self, partitions: AbstractSet[PartitionId]) -> Mapping[PartitionId, Committed]:
        """As the port says; aiokafka's own `committed` drops the metadata."""
        tps = [TopicPartition(*partition) for partition in partitions]
        async with _bounded("asking what is committed"):
            found = await self._coordinator.fetch_committed_offsets(tps)
        return {PartitionId(*tp): Committed(at.offset, at.metadata or "") for tp, at in found.items()}

    async def start_offset(self, partition: PartitionId) -> int:
        """As the port says."""
        tp = TopicPartition(*partition)
        ask = self._consumer.end_offsets if self._from_end else self._consumer.beginning_offsets
        async with _bounded("asking where a partition begins"):
            return (await ask([tp]))[tp]

    async def commit(self, offsets: Mapping[PartitionId, Committed]) -> None:
        """As the port says.

        aiokafka's own `commit` tries again by itself, across a rebalance too, and then with the new generation, which
        the broker believes: it would commit for partitions that are somebody else's. So this asks the coordinator once.
        """
        wanted = {
            TopicPartition(*partition): OffsetAndMetadata(at.next_offset, at.metadata)
            for partition, at in offsets.items()
        }
        async with self._committing, _bounded("committing"):
            await self._coordinator.ensure_coordinator_known()
            if not self._is_current() or wanted.keys() - self._consumer.assignment():
                raise PartitionsLostError("the partitions were taken away")
            try:
                await self._coordinator._do_commit_offsets(None, wanted)  # noqa: SLF001 # see above
            except (UnknownMemberIdError, IllegalGenerationError, RebalanceInProgressError) as error:
                raise PartitionsLostError(f"the group has gone on without us: {error!r}") from error
            except OffsetMetadataTooLargeError as error:
                raise HaltError(
                    "the broker takes less than 4,096 bytes: offset.metadata.max.bytes"
                ) from error

    async def confirm(self) -> bool:
        """As the port says: a heartbeat, without what aiokafka's own does besides."""
        coordinator = self._coordinator
        if not self._is_current():
            return False
        request = HeartbeatRequest(coordinator.group_id, self._generation, coordinator.member_id)
        try:
            async with asyncio.timeout(_CALL_S / 2):
                await coordinator.ensure_coordinator_known()
                answer = await coordinator._send_req(request)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - see above
        except (KafkaError, TimeoutError):
            return False
        return for_code(answer.error_code) in {NoError, RebalanceInProgressError}

    # aiokafka awaits both listeners, though its base class declares them as plain functions. What they raise it only logs.
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
            self._consumer.pause(*assigned)
            self._generation = self._coordinator.generation
            self._listener.on_assigned({PartitionId(*tp) for tp in assigned}, self._generation)

    @contextlib.contextmanager
    def _noting_failures(self) -> Any:
        try:
            yield
        except Exception as error:
            self._failure = error
            raise

    @property
    def _coordinator(self) -> Any:
        """aiokafka's, which knows the generation and asks the broker; there is no public way to it."""
        return self._consumer._coordinator  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - see above

    def _is_current(self) -> bool:
        return self._generation >= 0 and self._coordinator.generation == self._generation

    def _assigned(self, partitions: AbstractSet[PartitionId]) -> list[TopicPartition]:
        return [TopicPartition(*partition) for partition in partitions & self._consumer.assignment()]

    def _state(self, partition: PartitionId) -> Any:
        subscription: Any = self._consumer._subscription.subscription  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - see position
        assignment = subscription and subscription.assignment
        return assignment and assignment.state_value(TopicPartition(*partition))

    def _result(
        self, polling: asyncio.Task[Mapping[TopicPartition, Sequence[Any]]]
    ) -> Mapping[TopicPartition, Sequence[Any]]:
        try:
            return polling.result()
        except REFUSALS as error:
            raise HaltError(
                f"the cluster refuses us: {error!r}; check the group's and the topics' ACLs"
            ) from error
        except (CorruptRecordException, RecordTooLargeError) as error:
            raise HaltError(
                f"a batch cannot be read, now or later: {error}; seek past it, or repair it"
            ) from error
        except KafkaError as error:
            if self._coordinator._coordination_task.done():  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - dead for good
                raise HaltError(f"the membership has ended by itself: {error!r}") from error
            raise UnavailableError(f"the broker does not give records: {error!r}") from error


@asynccontextmanager
async def _bounded(what: str) -> AsyncGenerator[None]:
    """Give a call a bound, and its failures our words."""
    try:
        async with asyncio.timeout(_CALL_S):
            yield
    except REFUSALS as error:
        raise HaltError(f"{what}: the cluster refuses us: {error!r}; check the ACLs and the login") from error
    except (KafkaError, TimeoutError) as error:
        raise UnavailableError(f"{what}: the broker does not answer: {error!r}") from error
