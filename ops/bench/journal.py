"""A journal append beside a bare EVALSHA of the same size, on one Redis, in one run.

The bare one takes the same keys and arguments, byte for byte, and does one HSET. Between the two stands the append's own
script, called by the client directly: what it takes above the bare one is Lua's, what the append takes above it is ours.
The three take turns in shuffled order, so that what else the machine does hits all of them. Fails where the median of an
append of one entry is more than 1.3 times the bare one's. A whole run writes ops/bench/results/journal.json.

Examples:
    python ops/bench/journal.py
    python ops/bench/journal.py --quick                     # some seconds; writes no results
    python ops/bench/journal.py --rounds 9 --seed 7
    python ops/bench/journal.py --quick --json > quick.json
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from journal_calls import LOADS, Load
from journal_report import Measured, as_json, is_slow, show
from journal_rounds import Round, Size, rounds_of
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from consumers.adapters.redis_connection import connect
from consumers.errors import PointsmanError
from consumers.local.redis_server import local_redis

RESULTS = Path(__file__).parent / "results"
FULL = Size(warmup=300, timed=2_000, counted=1_000)
_QUICK = Size(warmup=50, timed=300, counted=100)


def main() -> None:
    options = _options()
    console = Console(highlight=False, stderr=options.json)
    size, rounds = (_QUICK, 3) if options.quick else (replace(FULL, timed=options.appends), options.rounds)
    try:
        measured = asyncio.run(_measured(console, LOADS, size, rounds, options.seed))
    except PointsmanError as error:
        sys.exit(f"ops/bench/journal.py: {error}")
    if options.json:
        sys.stdout.buffer.write(as_json(measured))
    else:
        show(console, measured)
    if not options.quick:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "journal.json").write_bytes(as_json(measured))
    if is_slow(measured):
        sys.exit(1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="the median counts (default: %(default)s)")
    parser.add_argument(
        "--appends", type=int, default=FULL.timed, help="of a load and round (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the order (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="little of it; writes no results")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    if options.rounds < 1 or options.appends < 100:
        parser.error("--rounds must be at least 1, --appends at least 100")
    return options


async def _measured(console: Console, loads: Sequence[Load], size: Size, rounds: int, seed: int) -> Measured:
    columns = (TextColumn("{task.description:24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        tempfile.TemporaryDirectory(prefix="pointsman-bench-") as folder,
        Progress(*columns, console=console) as progress,
    ):
        task = progress.add_task("starting Redis", total=rounds * len(loads))
        async with local_redis(Path(folder)) as url, connect(url) as redis:
            info = await redis.info("server")
            found: list[Round] = []
            async for one in rounds_of(redis, loads, size, rounds, seed):
                progress.update(task, description=one.load, advance=1)
                found.append(one)
    server = f"{info.get('server_name', 'redis')} {info.get('valkey_version', info['redis_version'])}"
    return Measured(server, size, seed, found)


if __name__ == "__main__":
    main()
