"""Strikes at every call that a worker makes of its ports, and checks that nobody can tell afterwards.

Four scenarios (one action; four writes of which the last fails for good; a write that is held for a person; two events
of one session) are played without a blow, and then once for each of their calls and each moment of a call:

    before  when it begins
    during  when the other side has done it, and the answer has not come back
    after   when it has ended

The worker is killed there with SIGKILL and another one started; with --redis, Redis is struck instead. All servers are
real: the embedded broker and Redis, the sandbox ERP with books of its own, a model that never says the same thing twice.
At the end of each play its events are published once more. Fails, and keeps the logs, where a promise is broken.

Examples:
    python ops/crash/main.py
    python ops/crash/main.py --list                                     # only the calls, with their numbers
    python ops/crash/main.py --scenario saga --point 17 --moment during
    python ops/crash/main.py --redis --scenario one --blow redis-flush
    python ops/crash/main.py --mutant late-intents                      # the checks find a worker that is wrong
    python ops/crash/main.py --keep                                     # also write ops/crash/results/crash.json
"""

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import orjson
from mutants import MUTANTS
from points import BLOWS, MOMENTS, Blow
from processes import CrashError
from report import FEW, document, show
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from run import Job, Ran, run
from scenarios import SCENARIOS

MOST = 1000
"""Violations of a check that are kept with the logs."""
RESULTS = Path(__file__).parent / "results"


def main() -> None:
    options = _options()
    job = _job(options)
    screen = Console(stderr=True, highlight=False)
    folder = Path(tempfile.mkdtemp(prefix="pointsman-crash-"))
    try:
        ran = asyncio.run(_run(job, folder, screen))
    except InterruptedError as error:
        shutil.rmtree(folder, ignore_errors=True)
        print(f"ops/crash/main.py: {error}", file=sys.stderr)
        sys.exit(130)
    except CrashError as error:
        sys.exit(f"ops/crash/main.py: {error}\nlogs are in {folder}")
    _tell(job, ran, options)
    if ran.broken or ran.faults:
        (folder / "crash.json").write_bytes(_json(job, ran, most=MOST))
        sys.exit(f"ops/crash/main.py: promises were broken at {len(ran.broken)} points; logs are in {folder}")
    shutil.rmtree(folder, ignore_errors=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--scenario", choices=SCENARIOS, action="append", help="may be given several times (default: all)"
    )
    parser.add_argument("--point", type=int, help="number of the only call to strike at")
    parser.add_argument("--moment", choices=MOMENTS, action="append", help="(default: all)")
    parser.add_argument(
        "--redis", action="store_true", help="strike Redis instead of the worker, in every way"
    )
    parser.add_argument("--blow", choices=BLOWS, action="append", help="strike only in this way")
    parser.add_argument("--lanes", type=int, choices=range(1, 9), default=2, help="(default: %(default)s)")
    parser.add_argument(
        "--patience", type=float, default=30, help="seconds that one play may take (default: %(default)s)"
    )
    parser.add_argument("--mutant", choices=MUTANTS, default="sound", help="play with a worker that is wrong")
    parser.add_argument("--stop-at", type=int, help="end after so many points at which a promise was broken")
    parser.add_argument("--list", action="store_true", help="only play without a blow, and list the calls")
    parser.add_argument("--json", action="store_true", help="print results as JSON")
    parser.add_argument(
        "--keep",
        action="store_true",
        help="write results to ops/crash/results/crash.json, or crash-redis.json",
    )
    return parser.parse_args()


def _job(options: argparse.Namespace) -> Job:
    every: list[Blow] = [blow for blow in BLOWS if (blow != "worker") == options.redis]
    if options.blow:
        every = options.blow
    if options.list:
        every = []
    return Job(
        scenarios=options.scenario or list(SCENARIOS),
        blows=every,
        number=options.point,
        moments=options.moment or MOMENTS,
        lanes=options.lanes,
        patience_s=options.patience,
        mutant=options.mutant,
        stop_at=options.stop_at,
    )


async def _run(job: Job, folder: Path, screen: Console) -> Ran:
    task = asyncio.current_task()
    assert task is not None

    signals: list[str] = []

    def end(number: signal.Signals) -> None:
        if not signals:  # otherwise everything that was started is being ended already
            task.cancel()
        signals.append(number.name)

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end, number)
    columns = (TextColumn("{task.description:60}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen) as progress:
        bar = progress.add_task("servers start", total=None)

        def advance(count: int, planned: int, last: str) -> None:
            progress.update(bar, completed=count, total=planned or None, description=last[:60])
            if not screen.is_terminal and count and count % 100 == 0:
                screen.print(f"{count} of {planned}")  # a bar is seen only once it is over

        try:
            return await run(job, folder, advance)
        except asyncio.CancelledError:
            if not signals:
                raise
            raise InterruptedError(f"ended by {signals[0]}") from None
        except ExceptionGroup as several:
            broken, other = several.split(CrashError)
            if broken is None or other is not None:
                raise
            raise CrashError("; ".join(map(str, broken.exceptions))) from several


def _tell(job: Job, ran: Ran, options: argparse.Namespace) -> None:
    if options.json:
        sys.stdout.write(_json(job, ran).decode())
    elif options.list:
        for name, calm in ran.calm.items():
            for number, call in enumerate(calm.calls, start=1):
                print(f"{name} {number:2}  {call}")
    else:
        show(Console(highlight=False), ran)
    if options.keep:
        RESULTS.mkdir(exist_ok=True)
        name = "crash.json" if "worker" in job.blows else "crash-redis.json"
        (RESULTS / name).write_bytes(_json(job, ran))


def _json(job: Job, ran: Ran, *, most: int = FEW) -> bytes:
    said = document(job, ran, most=most)
    return orjson.dumps(said, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    main()
