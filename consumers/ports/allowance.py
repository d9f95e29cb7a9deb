"""The port to what bounds the effects of a job: asked before each write that a run would begin."""

from typing import Protocol


class Allowance(Protocol):
    """Says whether one more write may begin. Compensations are not asked for: what was done may always be undone."""

    async def begin(self, key: str) -> None:
        """Take one write, by its idempotency key, before its intent is written; asked again, it is not taken again.

        Raises:
            HandedOverError: no more may begin; the run stops here, where stopping is free.
            RetryError: it cannot be found out now.
        """
        ...

    async def begun(self, key: str) -> None:
        """Note a write whose intent was written before: it may have taken effect, so it is brought to an end.

        Raises:
            RetryError: it cannot be noted now.
        """
        ...
