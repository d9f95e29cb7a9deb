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

    async def steps(self, steps: Sequence[Step], after: str | None = None) -> str:
        """Publish audit steps of one session, in order, keyed by session.

        Args:
            steps: what is published.
            after: the link of the step that they follow in the session's chain, as this method returned it last; empty where
                the chain begins. None where they stand outside of the chain.

        Returns:
            The link of the last one, empty outside of the chain.
        """
        ...
