"""How long an operation on files may take: a time of its own, and what is left of the call it belongs to."""

import time
from dataclasses import dataclass, replace

from connectors.errors import NotSentError


@dataclass(frozen=True, slots=True)
class Deadline:
    """A bound in time.

    Attributes:
        each_s: seconds for one operation.
        until: when the last one must end, by the monotonic clock, or None.
    """

    each_s: float
    until: float | None = None

    def within(self, seconds: float) -> "Deadline":
        """Return the same bound for operations that begin now and must all end within so many seconds."""
        return replace(self, until=time.monotonic() + seconds)

    def left_s(self, what: str) -> float:
        """Return the seconds that an operation which begins now may take.

        Raises:
            NotSentError: none are left.
        """
        left_s = self.each_s if self.until is None else min(self.each_s, self.until - time.monotonic())
        if left_s <= 0:
            raise NotSentError(f"{what}: no time left")
        return left_s
