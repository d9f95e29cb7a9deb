"""The port through which a run writes ahead: the audit trail. What ends a run is returned, not sent."""

from collections.abc import Sequence
from typing import Protocol

from schemas.step import Step


class Outbox(Protocol):
    """Publishes events. Each method returns once the broker has acknowledged with `acks=all`.

    Raises:
        RetryError: the broker did not acknowledge in time; it may or may not have the event, and publishing
            it again is safe, because subscribers de-duplicate on its id.
    """

    async def steps(self, steps: Sequence[Step]) -> None:
        """Publish audit steps, in order, keyed by session."""
        ...
