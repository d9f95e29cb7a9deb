"""The port of the parked topic for who never parks: a job leaves parked keys to the workers of the group."""

import asyncio
from collections.abc import AsyncIterator, Callable

from schemas.record import Record


class NoParkedLog:
    """Implements `consumers.ports.parked_log.ParkedLog`. Nothing is parked, whatever stands on the topic."""

    async def follow(self, apply: Callable[[Record], None]) -> None:
        """Wait until cancelled."""
        del apply
        await asyncio.Event().wait()

    async def catch_up(self) -> None:
        """There is nothing to know."""

    async def read(self, partition: int, first: int, end: int) -> AsyncIterator[Record]:
        """Yield nothing."""
        del partition, first, end
        for record in ():
            yield record
