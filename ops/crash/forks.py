"""Starts workers in no time: everything is imported once, and each line of standard input forks one of them.

A line is a JSON object as `worker.Orders` has it. Answers `{"began": PID}`, and later `{"ended": PID, "code": N}`, where
the code of a process that a signal has ended is the signal's negative number. Ends, and all workers with it, when
standard input closes.
"""

import ctypes
import gc
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType

from worker import Orders, live, rehearse

_SET_DEATH_SIGNAL = 1
_LIBC = ctypes.CDLL(None)


def main() -> None:
    rehearse()
    gc.freeze()  # what is there is there for good: the workers need not look at it again, and share its memory
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at a terminal is for who started us
    signal.signal(signal.SIGCHLD, _reap)
    for line in sys.stdin:
        orders = Orders(**json.loads(line))
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            _become(orders, parent)
        _say({"began": pid})


def _become(orders: Orders, parent: int) -> None:
    """Be a worker; never returns."""
    code = 1
    try:
        _LIBC.prctl(_SET_DEATH_SIGNAL, int(signal.SIGKILL))
        if os.getppid() != parent:
            os._exit(code)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        with Path(orders.log).open("ab") as log, Path(os.devnull).open("rb") as nothing:
            os.dup2(nothing.fileno(), 0)
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        live(orders)
        code = 0
    except BaseException:  # noqa: BLE001 # the end of a process
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _reap(_number: int, _frame: FrameType | None) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _say({"ended": pid, "code": os.waitstatus_to_exitcode(status)})


def _say(what: dict[str, int]) -> None:
    os.write(1, f"{json.dumps(what)}\n".encode())  # whole, and from a signal handler as well


if __name__ == "__main__":
    main()
