"""Publishing what came of a record, and committing behind it: the default way, at least once."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Protocol

from consumers.errors import PointsmanError, UnavailableError
from consumers.ports.consumer_group import Committed, ConsumerGroup, PartitionId, PartitionsLostError
from consumers.ports.producing import Producer
from consumers.runtime.partition import Item, Partition
from consumers.telemetry.metrics import COMMITS, Metrics

_log = logging.getLogger(__name__)


class Published(Protocol):
    """Told what became of items; the dispatcher is."""

    def published(self, item: Item) -> None:
        """The next record of its key may begin."""
        ...

    def unpublished(self, item: Item, error: PointsmanError) -> None:
        """It was not published.

        Raises:
            HaltError: and going on would not help.
        """
        ...


class Publisher(Protocol):
    """How outputs are published and offsets committed."""

    async def run(self, tell: Published) -> None:
        """Publish what is given, until cancelled; nothing is published before."""
        ...

    async def open(self, pids: Iterable[PartitionId]) -> None:
        """Prepare for partitions that were assigned; afterwards, what the group has committed is decided.

        Raises:
            UnavailableError: the broker does not answer; call again.
        """
        ...

    def publish(self, item: Item) -> None:
        """Take an item over, and tell what becomes of it.

        Once its outputs are acknowledged, and not before, the item is finished.
        """
        ...

    async def commit(self, partitions: Iterable[Partition], *, flush: bool = False) -> None:
        """Commit behind what is finished, as far as the broker allows; a failure is logged and comes up again.

        Args:
            partitions: whose offsets.
            flush: wait first for what is being published.
        """
        ...

    async def close(self, pids: Iterable[PartitionId] | None = None) -> None:
        """Let go of partitions, or of all, within a bound."""
        ...


class DirectPublisher:
    """Each item's outputs are acknowledged by all replicas, then its offset may be committed.

    After a crash in between they are published again: the same ids, the same bytes. What ends in one round of the event
    loop is sent together.
    """

    def __init__(self, producer: Producer, group: ConsumerGroup, metrics: Metrics) -> None:
        self._producer = producer
        self._group = group
        self._metrics = metrics
        self._committing = asyncio.Lock()
        self._waiting: list[Item] = []
        self._some = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()

    async def run(self, tell: Published) -> None:
        """As the protocol says."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._some.wait()
                self._some.clear()
                batch, self._waiting = self._waiting, []
                task = tasks.create_task(self._send(batch, tell), name="publish")
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)

    async def open(self, pids: Iterable[PartitionId]) -> None:
        """Nothing to prepare."""

    def publish(self, item: Item) -> None:
        """As the protocol says."""
        self._waiting.append(item)
        self._some.set()

    async def _send(self, batch: Sequence[Item], tell: Published) -> None:
        errors = await self._producer.send_each([item.outputs or () for item in batch])
        for item, error in zip(batch, errors, strict=True):
            if error is None:
                item.lane.partition.finish(item)
                tell.published(item)
            else:
                tell.unpublished(item, error)

    async def commit(self, partitions: Iterable[Partition], *, flush: bool = False) -> None:
        """As the protocol says: one request for all."""
        while flush and (self._waiting or self._sending):
            await asyncio.sleep(0)  # what waits is being taken
            if self._sending:
                await asyncio.wait(self._sending)
        async with self._committing:
            # Worked out only now: what waited here across a rebalance would be old, and sent in the new generation.
            await self._commit([partition for partition in partitions if partition.may_commit])

    async def _commit(self, partitions: Iterable[Partition]) -> None:
        wanted: dict[PartitionId, tuple[Partition, Committed]] = {}
        for partition in partitions:
            now = partition.tracker.committable
            if now != partition.committed:
                wanted[partition.pid] = partition, now
        if not wanted:
            return
        try:
            await self._group.commit({pid: now for pid, (_, now) in wanted.items()})
        except PartitionsLostError as error:
            # They are somebody else's now; what was finished here is found finished in the journal there.
            _log.warning("not committed, partitions were taken away", extra={"error": str(error)})
            self._metrics.add(COMMITS, "lost")
        except UnavailableError as error:
            _log.warning("not committed, trying again", extra={"error": str(error)})
            self._metrics.add(COMMITS, "unavailable")
        else:
            self._metrics.add(COMMITS, "done")
            for partition, now in wanted.values():
                partition.committed = now

    async def close(self, pids: Iterable[PartitionId] | None = None) -> None:
        """Nothing to let go of."""
