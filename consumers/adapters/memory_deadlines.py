"""Deadlines in memory, for one process: tests, and runs without Redis."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from consumers.ports.deadlines import AGAIN_S
from schemas.expiry import Expiry


class MemoryDeadlines:
    """The `Deadlines` port in memory."""

    def __init__(self) -> None:
        self._kept: dict[Expiry, datetime] = {}

    async def keep(self, expiry: Expiry) -> None:
        """As the port says."""
        self._kept.setdefault(expiry, expiry.expires_at)

    async def due(self, now: datetime, most: int) -> Sequence[Expiry]:
        """As the port says."""
        over = sorted((each for each in self._kept.items() if each[1] <= now), key=lambda each: each[1])
        found = [expiry for expiry, _ in over[:most]]
        self._kept |= dict.fromkeys(found, now + timedelta(seconds=AGAIN_S))
        return found

    async def drop(self, expiry: Expiry) -> None:
        """As the port says."""
        self._kept.pop(expiry, None)
