"""What an event costs: Pointsman on the embedded stack and on real Kafka, beside a plain hand-written loop.

`plain` uses the SDK as its manual says, `plain-fast` around its transformation of parameters, as Pointsman does: the
ratio to the first includes what that saves, the ratio to the second is nearer to what the safety costs.

Every server and the worker is a process of its own; the model answers at once. Latency is measured afterwards, at a
rate that leaves time to spare. Fails where an outcome or an effect is missing, double or too much. Results go to
`ops/bench/results/`.

Examples:
    python ops/bench/main.py
    python ops/bench/main.py --events 200 --only pointsman-embedded
    python ops/bench/main.py --customers 1000       # each event has a session of its own
    python ops/bench/main.py --profile              # where the worker's time goes
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from flame_graph import flame
from measure import Measured, Size, measure, middle
from processes import ProcessError
from profile_report import report
from report import plot, show, write_json
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from servers import why_no_kafka
from workers import Variant

from consumers.errors import PointsmanError

RESULTS = Path(__file__).parent / "results"
WORKERS = ("pointsman", "plain", "plain-fast")
BROKERS = ("embedded", "kafka")


def main() -> None:
    options = _options()
    size = Size(
        options.warmup, options.events, options.paced, options.rate, options.customers, options.timeout
    )
    console = Console(highlight=False)
    variants, skipped = _variants(options.only)
    for reason in skipped:
        console.print(f"skipped: {reason}")
    try:
        if options.profile:
            _profile(console, variants[0], size)
            return
        measured = asyncio.run(_measure_all(console, variants, size, options.rounds))
    except (ProcessError, PointsmanError, TimeoutError) as error:
        sys.exit(f"ops/bench/main.py: {error or 'outcomes are missing after --timeout'}")
    show(console, measured)
    if not options.only:
        write_json(RESULTS / "main.json", measured, size, skipped)
        if not plot(RESULTS / "main.png", measured):
            console.print("no plot: matplotlib is not installed")
    if any(one.faults for one in measured):
        sys.exit(1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=1000, help="of the burst (default: %(default)s)")
    parser.add_argument("--customers", type=int, default=100, help="keys and sessions (default: %(default)s)")
    parser.add_argument("--warmup", type=int, default=100, help="events before (default: %(default)s)")
    parser.add_argument("--paced", type=int, default=200, help="events for latency (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=20, help="of those, a second (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=1, help="the median counts (default: %(default)s)")
    parser.add_argument("--timeout", type=float, default=300, help="seconds a stretch may take")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[f"{w}-{b}" for w in WORKERS for b in BROKERS],
        help="just these; no results",
    )
    parser.add_argument(
        "--profile", action="store_true", help="only write results/main-profile.txt and main-flame.svg"
    )
    return parser.parse_args()


def _variants(only: Sequence[str] | None) -> tuple[list[Variant], list[str]]:
    """Return what to run, and what cannot be."""
    without_kafka = why_no_kafka()
    best = "embedded" if without_kafka else "kafka"
    wanted = dict.fromkeys(
        Variant(worker, broker)
        for worker, broker in (
            ("pointsman", "embedded"),
            *((worker, best) for worker in WORKERS),
        )
    )
    if only:
        wanted = [Variant(w, b) for w in WORKERS for b in BROKERS if f"{w}-{b}" in only]
    skipped = [f"real Kafka: {without_kafka}"] if without_kafka else []
    return [v for v in wanted if not (v.broker == "kafka" and without_kafka)], skipped


async def _measure_all(
    console: Console, variants: Sequence[Variant], size: Size, rounds: int
) -> list[Measured]:
    """Measure in rounds: what else the machine does then hits every variant."""
    measured = [[await _with_progress(console, v, size) for v in variants] for _ in range(rounds)]
    return [middle(of_variant) for of_variant in zip(*measured, strict=True)]


async def _with_progress(
    console: Console, variant: Variant, size: Size, profile: Path | None = None
) -> Measured:
    columns = (TextColumn("{task.description:24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(variant.name, total=size.warmup + size.burst + size.paced)
        measured = await measure(
            variant, size, lambda count: progress.update(task, completed=count), profile=profile
        )
        progress.update(task, completed=size.warmup + size.burst + size.paced)
    return measured


def _profile(console: Console, variant: Variant, size: Size) -> None:
    with tempfile.TemporaryDirectory(prefix="pointsman-bench-") as folder:
        samples = Path(folder) / "samples.json"
        only_burst = Size(0, size.burst, 0, size.rate, size.customers, size.timeout_s)
        measured = asyncio.run(_with_progress(console, variant, only_burst, samples))
        text = report(samples, size.burst, measured.cpu_ms_per_event["worker"])
        drawn = flame(samples, measured.cpu_ms_per_event["worker"])
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "main-profile.txt").write_text(text)
    (RESULTS / "main-flame.svg").write_text(drawn)
    console.print("\n".join(text.splitlines()[:14]), soft_wrap=True)


if __name__ == "__main__":
    main()
