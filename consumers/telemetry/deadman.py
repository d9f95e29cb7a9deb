"""The last watchdog: a thread that ends a process whose event loop no longer turns.

Whatever runs on the event loop cannot notice that the loop itself is blocked, by an endless computation or by a call
that waits in the kernel; and `/healthz` does not answer then. A thread can.
"""

import asyncio
import faulthandler
import logging
import os
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

_log = logging.getLogger(__name__)

BLOCKED: Final = 70
"""Exit code of a process whose event loop was blocked (`EX_SOFTWARE` of sysexits.h)."""
_BEAT_S: Final = 1.0


class Deadman:
    """Ends the process when `beat` has not come round for too long. Use as a context manager around the loop's life.

    Args:
        limit_s: how long the event loop may be blocked.
        tell: says, once a beat, what is worked; the last answer is logged at the end.
        end: ends the process; tests give their own.
    """

    def __init__(
        self, limit_s: float, tell: Callable[[], str], end: Callable[[int], object] = os._exit
    ) -> None:
        self._limit_s = limit_s
        self._tell = tell
        self._end = end
        self._told = ""
        self._beats = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="deadman", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()

    async def beat(self) -> None:
        """Show that the event loop turns, until cancelled."""
        while True:
            self._told = self._tell()
            self._beats += 1
            await asyncio.sleep(_BEAT_S)

    def _watch(self) -> None:
        seen = -1
        while not self._over.wait(self._limit_s):
            # A whole limit without a beat; a process that was frozen in between gets another one.
            if self._beats == seen and not self._over.wait(2 * _BEAT_S) and self._beats == seen:
                _log.critical(
                    "the event loop is blocked; the process ends so that it is started again",
                    extra={"seconds": self._limit_s, "error": self._told},
                )
                faulthandler.dump_traceback(sys.__stderr__ or sys.stderr)
                self._end(BLOCKED)
                return
            seen = self._beats
