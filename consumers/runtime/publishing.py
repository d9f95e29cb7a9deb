"""Publishing what came of a record, and committing behind it: the default way, at least once."""

import logging
from collections.abc import Iterable
from typing import Protocol

from consumers.errors import UnavailableError
from consumers.ports.consumer_group import Committed, ConsumerGroup, PartitionId, PartitionsLostError
from consumers.ports.producing import Producer
from consumers.runtime.partition import Item, Partition
from consumers.telemetry.metrics import COMMITS, Metrics

_log = logging.getLogger(__name__)


class Publisher(Protocol):
    """How outputs are published and offsets committed."""

    async def run(self) -> None:
        """Do what has to be done in the background, until cancelled."""
        ...

    async def open(self, pids: Iterable[PartitionId]) -> None:
        """Prepare for partitions that were assigned; afterwards, what the group has committed is decided.

        Raises:
            UnavailableError: the broker does not answer; call again.
        """
        ...

    async def publish(self, item: Item) -> None:
        """See to it that an item's outputs are published; when it returns, the next of its key may begin.

        Once they are acknowledged, and not before, the item is finished.

        Raises:
            RetryError: not published; call again.
            DeadLetterError: the broker refuses an output for good.
            HaltError: the cluster refuses us.
        """
        ...

    async def commit(self, partitions: Iterable[Partition]) -> None:
        """Commit behind what is finished, as far as the broker allows; a failure is logged and comes up again."""
        ...

    async def close(self, pids: Iterable[PartitionId] | None = None) -> None:
        """Let go of partitions, or of all, within a bound."""
        ...


class DirectPublisher:
    """Each item's outputs are acknowledged by all replicas, then its offset may be committed.

    After a crash in between they are published again: the same ids, the same bytes.
    """

    def __init__(self, producer: Producer, group: ConsumerGroup, metrics: Metrics) -> None:
        self._producer = producer
        self._group = group
        self._metrics = metrics

    async def run(self) -> None:
        """Nothing to do."""

    async def open(self, pids: Iterable[PartitionId]) -> None:
        """Nothing to prepare."""

    async def publish(self, item: Item) -> None:
        """As the protocol says; returns once acknowledged."""
        if item.outputs:
            await self._producer.send(item.outputs)
        item.lane.partition.finish(item)

    async def commit(self, partitions: Iterable[Partition]) -> None:
        """As the protocol says: one request for all."""
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
