"""The port to what tenants have spent on the model, by day in UTC, over all workers of a store."""

from datetime import date
from typing import Protocol


class Spending(Protocol):
    """Adds up. Each method is one atomic step.

    Raises:
        RetryError: the store is unreachable.
    """

    async def spent(self, tenant: str, day: date) -> float:
        """Return what a tenant has spent on a day, in dollars."""
        ...

    async def add(self, tenant: str, day: date, usd: float) -> None:
        """Add to it, to the millionth of a dollar."""
        ...
