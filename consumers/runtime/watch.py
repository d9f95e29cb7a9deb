"""Watching the runtime: why a partition lags, and when a worker is wedged and must be started again."""

import asyncio
import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from consumers.errors import HaltError
from consumers.ports.consumer_group import ConsumerGroup, PartitionId
from consumers.runtime.limits import RuntimeLimits
from consumers.runtime.membership import Membership
from consumers.runtime.partition import Item, Partition, Phase
from consumers.telemetry.metrics import (
    BLOCKED,
    COMMIT_LAG,
    HELD_BYTES,
    KEYS_WAITING,
    PARTITION_LAG,
    RUNS_IN_FLIGHT,
    Metrics,
)

_log = logging.getLogger(__name__)

_ROUND_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Blocking:
    """The record that a partition's committed offset cannot pass.

    Attributes:
        offset: its offset.
        key: a digest of its key, since keys may be personal data; empty where it has none.
        step: what it does or waits for.
        age_s: for how long.
        running: it holds a slot; else it waits.
        behind: records that wait behind it on the same key.
    """

    offset: int
    key: str
    step: str
    age_s: float
    running: bool
    behind: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How one partition stands: the answer to "why is my lag high".

    Attributes:
        topic, partition: which.
        phase: open, or being handed over.
        committed: the committed offset; None where there is none.
        position: the offset that is delivered next.
        end: the end of the partition, as the last fetch told it.
        lag: records from the committed offset to the end.
        held: records delivered and not finished.
        held_bytes: their bytes.
        paused: nothing more is taken until what is held is half of what may be held.
        blocking: what holds the committed offset, if anything.
    """

    topic: str
    partition: int
    phase: str
    committed: int | None
    position: int
    end: int | None
    lag: int | None
    held: int
    held_bytes: int
    paused: bool
    blocking: Blocking | None


class Load(Protocol):
    """How much is worked; the dispatcher knows."""

    @property
    def running(self) -> int:
        """Records being worked."""
        ...

    @property
    def waiting(self) -> int:
        """Keys that wait."""
        ...


class Watch:
    """Looks at what the loop does; never at the broker.

    Args:
        partitions: what is held, kept up to date by the loop.
        group: asked for ends and positions, without waiting.
        limits: bounds.
        metrics: where figures go.
    """

    def __init__(
        self,
        partitions: Mapping[PartitionId, Partition],
        group: ConsumerGroup,
        limits: RuntimeLimits,
        metrics: Metrics,
    ) -> None:
        self._partitions = partitions
        self._group = group
        self._limits = limits
        self._metrics = metrics
        self._clock = asyncio.get_running_loop().time
        self._polled_at = self._clock()
        self._certain = True

    def polled(self) -> None:
        """Take note that the poll loop has come round."""
        self._polled_at = self._clock()

    def delivered(self, partition: Partition) -> None:
        """Take note that records of a partition came."""
        partition.moved_at = self._clock()

    def standings(self) -> list[Standing]:
        """Return how each partition stands."""
        return [self._standing(partition) for _, partition in sorted(self._partitions.items())]

    def told(self) -> str:
        """Return the standings that hold something, a line each, for the log of a worker that is ended from outside."""
        return "; ".join(
            f"{standing.topic}[{standing.partition}] offset {blocking.offset}, key {blocking.key}, "
            f"step {blocking.step!r} for {blocking.age_s:.0f} s"
            for standing in self.standings()
            if (blocking := standing.blocking)
        )

    def wedged(self) -> str | None:
        """Return why this worker cannot go on by itself; None while it can."""
        silent = self._clock() - self._polled_at
        if silent > self._limits.stalled_s:
            return f"the poll loop has not come round for {silent:.0f} s"
        for partition in self._partitions.values():
            if reason := self._stuck(partition):
                return f"{partition.pid}: {reason}"
        return None

    async def run(self, membership: Membership, load: Load) -> None:
        """Keep the gauges up to date; end with an error when the worker is wedged.

        Raises:
            HaltError: it is; the message names the partition, the offset, the key, the step and its age.
        """
        while True:
            await asyncio.sleep(_ROUND_S)
            self._certain = membership.is_certain
            self._metrics.set(RUNS_IN_FLIGHT, load.running)
            self._metrics.set(KEYS_WAITING, load.waiting)
            self._measure()
            if reason := self.wedged():
                _log.error("wedged: %s; what is held: %s", reason, self.told())
                raise HaltError(f"wedged, to be started again: {reason}")

    def _measure(self) -> None:
        for partition in self._partitions.values():
            if not self._certain or self._has_nothing_to_deliver(partition):
                partition.moved_at = self._clock()  # a broker that was away gets the whole time anew
            standing = self._standing(partition)
            labels = standing.topic, str(standing.partition)
            blocking = standing.blocking
            self._metrics.set(COMMIT_LAG, standing.held, *labels)
            self._metrics.set(HELD_BYTES, standing.held_bytes, *labels)
            self._metrics.set(PARTITION_LAG, standing.lag or 0, *labels)
            self._metrics.set(BLOCKED, blocking.age_s if blocking else 0.0, *labels)

    def _stuck(self, partition: Partition) -> str | None:
        if partition.phase is not Phase.OPEN:
            return None
        blocking = self._blocking(partition)
        if blocking and blocking.running and blocking.age_s > self._limits.stalled_s:
            return f"offset {blocking.offset}, key {blocking.key}, step {blocking.step!r} for {blocking.age_s:.0f} s"
        silent = self._clock() - partition.moved_at
        if silent > self._limits.stalled_s:
            return f"records wait at the broker, and none was delivered for {silent:.0f} s"
        return None

    def _has_nothing_to_deliver(self, partition: Partition) -> bool:
        end, position = self._group.end(partition.pid), self._group.position(partition.pid)
        waits = end is not None and position is not None and position < end
        return partition.paused or partition.phase is not Phase.OPEN or not waits

    def _standing(self, partition: Partition) -> Standing:
        committed = partition.committed.next_offset if partition.committed else None
        end = self._group.end(partition.pid)
        began = partition.tracker.next_offset if committed is None else committed
        return Standing(
            topic=partition.pid.topic,
            partition=partition.pid.number,
            phase=partition.phase.name.lower(),
            committed=committed,
            position=partition.tracker.position,
            end=end,
            lag=None if end is None else max(0, end - began),
            held=len(partition.held),
            held_bytes=partition.held_bytes,
            paused=partition.paused,
            blocking=self._blocking(partition),
        )

    def _blocking(self, partition: Partition) -> Blocking | None:
        item = partition.blocking
        if item is None:
            return None
        age_s = round(self._clock() - item.step_at, 3)
        behind = max(0, len(item.lane.arrived) - 1)
        return Blocking(item.record.offset, _key_digest(item), item.step, age_s, item.running, behind)


def _key_digest(item: Item) -> str:
    key = item.record.key
    return "" if key is None else hashlib.sha256(key).hexdigest()[:12]
