"""What a shadow replay needs of whoever decides: nothing of it can have an effect."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from consumers.router.route import Route
from schemas.difference import Difference
from schemas.envelope import Envelope
from schemas.record import Record


class Decides(Protocol):
    """Decides one event afresh."""

    async def decide(
        self, record: Record, event: Envelope, route: Route, begin: Callable[[], Awaitable[None]]
    ) -> Difference | str:
        """Return how its finished run differs from what would be done now, or why there is nothing to compare.

        Args:
            record: where the event was read.
            event: what was decided on.
            route: by which route it is decided now.
            begin: waited for once, before anybody is asked.

        Raises:
            RetryError: something is away; asking again may help.
            PointsmanError: going on makes no sense for any event.
        """
        ...
