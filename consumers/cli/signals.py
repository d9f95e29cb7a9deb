"""SIGTERM and SIGINT: the first asks for an orderly end, the second ends at once."""

import asyncio
import os
import signal
import sys
from typing import Final

_ABANDONED: Final = 1


def stop_on_signals() -> asyncio.Event:
    """Return an event that the first signal sets; call it inside a running event loop.

    A second signal ends the process on the spot. That is safe by design: whatever was not journaled and
    committed is worked again by the next worker.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _on_signal, stop)
    return stop


def _on_signal(stop: asyncio.Event) -> None:
    if stop.is_set():
        sys.stderr.write("abandoned: what was under way is worked again by the next worker\n")
        sys.stderr.flush()
        os._exit(_ABANDONED)
    stop.set()
