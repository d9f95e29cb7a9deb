"""`pointsman …` under pyinstrument: `python ops/bench/profiled_worker.py SAMPLES run -c pointsman.yaml`.

Samples of the main thread, one a millisecond, go to the file when the worker has ended in order.
"""

import sys
from pathlib import Path

from pyinstrument import Profiler

# Imported before the first sample: what starting costs is no question here.
import consumers.app.worker
import consumers.cli.serving
from consumers.cli.main import main

INTERVAL_S = 0.001


def profiled(samples: Path) -> None:
    """Run the command line that is left in `sys.argv`."""
    profiler = Profiler(interval=INTERVAL_S, async_mode="disabled")
    profiler.start()
    try:
        main()
    finally:
        profiler.stop().save(samples)


if __name__ == "__main__":
    assert consumers.app.worker
    assert consumers.cli.serving
    samples = Path(sys.argv.pop(1))
    profiled(samples)
