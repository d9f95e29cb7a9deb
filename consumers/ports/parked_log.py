"""The port to the parked topic, which every worker reads whole, whoever owns which partition."""

from collections.abc import AsyncIterator, Callable
from typing import Protocol

from schemas.record import Record


class ParkedLog(Protocol):
    """The topic of parked records."""

    async def follow(self, apply: Callable[[Record], None]) -> None:
        """Give every record to `apply`, from the first one on, in order for each partition, until cancelled.

        What the broker does not give for a while is waited for.

        Raises:
            HaltError: the topic does not exist, or we may not read it.
        """
        ...

    async def catch_up(self) -> None:
        """Return once all that was there when this was called has been applied; `follow` must run.

        Raises:
            UnavailableError: that takes too long.
        """
        ...

    def read(self, partition: int, first: int, end: int) -> AsyncIterator[Record]:
        """Yield the records of one partition with `first <= offset < end`, as far as they still exist.

        Raises:
            UnavailableError: the broker does not answer.
        """
        ...
