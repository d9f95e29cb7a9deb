"""The session of a system that is logged in to: one login at a time, kept until it is refused, never hammered at.

A system that throttles logins counts the refused ones as well, so asking again at once makes it worse. After a login that
did not work nobody tries for a while; whoever needs one is told how long, without a request.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

from connectors.errors import ActionError, BusyError, NotSentError
from connectors.rpc.dialect import Held

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 300.0
"""Tryton forgets failed logins after this long."""
_MOST_DOUBLINGS: Final = 10


class LogIn(Protocol):
    """Logs in once and returns what authorizes later calls."""

    async def __call__(self, within_s: float) -> Held:
        """Log in.

        Raises:
            BusyError: the system wants no logins now.
            NotSentError: there is no session: it was refused, or did not answer. A login has no effect to be in doubt of.
        """
        ...


class Session:
    """The session that all calls of one client share. For tasks of one loop.

    Args:
        log_in: gets a new one.
        seconds: a clock that is never set.
    """

    def __init__(self, log_in: LogIn, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._log_in = log_in
        self._seconds = seconds
        self._one_at_a_time = asyncio.Lock()
        self._held: Held | None = None
        self._in_vain = 0
        self._paused_until = 0.0
        self._why = ""

    async def held(self, within_s: float, *, refused: Held | None = None) -> Held:
        """Return what authorizes a call: the session that is there, or a new one.

        Args:
            within_s: bounds the wait, for somebody else's login as for one's own.
            refused: a session that the system knows no longer; another one that came since is returned as it is.

        Raises:
            BusyError: logins are throttled, or pause after one that did not work; says which and for how long.
            NotSentError: there was no session in time, or the login was refused, so nothing was sent.
        """
        if self._held is not None and self._held is not refused:
            return self._held
        try:
            async with asyncio.timeout(within_s), self._one_at_a_time:
                if self._held is None or self._held is refused:
                    self._held = None
                    self._check_pause()
                    self._held = await self._counted(within_s)
                return self._held
        except TimeoutError:
            raise NotSentError(f"no session within {within_s:g} s") from None

    async def _counted(self, within_s: float) -> Held:
        try:
            held = await self._log_in(within_s)
        except ActionError as error:
            self._pause(str(error), error.retry_after_s if isinstance(error, BusyError) else None)
            raise
        except asyncio.CancelledError:
            # It may have been sent, and counts as a failed one.
            self._pause("it took too long", None)
            raise
        self._in_vain = 0
        return held

    def _check_pause(self) -> None:
        left_s = self._paused_until - self._seconds()
        if left_s > 0:
            raise BusyError(f"logins pause for {left_s:.0f} s: {self._why}", retry_after_s=left_s)

    def _pause(self, why: str, asked_s: float | None) -> None:
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(self._in_vain, _MOST_DOUBLINGS))
        self._in_vain += 1
        self._paused_until = self._seconds() + min(LONGEST_PAUSE_S, max(pause_s, asked_s or 0.0))
        self._why = why
