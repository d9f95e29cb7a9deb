"""What the handler of every variant tells, so that all are counted the same way and at the same cost."""

import asyncio
import resource
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from event import NUMBER


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a worker stands at a moment."""

    at_s: float
    ended: int
    cpu_s: float
    """User and system, all threads."""


async def never() -> None:
    """Work that never ends."""
    await asyncio.Event().wait()


class Account:
    """Does the work of an event, and counts. Its memory grows with the keys, not with the events.

    Args:
        work_s: how long an event takes.
        stuck: what happens to the stuck key, or None where no key is stuck. It is the key that comes first, so that
            the slowest variant meets it as well.
    """

    def __init__(self, work_s: float, stuck: Callable[[], Awaitable[None]] | None = None) -> None:
        self.work_s = work_s
        self.stuck = stuck
        self.first = asyncio.Event()
        """Set at the first event."""
        self.ended = 0
        self.again = 0
        """Events that were begun once more."""
        self.out_of_order = 0
        """Events begun while an earlier one of their key was under way, or before it."""
        self._keys: dict[bytes, list[int]] = {}
        self._mark: asyncio.Future[Mark] | None = None
        self._stuck_key: bytes | None = None

    async def work(self, key: bytes | None, value: bytes | None) -> None:
        """Work an event."""
        assert key is not None
        assert value is not None
        if self.stuck is not None and key == (self._stuck_key or key):
            self._stuck_key = key
            self.first.set()
            await self.stuck()
        self.begin(key, value)
        if self.work_s:
            await asyncio.sleep(self.work_s)
        self.end(key)

    def begin(self, key: bytes, value: bytes) -> None:
        """Count an event that begins."""
        number = int(value[NUMBER])
        state = self._keys.get(key)
        if state is None:
            state = self._keys[key] = [-1, 0]
            self.first.set()
        last, running = state
        if number <= last:
            self.again += 1
        else:
            self.out_of_order += running > 0 or number != last + 1
            state[0] = number
        state[1] = running + 1

    def end(self, key: bytes) -> None:
        """Count an event that has ended."""
        self._keys[key][1] -= 1
        self.ended += 1
        if self._mark is not None:
            self._mark.set_result(self.mark())
            self._mark = None

    def mark(self) -> Mark:
        """Return where we stand now."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        return Mark(time.perf_counter(), self.ended, used.ru_utime + used.ru_stime)

    async def mark_at_end(self, within_s: float) -> Mark:
        """Return where we stand at the next end of an event.

        Slow events end in bursts: from one end to another, the rate between them is exact; from any moment to any
        other, it is off by up to a burst.
        """
        self._mark = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(within_s):
                return await self._mark
        except TimeoutError:
            self._mark = None
            return self.mark()
