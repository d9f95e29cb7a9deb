"""The port to the deadlines of questions: who waits, until when, for all sessions of a store."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from schemas.expiry import Expiry


class Deadlines(Protocol):
    """Remembers deadlines. Each method is one atomic step, safe to repeat.

    Raises:
        RetryError: the store is unreachable.
    """

    async def keep(self, expiry: Expiry) -> None:
        """Remember a deadline. Whoever parks a run does it first: one too many is harmless."""
        ...

    async def due(self, now: datetime, most: int) -> Sequence[Expiry]:
        """Return up to so many deadlines that are over, the oldest first.

        Each is returned again after `AGAIN_S` unless it was dropped: who was told of it may have died.
        """
        ...

    async def drop(self, expiry: Expiry) -> None:
        """Forget a deadline: its question is answered, or the run is over."""
        ...


AGAIN_S = 300.0
"""So long after it was told of, a deadline that nobody dropped is told of again."""
