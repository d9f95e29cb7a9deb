"""The consumer loop: it polls, hands records to the dispatcher and commits behind finished work.

It never waits for work, because a member that stops polling is put out of its group. It stops by an event,
never by cancellation: a cancelled fetch switches aiokafka's poll-interval check off for good.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata

from consumers.adapters.kafka_clients import record_of
from consumers.adapters.kafka_clients import stop as stop_client
from consumers.runtime.dispatcher import DeadLetters, Dispatcher, Handler
from consumers.runtime.limits import RuntimeLimits
from consumers.runtime.partition import Partition
from consumers.telemetry.metrics import COMMIT_LAG, PARTITION_PAUSED, RECORDS_CONSUMED, Metrics

_log = logging.getLogger(__name__)

_EMPTY_POLL_S = 0.02
"""Pause after a poll that returned nothing at once; real brokers hold an empty fetch, embedded ones do not."""
_CLIENT_S = 10.0
"""How long a call to the client may take when the broker may be gone; aiokafka's own have no end."""


class ConsumerLoop(ConsumerRebalanceListener):
    """Consumes topics in a group until told to stop.

    Args:
        consumer: not started, with auto-commit off and no deserializers; the loop starts and stops it.
        topics: what to subscribe to.
        handler: works one record.
        dead_letters: takes records that can never be worked.
        limits: bounds.
        metrics: where figures go.
    """

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        topics: Iterable[str],
        handler: Handler,
        dead_letters: DeadLetters,
        limits: RuntimeLimits,
        metrics: Metrics,
    ) -> None:
        self._consumer = consumer
        self.topics = tuple(sorted(topics))
        self._handler = handler
        self._dead_letters = dead_letters
        self._limits = limits
        self._metrics = metrics
        self._partitions: dict[TopicPartition, Partition] = {}
        self._dispatcher: Dispatcher | None = None
        self._stop = asyncio.Event()
        self.assigned = asyncio.Event()
        """Set once the group has given this member its first assignment, even an empty one."""
        self.polled_at = 0.0
        """Event-loop time of the last finished poll; a liveness check compares it."""

    def stop(self) -> None:
        """Ask the loop to take nothing more, drain, commit and leave the group. Returns at once."""
        self._stop.set()

    async def run(self) -> None:
        """Consume until `stop`.

        Raises:
            HaltError: the handler said that going on would do damage (inside an exception group).
            KafkaError: the broker cannot be reached at the start.
        """
        self._consumer.subscribe(self.topics, listener=self)
        async with asyncio.TaskGroup() as group:
            self._dispatcher = Dispatcher(
                group, self._handler, self._dead_letters, self._limits, self._metrics
            )
            await self._consumer.start()
            try:
                await self._poll_until_stopped()
                await self._dispatcher.drain(set(self._partitions.values()), self._limits.drain_s)
                await self._commit()
            finally:
                await stop_client(self._consumer)

    async def _poll_until_stopped(self) -> None:
        loop = asyncio.get_running_loop()
        timeout_ms = int(self._limits.poll_s * 1000)
        commit_at = loop.time() + self._limits.commit_interval_s
        while not self._stop.is_set():
            began = loop.time()
            batches = await self._consumer.getmany(timeout_ms=timeout_ms, max_records=self._limits.in_flight)
            self.polled_at = loop.time()
            for tp, records in batches.items():
                self._accept(tp, records)
            self._balance()
            if self.polled_at >= commit_at:
                await self._commit()
                commit_at = loop.time() + self._limits.commit_interval_s
            if not batches and self.polled_at - began < _EMPTY_POLL_S:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), _EMPTY_POLL_S)

    def _accept(self, tp: TopicPartition, records: list[Any]) -> None:
        partition = self._partitions.get(tp)
        if partition is None or partition.revoked:
            return  # fetched before a rebalance took the partition away; its new owner gets them
        assert self._dispatcher is not None
        for fetched in records:
            partition.take(fetched.offset)
            self._dispatcher.submit(record_of(fetched), partition)
        self._metrics.add(RECORDS_CONSUMED, tp.topic, by=len(records))

    def _balance(self) -> None:
        """Pause partitions that hold enough, resume those that have room. Rebalances undo it: look each time."""
        high = self._limits.partition_records
        assignment = self._consumer.assignment()
        for tp, partition in self._partitions.items():
            if tp not in assignment:
                continue
            wanted = partition.unfinished >= (high // 2 if partition.paused else high)
            with contextlib.suppress(IllegalStateError):  # taken away between the two lines
                if wanted:
                    self._consumer.pause(tp)
                elif partition.paused:
                    self._consumer.resume(tp)
                partition.paused = wanted
            self._metrics.set(PARTITION_PAUSED, int(wanted), tp.topic, str(tp.partition))
            self._metrics.set(COMMIT_LAG, partition.unfinished, tp.topic, str(tp.partition))

    async def _commit(self, only: Iterable[TopicPartition] | None = None) -> None:
        wanted = self._partitions if only is None else {tp: self._partitions[tp] for tp in only}
        offsets = {tp: p.to_commit for tp, p in wanted.items() if p.to_commit is not None}
        if not offsets:
            return
        try:
            async with asyncio.timeout(_CLIENT_S):
                await self._consumer.commit({tp: OffsetAndMetadata(at, "") for tp, at in offsets.items()})
        except (CommitFailedError, IllegalStateError) as error:
            # They are somebody else's now; what was finished here is found finished in the journal there.
            _log.warning("offsets not committed, partitions were taken away", extra={"error": str(error)})
            return
        except (KafkaError, TimeoutError) as error:
            _log.warning("offsets not committed, trying again", extra={"error": repr(error)})
            return
        for tp, offset in offsets.items():
            assert offset is not None
            wanted[tp].committed(offset)

    # aiokafka awaits both listeners, though its base class declares them as plain functions.
    async def on_partitions_revoked(  # pyright: ignore[reportIncompatibleMethodOverride] - awaited
        self, revoked: set[TopicPartition]
    ) -> None:
        """Drain and commit; the group waits for this up to its rebalance timeout."""
        held = {tp for tp in revoked if tp in self._partitions}
        if self._dispatcher is None or not held:
            return
        await self._dispatcher.drain({self._partitions[tp] for tp in held}, self._limits.drain_s)
        await self._commit(held)
        for tp in held:
            del self._partitions[tp]

    async def on_partitions_assigned(  # pyright: ignore[reportIncompatibleMethodOverride] - awaited
        self, assigned: set[TopicPartition]
    ) -> None:
        """Only take note: no heartbeat is sent while this runs."""
        for tp in assigned:
            self._partitions[tp] = Partition(tp.topic, tp.partition)
        self.assigned.set()
        _log.info("partitions assigned", extra={"count": len(assigned)})
