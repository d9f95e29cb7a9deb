"""How long this process has been running, its imports included."""

import os
import time
from pathlib import Path
from typing import Final

_IMPORTED_AT: Final = time.monotonic()


def process_age_s() -> float:
    """Return seconds since the process was started; where the system cannot tell, since this was imported."""
    try:
        fields = Path("/proc/self/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
        # Field 22 of proc(5), counted from 1; the third is the first after the command's name.
        started_s = int(fields[22 - 3]) / os.sysconf("SC_CLK_TCK")
        return time.clock_gettime(time.CLOCK_BOOTTIME) - started_s
    except (OSError, ValueError, LookupError, AttributeError):
        return time.monotonic() - _IMPORTED_AT
