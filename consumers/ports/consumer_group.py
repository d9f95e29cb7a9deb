"""The port to a consumer group: what the runtime needs of Kafka to take records and to commit behind them."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from consumers.errors import PointsmanError
from schemas.record import Record


class PartitionId(NamedTuple):
    """A partition of a topic."""

    topic: str
    number: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.number}]"


@dataclass(frozen=True, slots=True)
class Committed:
    """What the group has committed for a partition.

    Attributes:
        next_offset: the first offset that a new owner is given.
        metadata: a text of ours beside it; at most 4,096 bytes by default of the broker.
    """

    next_offset: int
    metadata: str = ""


class PartitionsLostError(PointsmanError):
    """The group no longer counts us as the owner: nothing was committed."""


class Listener(Protocol):
    """Told of rebalances. Rebalancing is eager: everything is revoked before anything is assigned."""

    async def on_revoked(self, partitions: AbstractSet[PartitionId]) -> None:
        """End work on these partitions; until this returns, or the rebalance timeout ends, nobody else gets them.

        It is called as well when the group has put us out already: then a commit in it fails.
        """
        ...

    def on_assigned(self, partitions: AbstractSet[PartitionId], generation: int) -> None:
        """Take note of what we own now; it must not wait, since no heartbeat is sent meanwhile.

        All of them are paused. Nothing is delivered before `seek` and `resume`.
        """
        ...


class ConsumerGroup(Protocol):
    """One membership in a consumer group. One task polls; all methods belong to one event loop.

    Every call returns within a bound of its own, whatever the broker does.
    """

    async def start(self, topics: AbstractSet[str], listener: Listener) -> None:
        """Connect, subscribe and join; assignments come later, through the listener, while somebody polls.

        Raises:
            UnavailableError: no broker answers.
            HaltError: the cluster refuses us, or a topic does not exist.
        """
        ...

    async def stop(self) -> None:
        """Leave the group, so that others get the partitions at once, and disconnect. Calls no listener."""
        ...

    async def poll(self, *, timeout_s: float, max_records: int) -> Mapping[PartitionId, Sequence[Record]]:
        """Return what was fetched, in offset order for each partition; empty after the timeout. Never cancel it.

        It must be called often, even while everything is paused: a member that does not poll is put out of its
        group. During a rebalance it may take longer than the timeout.

        Raises:
            UnavailableError: the broker does not answer; poll again.
            HaltError: the cluster refuses us for good.
        """
        ...

    def pause(self, partitions: AbstractSet[PartitionId]) -> None:
        """Deliver nothing more of these; what was fetched ahead is dropped. Those not assigned are ignored."""
        ...

    def resume(self, partitions: AbstractSet[PartitionId]) -> None:
        """Deliver again. Those not assigned are ignored."""
        ...

    def seek(self, partition: PartitionId, offset: int) -> None:
        """Deliver from this offset next. Ignored where the partition is not assigned."""
        ...

    def position(self, partition: PartitionId) -> int | None:
        """Return the offset that will be delivered next; None while it is unknown or the partition is not ours.

        It also passes offsets that are never delivered: compacted records and the markers of transactions.
        """
        ...

    def end(self, partition: PartitionId) -> int | None:
        """Return the end of what may be read of a partition, as the last fetch told it; None before the first."""
        ...

    async def committed(self, partitions: AbstractSet[PartitionId]) -> Mapping[PartitionId, Committed]:
        """Return what the group has committed, metadata included; partitions without a commit are left out.

        Raises:
            UnavailableError: the broker does not answer.
        """
        ...

    async def start_offset(self, partition: PartitionId) -> int:
        """Return where a group without a commit begins, by the configured reset: the first offset, or the end.

        Raises:
            UnavailableError: the broker does not answer.
        """
        ...

    async def commit(self, offsets: Mapping[PartitionId, Committed]) -> None:
        """Commit, all or none as far as ownership goes. Only partitions that are assigned now may be named.

        Raises:
            PartitionsLostError: we are no longer the owner; nothing was committed.
            UnavailableError: the broker does not answer; it may or may not have been committed.
        """
        ...

    async def confirm(self) -> bool:
        """Ask the broker whether it counts us as a member of the current generation.

        False where it says no, or does not answer in time. True keeps the membership for the session timeout from
        the moment the question was sent.
        """
        ...
