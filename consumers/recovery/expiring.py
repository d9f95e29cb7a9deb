"""Waking runs whose questions nobody answered in time: each worker looks, and says so on the approvals topic."""

import asyncio
import logging
from typing import Final, Protocol

from consumers.errors import RetryError
from consumers.ports.clock import Clock
from consumers.ports.deadlines import Deadlines
from consumers.telemetry.metrics import EXPIRED, Metrics
from schemas.expiry import Expiry

_log = logging.getLogger(__name__)

LOOK_S: Final = 5.0
"""Between two looks; a run is woken by so much too late at most, while a worker runs."""
_MOST: Final = 100


class Tells(Protocol):
    """Publishes expiries."""

    async def expiry(self, expiry: Expiry) -> None:
        """Publish one, keyed by session: whoever owns that key wakes the run.

        Raises:
            RetryError: the broker did not acknowledge in time.
        """
        ...


class Expiring:
    """Looks at the deadlines.

    Publishing, and not working the run here: a run is worked by whoever has its key, in turn with its other records.
    """

    def __init__(self, deadlines: Deadlines, tells: Tells, clock: Clock, metrics: Metrics) -> None:
        self._deadlines = deadlines
        self._tells = tells
        self._clock = clock
        self._metrics = metrics

    async def watch(self) -> None:
        """Keep looking, until cancelled. Redis or Kafka may be away: then it looks again."""
        while True:
            try:
                while await self.look() == _MOST:
                    pass
            except RetryError as error:
                _log.info("deadlines are not looked at", extra={"error": str(error)})
            await asyncio.sleep(LOOK_S)

    async def look(self) -> int:
        """Say of each question whose time is over that it is, and return how many there were.

        Raises:
            RetryError: Redis or the broker is away.
        """
        over = await self._deadlines.due(self._clock.now(), _MOST)
        for expiry in over:
            await self._tells.expiry(expiry)
            self._metrics.add(EXPIRED)
        return len(over)
