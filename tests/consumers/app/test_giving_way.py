"""A job's process runs where others leave time: whoever wakes up has the processor at once."""

import subprocess
import sys

SAYS = """
import os, threading
from consumers.app.giving_way import give_way
give_way()
seen = []
thread = threading.Thread(target=lambda: seen.append(os.sched_getscheduler(0)))
thread.start()
thread.join()
print(os.sched_getscheduler(0) == os.SCHED_IDLE, seen == [os.SCHED_IDLE])
"""
HIGHEST = """
import os
del os.SCHED_IDLE
from consumers.app.giving_way import give_way
give_way()
print(os.nice(0))
"""


def said(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


def test_on_linux_it_is_idle_and_so_are_the_threads_that_it_starts() -> None:
    assert said(SAYS) == "True True"


def test_elsewhere_it_has_the_highest_nice_value() -> None:
    assert said(HIGHEST) == "19"
