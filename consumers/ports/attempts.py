"""The ports for records whose decoding may end the process: marks that outlive it, and a place where that does no harm."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Protocol

from consumers.ports.consumer_group import PartitionId
from schemas.record import Record


class Attempts(Protocol):
    """Marks that say how far records of a partition are being decoded. They are kept where every worker reads them.

    A mark is a hint, and no fence: one that is lost costs another crash, one that is left over costs a trial.
    """

    async def left(self, partitions: AbstractSet[PartitionId]) -> Mapping[PartitionId, int]:
        """Return the last offset of each mark that somebody left: decoding it, or one before it, may have killed them.

        Raises:
            UnavailableError: it cannot be found out now.
        """
        ...

    async def begin(self, partition: PartitionId, through: int) -> None:
        """Mark that records up to this offset may be decoded from now on.

        Raises:
            UnavailableError: the mark may or may not be there.
        """
        ...

    async def end(self, partitions: AbstractSet[PartitionId]) -> None:
        """Take marks away: whoever decoded there is alive.

        Raises:
            UnavailableError: they may or may not be gone.
        """
        ...


class Trial(Protocol):
    """Decodes a record where nothing else is lost if that kills the process."""

    async def survive(self, record: Record) -> None:
        """Return where decoding comes to an end, be it an error: it can be done here as well.

        Raises:
            DeadLetterError: `quarantined`: it killed what decoded it, twice, or took too much memory or time.
            UnavailableError: it could not be tried.
        """
        ...
