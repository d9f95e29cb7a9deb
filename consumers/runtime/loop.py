"""The consumer loop: it polls, hands records to the dispatcher and commits behind finished work.

It never waits for work, because a member that stops polling is put out of its group.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Iterable, Sequence
from typing import Final

from consumers.errors import UnavailableError
from consumers.ports.consumer_group import ConsumerGroup, PartitionId
from consumers.ports.parked_log import ParkedLog
from consumers.runtime import intake
from consumers.runtime.assignments import Assignments
from consumers.runtime.dispatcher import Dispatcher
from consumers.runtime.letters import Letters
from consumers.runtime.limits import RuntimeLimits
from consumers.runtime.membership import Membership
from consumers.runtime.parking import Parking
from consumers.runtime.partition import Partition, Phase
from consumers.runtime.publishing import Publisher
from consumers.runtime.suspects import Suspects
from consumers.runtime.watch import Watch
from consumers.runtime.working import Handler, Working
from consumers.telemetry.metrics import PARTITION_PAUSED, RECORDS_CONSUMED, RECORDS_SKIPPED, Metrics
from schemas.record import Record

_log = logging.getLogger(__name__)

_ROUND_S: Final = 1.0
"""A poll comes at least so often, however full we are."""
_BATCH: Final = 500
"""Records of one poll."""
_REST_S: Final = 0.5
"""Pause after a poll that the broker did not answer."""


class ConsumerLoop:
    """Works topics as a member of a group, until told to stop.

    Args:
        group: not started; the loop starts and stops it.
        topics: what to subscribe to.
        handler: works one record.
        publisher: publishes outputs and commits, the one way or the other.
        parked: the topic of parked records.
        letters: makes dead letters and parked ones.
        limits: bounds.
        lease_s: the group's session timeout.
        metrics: where figures go.
        rng: for jitter.
        suspects: sees to records that kill the process which decodes them; None where nobody does.
    """

    def __init__(
        self,
        *,
        group: ConsumerGroup,
        topics: Iterable[str],
        handler: Handler,
        publisher: Publisher,
        parked: ParkedLog,
        letters: Letters,
        limits: RuntimeLimits,
        lease_s: float,
        metrics: Metrics,
        rng: random.Random | None = None,
        suspects: Suspects | None = None,
    ) -> None:
        self._suspects = suspects
        self.topics = tuple(sorted(topics))
        self.partitions: dict[PartitionId, Partition] = {}
        """What is held now; for those who look on."""
        self.assigned = asyncio.Event()
        """Set once the first assignment has been taken on, even an empty one."""
        self.watch = Watch(self.partitions, group, limits, metrics)
        self._group = group
        self._handler = handler
        self._publisher = publisher
        self._parked = parked
        self._letters = letters
        self._limits = limits
        self._lease_s = lease_s
        self._metrics = metrics
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Ask the loop to take nothing more, drain, commit and leave the group. Returns at once."""
        self._stop.set()

    async def run(self) -> None:
        """Consume until `stop`.

        Raises:
            HaltError, UnavailableError: inside an exception group: going on would do damage, or cannot begin.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._run(tasks)
        finally:
            try:
                async with asyncio.timeout(self._limits.leave_s):
                    await self._group.stop()
            except TimeoutError:
                _log.warning(
                    "the group was not left in order: others get our partitions after the session timeout"
                )

    async def _run(self, tasks: asyncio.TaskGroup) -> None:
        parking = Parking(self._parked, self.partitions, self._limits, self._metrics)
        membership = Membership(self._group, lease_s=self._lease_s, regained=self._regained)
        publisher = self._publisher
        self._dispatcher = Dispatcher(
            tasks,
            Working(self._handler, self._letters, parking, self._limits, self._metrics, self._suspects),
            publisher,
            self._letters,
            parking,
            self._limits,
            self._metrics,
            self._rng,
        )
        assignments = Assignments(
            tasks,
            self.partitions,
            group=self._group,
            dispatcher=self._dispatcher,
            publisher=publisher,
            parking=parking,
            membership=membership,
            limits=self._limits,
            metrics=self._metrics,
            assigned=self.assigned,
            suspects=self._suspects,
        )
        background = [
            tasks.create_task(parking.run(self._dispatcher), name="parking"),
            tasks.create_task(membership.keep(), name="membership"),
            tasks.create_task(self.watch.run(membership, self._dispatcher), name="watch"),
            tasks.create_task(self._commit_until_cancelled(), name="commit"),
            tasks.create_task(publisher.run(self._dispatcher), name="publisher"),
        ]
        try:
            await self._group.start(frozenset(self.topics), assignments)
            await self._poll_until_stopped()
            await assignments.leave()
        except asyncio.CancelledError:
            # Something halted. What is finished is published and acknowledged: committing it loses nothing.
            await self._commit_within(self._limits.leave_s)
            raise
        finally:
            await publisher.close()
        for task in background:
            task.cancel()

    async def _poll_until_stopped(self) -> None:
        clock = asyncio.get_running_loop().time
        gaps_at = clock()
        while not self._stop.is_set():
            if not self._dispatcher.room.is_set():
                await self._wait_for_room()
            try:
                batches = await self._group.poll(timeout_s=self._limits.poll_s, max_records=_BATCH)
            except UnavailableError as error:
                _log.warning("the broker does not answer, polling again", extra={"error": str(error)})
                await self._rest()
                batches = {}
            self.watch.polled()
            for pid, records in batches.items():
                self._accept(pid, records)
            if clock() >= gaps_at:
                # Here and nowhere else: between a poll and the taking of its records, a position says too much.
                self._pass_gaps()
                gaps_at = clock() + self._limits.commit_interval_s
            self._balance()

    async def _wait_for_room(self) -> None:
        """Wait until there is something to do with more records, for a round at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ROUND_S):
                await self._dispatcher.room.wait()

    async def _rest(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_REST_S):
                await self._stop.wait()

    def _accept(self, pid: PartitionId, records: Sequence[Record]) -> None:
        partition = self.partitions.get(pid)
        if partition is None or partition.phase is not Phase.OPEN:
            return  # fetched around a rebalance; whoever works the partition next seeks to where it has to begin
        taken = [record for record in records if partition.tracker.take(record.offset)]
        for record in taken:
            self._dispatcher.submit(partition, record)
        self.watch.delivered(partition)
        self._metrics.add(RECORDS_CONSUMED, pid.topic, by=len(records))
        if skipped := len(records) - len(taken):
            self._metrics.add(RECORDS_SKIPPED, pid.topic, by=skipped)

    def _pass_gaps(self) -> None:
        for partition in self._open():
            position = self._group.position(partition.pid)
            if position is not None:
                partition.tracker.pass_gap(position)

    def _balance(self) -> None:
        turns = intake.turns(self._open(), self._limits)
        for partition in turns.pause | turns.resume:
            partition.paused = partition in turns.pause
            self._metrics.set(
                PARTITION_PAUSED, int(partition.paused), partition.pid.topic, str(partition.pid.number)
            )
        if turns.pause:
            self._group.pause({partition.pid for partition in turns.pause})
        if turns.resume:
            self._group.resume({partition.pid for partition in turns.resume})

    async def _commit_until_cancelled(self) -> None:
        while True:
            await asyncio.sleep(self._limits.commit_interval_s)
            await self._publisher.commit(self._open())

    async def _commit_within(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._publisher.commit(self._open())
        except (TimeoutError, ExceptionGroup) as error:
            _log.warning("not committed at the end", extra={"error": repr(error)})

    def _open(self) -> list[Partition]:
        return [partition for partition in self.partitions.values() if partition.phase is Phase.OPEN]

    def _regained(self) -> None:
        self._dispatcher.resume(self._open())
