"""Whether we may still act for our partitions: a lease that the group's coordinator renews.

A worker that was frozen (SIGSTOP, a paused virtual machine, a cut network) may have been put out of its group without
knowing it. The coordinator keeps a member for the session timeout after it last answered it, so the membership is
certain for that long from the moment a confirmed question was sent, by our own monotonic clock, and no longer.
"""

import asyncio
import logging
from collections.abc import Callable

from consumers.ports.consumer_group import ConsumerGroup

_log = logging.getLogger(__name__)


class Membership:
    """Asks again and again; `is_certain` says whether the answer still holds.

    Args:
        group: asked by `confirm`.
        lease_s: the session timeout.
        regained: called when the membership is certain again after it was not.
    """

    def __init__(self, group: ConsumerGroup, *, lease_s: float, regained: Callable[[], None]) -> None:
        self._group = group
        self._lease_s = lease_s
        self._regained = regained
        self._certain_until = 0.0
        self._clock = asyncio.get_running_loop().time

    @property
    def is_certain(self) -> bool:
        """Whether nobody else can have been given our partitions."""
        return self._clock() < self._certain_until

    @property
    def interval_s(self) -> float:
        """How often it is asked."""
        return self._lease_s / 6

    async def confirm(self) -> bool:
        """Ask once, and return what was answered."""
        asked_at = self._clock()
        confirmed = await self._group.confirm()
        if not confirmed:
            return False
        was_certain = self.is_certain
        self._certain_until = asked_at + self._lease_s
        if not was_certain and self.is_certain:
            self._regained()
        return True

    async def keep(self) -> None:
        """Ask until cancelled."""
        was_certain = False
        while True:
            await self.confirm()
            if was_certain and not self.is_certain:
                _log.warning("the group does not confirm our membership: no effect begins until it does")
            was_certain = self.is_certain
            await asyncio.sleep(self.interval_s)
