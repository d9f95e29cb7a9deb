"""What the group has given us: handing partitions over, and taking them on.

Rebalancing is eager: all partitions are revoked and mostly come back at once. So on revocation work is brought to the
end of its step and committed, and what is held stays in memory. A partition that comes back in the very next generation,
with the commit we left, goes on as if nothing had happened; any other is dropped, and begins from what was committed.
"""

import asyncio
import logging
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from consumers.errors import UnavailableError
from consumers.ports.consumer_group import Committed, ConsumerGroup, PartitionId
from consumers.runtime.dispatcher import Dispatcher
from consumers.runtime.limits import RuntimeLimits
from consumers.runtime.membership import Membership
from consumers.runtime.offsets import OffsetTracker
from consumers.runtime.parking import Parking
from consumers.runtime.partition import Partition, Phase
from consumers.runtime.publishing import Publisher
from consumers.runtime.suspects import Suspects
from consumers.telemetry.metrics import PARTITION_GAUGES, READOPTED, REBALANCES, Metrics

_log = logging.getLogger(__name__)

_AGAIN_S: Final = 0.5


class Assignments:
    """The partitions of this worker; the listener of its group.

    Args:
        tasks: owns the tasks that load partitions.
        partitions: filled here; others read it.
        assigned: set once the first assignment has been taken on, even an empty one.
        suspects: looks for records that killed whoever had a partition before; None where nobody does.
    """

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        partitions: dict[PartitionId, Partition],
        *,
        group: ConsumerGroup,
        dispatcher: Dispatcher,
        publisher: Publisher,
        parking: Parking,
        membership: Membership,
        limits: RuntimeLimits,
        metrics: Metrics,
        assigned: asyncio.Event,
        suspects: Suspects | None = None,
    ) -> None:
        self._suspects = suspects
        self._tasks = tasks
        self._partitions = partitions
        self._group = group
        self._dispatcher = dispatcher
        self._publisher = publisher
        self._parking = parking
        self._membership = membership
        self._limits = limits
        self._metrics = metrics
        self._loading: asyncio.Task[None] | None = None
        self._assigned = assigned

    async def on_revoked(self, partitions: AbstractSet[PartitionId]) -> None:
        """Bring work to the end of its step and commit; what is held is kept for the case that it comes back."""
        await self._stop_loading()
        held = [self._partitions[pid] for pid in partitions if pid in self._partitions]
        await self._hand_over(held)
        for partition in held:
            partition.phase = Phase.HELD

    async def leave(self) -> None:
        """End in order: work that does not reach the end of its step within the budget is cancelled."""
        await self._stop_loading()
        await self._hand_over(list(self._partitions.values()))
        late = [task for pid in list(self._partitions) for task in self.drop(pid)]
        if late:
            await asyncio.wait(late, timeout=self._limits.leave_s)

    async def _hand_over(self, partitions: list[Partition]) -> None:
        """Close partitions: begin nothing, end steps within the budget, publish, commit.

        One that is held from an earlier generation is left as it is: its offsets are not this generation's to commit.
        """
        partitions = [partition for partition in partitions if partition.phase is Phase.OPEN]
        for partition in partitions:
            partition.phase = Phase.CLOSING
        if not await self._dispatcher.settle(partitions, self._limits.drain_s):
            _log.warning(
                "some work did not reach the end of its step in time", extra={"seconds": self._limits.drain_s}
            )
        try:
            async with asyncio.timeout(self._limits.leave_s):
                await self._publisher.commit(partitions, flush=True)
                if self._suspects is not None:
                    await self._suspects.hand_over([partition.pid for partition in partitions])
        except TimeoutError:
            _log.warning("not committed in time: what is finished is found finished by whoever is next")

    def on_assigned(self, partitions: AbstractSet[PartitionId], generation: int) -> None:
        """Drop what went to others, and begin to find out where the rest goes on."""
        self._metrics.add(REBALANCES)
        _log.info("%d partitions assigned in generation %d", len(partitions), generation)
        lost = self._partitions.keys() - partitions
        for pid in lost:
            self.drop(pid)
        work = self._load_until_done(frozenset(partitions), frozenset(lost), generation)
        try:
            self._loading = self._tasks.create_task(work, name=f"load partitions of generation {generation}")
        except RuntimeError:
            work.close()  # the task group is ending: nothing is taken on any more

    def drop(self, pid: PartitionId) -> list[asyncio.Task[None]]:
        """Forget a partition: it is not ours; return the tasks that are being cancelled."""
        partition = self._partitions.pop(pid)
        partition.phase = Phase.GONE
        for gauge in PARTITION_GAUGES:
            self._metrics.forget(gauge, pid.topic, str(pid.number))
        return self._dispatcher.abandon(partition)

    async def _stop_loading(self) -> None:
        loading, self._loading = self._loading, None
        if loading is not None and not loading.done():
            loading.cancel()
            await asyncio.wait([loading])

    async def _load_until_done(
        self, pids: frozenset[PartitionId], lost: frozenset[PartitionId], generation: int
    ) -> None:
        await self._publisher.close(lost)
        while True:
            try:
                await self._load(pids, generation)
            except UnavailableError as error:
                _log.warning("partitions wait to be loaded", extra={"error": str(error)})
                await asyncio.sleep(_AGAIN_S)
            else:
                break
        self._assigned.set()

    async def _load(self, pids: frozenset[PartitionId], generation: int) -> None:
        """Find out where each partition begins, then open all of them."""
        if not pids:
            return
        if not await self._membership.confirm():
            raise UnavailableError("the group does not confirm our membership yet")
        await self._publisher.open(pids)
        await self._parking.catch_up()
        if self._suspects is not None:
            await self._suspects.take_on(pids)
        committed = await self._group.committed(pids)
        begins = {pid: await self._begin(pid, committed, generation) for pid in pids}
        for pid, partition in begins.items():  # no waiting from here on: opened as one
            partition.phase = Phase.OPEN
            partition.generation = generation
            partition.paused = False
            self._partitions[pid] = partition
            self._group.seek(pid, partition.tracker.position)
        self._group.resume(pids)
        self._dispatcher.resume(begins.values())
        self._parking.opened()

    async def _begin(
        self, pid: PartitionId, committed: Mapping[PartitionId, Committed], generation: int
    ) -> Partition:
        now = committed.get(pid)
        held = self._partitions.get(pid)
        if held is not None:
            if held.generation + 1 == generation and now == held.committed:
                self._metrics.add(READOPTED)
                return held
            self.drop(pid)
        tracker = OffsetTracker(await self._group.start_offset(pid)) if now is None else _restored(pid, now)
        return Partition(pid, generation, tracker, now, self._membership)


def _restored(pid: PartitionId, committed: Committed) -> OffsetTracker:
    try:
        return OffsetTracker.restored(committed)
    except ValueError as error:
        _log.warning(
            "the commit's metadata is not used: finished records above it are looked at again",
            extra={"topic": pid.topic, "partition": pid.number, "error": str(error)},
        )
        return OffsetTracker(committed.next_offset)
