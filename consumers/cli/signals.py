"""SIGTERM and SIGINT: the first asks for an orderly end, the second ends at once."""

import asyncio
import os
import signal
import sys
from typing import Final

_ABANDONED: Final = 1


def stop_on_signals(*, within_s: float | None = None) -> asyncio.Event:
    """Return an event that the first signal sets; call it inside a running event loop.

    A second signal ends the process on the spot, and so does the end of `within_s` after the first one: servers that are
    gone may hold up an orderly end. That is safe by design: whatever was not journaled and committed is worked again
    by the next worker.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _on_signal, stop, within_s)
    return stop


def _on_signal(stop: asyncio.Event, within_s: float | None) -> None:
    if stop.is_set():
        _abandon("a second signal")
    stop.set()
    if within_s is not None:
        asyncio.get_running_loop().call_later(within_s, _abandon, f"no orderly end within {within_s:g} s")


def _abandon(why: str) -> None:
    sys.stderr.write(f"abandoned, {why}: what was under way is worked again by the next worker\n")
    sys.stderr.flush()
    os._exit(_ABANDONED)
