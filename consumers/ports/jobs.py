"""The port to replay jobs: what was ordered, how far the events of each came, what each may still use."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

JobDocument = Mapping[str, Any]
"""JSON-like."""


class Jobs(Protocol):
    """Job records, in a namespace of their own. Every method is one atomic step, safe to repeat."""

    async def keep(self, job_id: str, document: JobDocument) -> None:
        """Keep what was ordered, or the report of a job that is over, in place of what was kept.

        Raises:
            UnavailableError: the store is unreachable; so for all methods.
        """
        ...

    async def find(self, job_id: str) -> JobDocument | None:
        """Return what was kept, or None for an unknown job."""
        ...

    async def listed(self) -> Sequence[JobDocument]:
        """Return all jobs that are remembered, latest first."""
        ...

    async def note(self, job_id: str, run_id: str, how: str) -> None:
        """Note what became of an event in this job, such as `success`; the last word stands."""
        ...

    async def ends(self, job_id: str) -> Mapping[str, int]:
        """Count what was noted."""
        ...

    async def take(self, job_id: str, what: str, thing: str, amount: int, most: int | None) -> bool:
        """Take an amount of what a job may use, once for each thing; False where it would be more than the most.

        Args:
            job_id: which job.
            what: `effects`, or `usd` in millionths of a dollar.
            thing: what it is for, such as an idempotency key: asked again, it is not taken again.
            amount: how much.
            most: the bound, or None. True for a thing that was taken before, whatever the most is.
        """
        ...

    async def used(self, job_id: str) -> Mapping[str, int]:
        """Return how much was taken of each."""
        ...
