"""The port through which a run speaks to the world."""

from collections.abc import Sequence
from typing import Protocol

from schemas.approval import ApprovalRequest
from schemas.outcome import Outcome
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

    async def outcome(self, outcome: Outcome, topic: str) -> None:
        """Publish the terminal event of a run."""
        ...

    async def approval_request(self, request: ApprovalRequest) -> None:
        """Publish a held action, so that a person may decide."""
        ...
