"""The ports to what is published: plain, and in transactions together with the input's offset."""

from collections.abc import Sequence
from typing import Protocol

from consumers.errors import PointsmanError
from consumers.ports.consumer_group import Committed, PartitionId
from schemas.record import Outgoing


class ProducerFencedError(PointsmanError):
    """Another member has opened the transactions of this partition: it is no longer ours.

    A commit that was under way is in doubt: it may have been decided before, and only its answer lost.
    """


class Producer(Protocol):
    """Publishes with `acks=all` and without duplicates or gaps of its own making (an idempotent producer)."""

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """Publish in order; returns once every replica in sync has each of them.

        Raises:
            UnavailableError: not acknowledged in time; each of them may or may not be there.
            DeadLetterError: the broker refuses one for good, such as for its size (reason `output_refused`).
            HaltError: the cluster refuses us: no such topic, no permission.
        """
        ...

    async def send_each(self, groups: Sequence[Sequence[Outgoing]]) -> Sequence[PointsmanError | None]:
        """Publish several groups as one; returns, for each, None once it is acknowledged, or what `send` would raise."""
        ...


class Transactions(Protocol):
    """The transactions of one input partition: outputs and offset become visible together, or not at all.

    A reader with `isolation_level=read_committed` sees each output once, however often workers die.
    """

    async def commit(self, messages: Sequence[Outgoing], committed: Committed) -> None:
        """Publish the messages and commit the partition's offset in one transaction.

        Raises:
            ProducerFencedError: another member owns the partition now.
            UnavailableError: nothing is known; `reopen`, then ask the group what is committed.
            DeadLetterError, HaltError: as `Producer.send`; nothing was published. `reopen` before the next commit.
        """
        ...

    async def reopen(self) -> None:
        """Begin anew after an error, with the same transactional id: what was under way is ended by the broker.

        Raises:
            ProducerFencedError: another member owns the partition now.
            UnavailableError: the broker does not answer.
        """
        ...

    async def close(self) -> None:
        """Disconnect within a bound; a transaction under way is aborted by the broker or by the next owner."""
        ...


class TransactionsOpener(Protocol):
    """Opens the transactions of a partition."""

    async def open(self, partition: PartitionId) -> Transactions:
        """Fence the former owner and end its transaction: after this, what is committed is decided.

        Raises:
            UnavailableError: the broker does not answer.
        """
        ...
