"""Our runtime beside a sequential loop, FastStream and a bare loop, on one real Kafka, in one run.

Reports events a second, CPU an event, added latency, memory, and what was out of order, lost or done twice, at 0 ms,
5 ms and 1 s of work and 1 to 1,000 keys, with a key that is stuck, and in front of a backlog of a million events.
Every variant is a process of its own; what is judged is measured in every round and the median counts, the rest in a
third of the rounds. Fails where our runtime loses an event, does one twice or out of order; a missed aim is only
shown. A whole run writes ops/bench/results/runtime.json and runtime.png.

Examples:
    python ops/bench/runtime.py
    python ops/bench/runtime.py --quick                     # less than a minute; writes no results
    python ops/bench/runtime.py --only 0ms-1000-keys backlog
    python ops/bench/runtime.py --only latency-5ms --variants pointsman faststream-concurrent
    python ops/bench/runtime.py --quick --json > quick.json
"""

import argparse
import asyncio
import itertools
import json
import sys
import tempfile
from pathlib import Path

from processes import ProcessError, started
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from runtime_cells import FULL, NAMES, VARIANTS, Plan, quick, restricted
from runtime_plot import plot
from runtime_report import Measured, as_json, show
from runtime_rounds import OUR_TOPICS, Ahead, measure_all
from runtime_runs import Bench
from runtime_topics import TopicError, Topics
from servers import KAFKA, why_no_kafka

from consumers.errors import PointsmanError

RESULTS = Path(__file__).parent / "results"
_WIDTH = 100
"""Of the widest table: a narrower one would lose figures."""


def main() -> None:
    options = _options()
    plan = restricted(quick() if options.quick else FULL, tuple(options.only), tuple(options.variants))
    if reason := why_no_kafka():
        sys.exit(f"ops/bench/runtime.py: real Kafka cannot be started: {reason}")
    console = Console(highlight=False, stderr=options.json)
    console.width = max(console.width, _WIDTH)
    try:
        measured = asyncio.run(_measured(console, plan, 1 if options.quick else options.rounds))
    except (ProcessError, TopicError, PointsmanError, TimeoutError) as error:
        sys.exit(f"ops/bench/runtime.py: {error or 'a process did not answer in time'}")
    if options.json:
        sys.stdout.buffer.write(as_json(measured))
    else:
        show(console, measured)
    if not (options.quick or options.only or options.variants):
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "runtime.json").write_bytes(as_json(measured))
        if not plot(RESULTS / "runtime.png", measured.figures, measured.memory):
            console.print("no plot: matplotlib is not installed")
    if any(one.is_faulty and one.variant.startswith("pointsman") for one in measured.figures):
        sys.exit(1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="of what is judged (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="little of it, once")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=[], metavar="LOAD", help=", ".join(NAMES))
    parser.add_argument(
        "--variants", nargs="+", choices=VARIANTS, default=[], metavar="VARIANT", help=", ".join(VARIANTS)
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    return options


async def _measured(console: Console, plan: Plan, rounds: int) -> Measured:
    columns = (TextColumn("{task.description:40}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        tempfile.TemporaryDirectory(prefix="pointsman-bench-", ignore_cleanup_errors=True) as folder,
        Progress(*columns, console=console) as progress,
    ):
        task = progress.add_task("starting Kafka", total=None)
        command = (sys.executable, KAFKA, "--with-parent")
        async with started(command, log=Path(folder) / "kafka.log") as kafka:
            described = json.loads(await kafka.first_line())
            topics = Topics(described["bootstrap"])
            await asyncio.to_thread(topics.make, OUR_TOPICS)
            bench = Bench(described["bootstrap"], topics, Path(folder), itertools.count(), {})
            ahead = Ahead(
                total=lambda number: progress.update(task, total=number),
                begins=lambda what: progress.update(task, description=what),
                done=lambda number: progress.advance(task, number),
            )
            return await measure_all(bench, plan, rounds, described["version"], ahead)


if __name__ == "__main__":
    main()
