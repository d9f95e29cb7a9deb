"""The port to time, so that tests and simulations own it."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the time of day, with a time zone. It may be set, in either direction, and differs between machines."""
        ...

    def seconds(self) -> float:
        """Return the seconds since some moment: for durations, within one process. It is never set."""
        ...


class SystemClock:
    """The machine's clock, cut to milliseconds, which is what Avro's timestamps carry."""

    def now(self) -> datetime:
        """Return the time of day in UTC."""
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def seconds(self) -> float:
        """Return the seconds of the machine's monotonic clock."""
        return time.monotonic()
