"""How fast a job takes records: by a rate, and only while the live workers keep up."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

ASK_S: Final = 1.0
"""How often it is asked how far live work is behind."""


class Pace:
    """Waits until a job may take more. Safe to use from many tasks of one event loop, which are let go in turn.

    Args:
        rate: records a second at most; None for as many as come. A job begins slowly: none is saved up.
        lag: asks how many records wait for the live workers; None where nobody is waited for.
        most_lag: while more of them wait, the job takes nothing.
    """

    def __init__(
        self,
        rate: float | None = None,
        lag: Callable[[], Awaitable[int]] | None = None,
        *,
        most_lag: int = 100,
    ) -> None:
        if rate is not None and not rate > 0:
            raise ValueError(f"a rate is more than 0 records a second, not {rate:g}")
        self.rate = rate
        self._lag = lag
        self.most_lag = most_lag
        self._turn = asyncio.Lock()
        self._clock = asyncio.get_running_loop().time
        self._next = self._clock()
        self._asked_at = self._next - ASK_S
        self._behind = False
        self.yields = 0
        """How often live work was found behind, and nothing was taken."""

    async def ready(self, records: int) -> None:
        """Return once so many more may be taken; whoever is cancelled meanwhile has taken none.

        Raises:
            RetryError: it cannot be found out now how far live work is behind; so nothing may be taken.
        """
        if self.rate is None and self._lag is None:
            return
        async with self._turn:
            while True:
                await asyncio.sleep(max(0.0, self._next - self._clock()))
                if not await self._must_yield():
                    break
                await asyncio.sleep(max(0.0, self._asked_at + ASK_S - self._clock()))
            if self.rate is not None:
                self._next = max(self._next, self._clock()) + records / self.rate

    async def _must_yield(self) -> bool:
        if self._lag is None:
            return False
        if self._clock() - self._asked_at >= ASK_S:
            self._asked_at = self._clock()
            self._behind = True  # until the opposite is known
            self._behind = await self._lag() > self.most_lag
            self.yields += self._behind
        return self._behind
