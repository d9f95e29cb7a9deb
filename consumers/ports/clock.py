"""The port to time, so that tests and simulations own it."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the time of day, with a time zone."""
        ...


class SystemClock:
    """The machine's clock, cut to milliseconds, which is what Avro's timestamps carry."""

    def now(self) -> datetime:
        """Return the time of day in UTC."""
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)
