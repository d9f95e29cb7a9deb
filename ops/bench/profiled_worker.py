"""`pointsman …` with samples of where its CPU time goes: `python ops/bench/profiled_worker.py FILE run -c pointsman.yaml`.

The kernel sends a signal for every few milliseconds of CPU time used, and the stack of that moment is counted. So
waiting and other programs on the machine do not show, and nothing is added to a call. (pyinstrument samples wall time
and cProfile is entered at every call: the one shows the neighbours' load, the other makes small functions dear.)
"""

import signal
import sys
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType

import orjson

# Imported before the first sample: what starting costs is no question here.
import consumers.app.worker
import consumers.cli.serving
from consumers.cli.main import main

INTERVAL_S = 0.001
"""Asked for; the kernel's own tick is mostly 4 ms."""

Stack = tuple[int, tuple[CodeType, ...]]
"""Line in the innermost function, then the functions from the innermost out."""


def profiled(file: Path) -> None:
    """Run the command line that is left in `sys.argv`, then write `[samples, line, [[function, file], …]]` lists."""
    stacks: Counter[Stack] = Counter()

    def sample(_signal: int, frame: FrameType | None) -> None:
        line = frame.f_lineno if frame else 0
        codes: list[CodeType] = []
        while frame:
            codes.append(frame.f_code)
            frame = frame.f_back
        stacks[line, tuple(codes)] += 1

    signal.signal(signal.SIGPROF, sample)
    signal.siginterrupt(signal.SIGPROF, False)
    signal.setitimer(signal.ITIMER_PROF, INTERVAL_S, INTERVAL_S)
    try:
        main()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        file.write_bytes(orjson.dumps([_plain(stack, count) for stack, count in stacks.items()]))


def _plain(stack: Stack, count: int) -> tuple[int, int, list[tuple[str, str]]]:
    line, codes = stack
    return count, line, [(code.co_qualname, code.co_filename) for code in codes]


if __name__ == "__main__":
    assert consumers.app.worker
    assert consumers.cli.serving
    profiled(Path(sys.argv.pop(1)))
