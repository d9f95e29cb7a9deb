"""Breaks everything that may break while events flow, and checks that nobody can tell afterwards.

A real Apache Kafka, Redis, the sandbox ERP and CRM, the offline model and whole workers, each a process of its own.
Workers are killed, frozen for longer than their session lasts and replaced in a rolling deploy; the broker is killed
and stopped. Prints the seed; the same seed strikes the same workers at the same events, as far as time allows.
Fails, and keeps the logs, where a promise is broken.

Examples:
    python ops/chaos/main.py
    python ops/chaos/main.py --events 600 --keys 60 --kills 3 --stops 1 --broker-restarts 1
    python ops/chaos/main.py --seed 4711 --delivery transactional
    python ops/chaos/main.py --plan --seed 4711     # only say what would be done
    python ops/chaos/main.py --keep                 # also write ops/chaos/results/chaos.json
"""

import argparse
import asyncio
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import orjson
from checks import all_checks
from facts import Check
from plan import Size, orders, strikes, told
from processes import ChaosError
from report import FEW, document, show
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from run import Job, Ran, run
from servers import why_no_kafka

MOST = 1000
"""Violations of a check that are kept with the logs."""
RESULTS = Path(__file__).parent / "results" / "chaos.json"


def main() -> None:
    options = _options()
    job = _job(options)
    try:
        orders(job.size, job.seed)
    except ValueError as error:
        sys.exit(f"ops/chaos/main.py: {error}")
    screen = Console(stderr=True, highlight=False)
    screen.print(f"seed {job.seed}")
    if options.plan:
        print("\n".join(told(strikes(job.size, job.seed))))
        return
    if missing := why_no_kafka():
        sys.exit(f"ops/chaos/main.py: a real Kafka is needed, and there is {missing}")
    folder = Path(tempfile.mkdtemp(prefix="pointsman-chaos-"))
    try:
        ran = asyncio.run(_run(job, folder, screen))
    except asyncio.CancelledError:
        shutil.rmtree(folder, ignore_errors=True)
        sys.exit(130)
    except ChaosError as error:
        sys.exit(f"ops/chaos/main.py: {error}\nlogs are in {folder}")
    checks = all_checks(ran.facts)
    _tell(job, ran, checks, options)
    if any(check.violations for check in checks):
        (folder / "chaos.json").write_bytes(_json(job, ran, checks, most=MOST))
        sys.exit(f"ops/chaos/main.py: promises were broken, seed {job.seed}; logs are in {folder}")
    shutil.rmtree(folder, ignore_errors=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=10_000, help="(default: %(default)s)")
    parser.add_argument("--keys", type=int, default=500, help="and sessions (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--kills", type=int, default=20, help="SIGKILLs of workers (default: %(default)s)")
    parser.add_argument("--stops", type=int, default=5, help="SIGSTOPs of workers (default: %(default)s)")
    parser.add_argument("--broker-restarts", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, help="draws keys and strikes (default: a new one, printed)")
    parser.add_argument(
        "--delivery",
        choices=["at-least-once", "transactional"],
        default="at-least-once",
        help="of outcomes (default: %(default)s)",
    )
    parser.add_argument(
        "--stall", type=float, default=180, help="seconds without any outcome that end the run"
    )
    parser.add_argument("--plan", action="store_true", help="only print what would be done")
    parser.add_argument("--json", action="store_true", help="print results as JSON")
    parser.add_argument("--keep", action="store_true", help="write results to ops/chaos/results/chaos.json")
    options = parser.parse_args()
    for name in ("events", "keys", "workers"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} must be at least 1")
    return options


def _job(options: argparse.Namespace) -> Job:
    size = Size(
        options.events, options.keys, options.workers, options.kills, options.stops, options.broker_restarts
    )
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    return Job(size, seed, options.delivery, options.stall)


async def _run(job: Job, folder: Path, screen: Console) -> Ran:
    task = asyncio.current_task()
    assert task is not None

    def end() -> None:
        if not task.cancelling():  # everything that was started is being ended already
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end)
    columns = (TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen) as progress:
        bar = progress.add_task("servers start", total=job.size.events)

        def advance(count: int, last: str) -> None:
            progress.update(bar, completed=count, description=last or "events flow")

        try:
            return await run(job, folder, advance)
        except ExceptionGroup as several:
            if reasons := _reasons(several):
                raise ChaosError("; ".join(reasons)) from several
            raise


def _reasons(several: ExceptionGroup[Exception]) -> list[str]:
    """Return what every part of a group says; nothing where one is a mistake of ours."""
    broken, other = several.split(ChaosError)
    if broken is None or other is not None:
        return []
    nested = (_reasons(one) if isinstance(one, ExceptionGroup) else [str(one)] for one in broken.exceptions)
    return [reason for reasons in nested for reason in reasons]


def _tell(job: Job, ran: Ran, checks: Sequence[Check], options: argparse.Namespace) -> None:
    written = orjson.dumps(document(job, ran, checks), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    if options.json:
        sys.stdout.write(written.decode())
    else:
        show(Console(highlight=False), job, ran, checks)
    if options.keep:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_bytes(written)


def _json(job: Job, ran: Ran, checks: Sequence[Check], *, most: int = FEW) -> bytes:
    said = document(job, ran, checks, most=most)
    return orjson.dumps(said, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    main()
