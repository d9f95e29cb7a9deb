"""How the process of a job gives way to others of its machine, live workers first."""

import contextlib
import os
from typing import Final

_NICE: Final = 19


def give_way() -> None:
    """Have this thread, and those that it starts, run only where others leave time; it cannot be taken back.

    On Linux that is SCHED_IDLE (sched(7)): whoever wakes up has the processor at once, and a machine that is busy for long
    keeps the job waiting. Elsewhere, or where that is forbidden, it is the highest nice value.
    """
    if hasattr(os, "SCHED_IDLE"):
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
            return
    os.nice(_NICE)
