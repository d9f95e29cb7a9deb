"""Replay of finished events in rebuild mode, beside a bare consume → produce loop of the same outcomes, on real Kafka.

Some events are really worked by a worker; the journals of the others are copies of theirs, written by the store's own
methods, and their outcomes are published by what a worker publishes with: working 100,000 would take half an hour and
change nothing of what is measured. Each side is a process of its own, or several, and all take
turns. `replay_side.py` says what the bare loop does. Every outcome that comes out is compared with the first one of its
id, byte for byte, and in the order of its key; what the model and the sandbox were asked meanwhile is counted there.
Fails where an outcome is missing, double, different or out of order, or anything was asked; a missed aim is only shown.
A whole run writes ops/bench/results/replay.json and replay.png. With `--profile`, the replay in one process is profiled.

Examples:
    python ops/bench/replay.py
    python ops/bench/replay.py --events 10000 --rounds 1     # a minute; writes no results
    python ops/bench/replay.py --events 10000 --profile replay.prof
"""

import argparse
import asyncio
import json
import sqlite3
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from aiokafka.admin import NewTopic
from load import OUTCOMES
from processes import ProcessError, started
from replay_report import BARE, REPLAY, Measured, Side, as_json, faults, plot, show
from replay_stage import Advance, Stage, finished_events, stage
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from servers import why_no_kafka

from consumers.adapters.kafka_clients import admin
from consumers.errors import PointsmanError
from schemas.record import Record

RESULTS = Path(__file__).parent / "results"
FULL = 100_000
_PROFILED = "replay, one process"
_SIDE = Path(__file__).parent / "replay_side.py"
SIDES = {
    REPLAY: ("rebuild",),
    "replay, one process": ("rebuild", "--processes", "1"),
    BARE: ("bare",),
    "bare, transactions": ("bare", "--transactions"),
}
_SIDE_S = 600.0
_PARTITIONS = 3

Outcomes = dict[bytes | None, list[tuple[bytes | None, tuple[tuple[str, bytes], ...]]]]
"""Values and headers by key, in order."""


def main() -> None:
    options = _options()
    if reason := why_no_kafka():
        sys.exit(f"ops/bench/replay.py: real Kafka cannot be started: {reason}")
    console = Console(highlight=False, stderr=options.json)
    try:
        measured = asyncio.run(_measured(console, options))
    except (ProcessError, PointsmanError, TimeoutError) as error:
        sys.exit(f"ops/bench/replay.py: {error or 'a process did not end in time'}")
    if options.json:
        sys.stdout.buffer.write(as_json(measured))
    else:
        show(console, measured)
    if options.events >= FULL and not options.profile:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "replay.json").write_bytes(as_json(measured))
        if not plot(RESULTS / "replay.png", measured):
            console.print("no plot: matplotlib is not installed")
    if faults(measured):
        sys.exit(1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=FULL, help="finished ones (default: %(default)s)")
    parser.add_argument("--worked", type=int, default=200, help="really worked ones (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="the median counts (default: %(default)s)")
    parser.add_argument("--profile", type=Path, help="profile the replay into this file; no results")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    if not 1 <= options.worked <= min(options.events, 1_000):
        parser.error("--worked must be between 1 and 1,000, and no more than --events")
    return options


async def _measured(console: Console, options: argparse.Namespace) -> Measured:
    columns = (TextColumn("{task.description:30}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        tempfile.TemporaryDirectory(prefix="pointsman-bench-", ignore_cleanup_errors=True) as folder,
        Progress(*columns, console=console) as progress,
    ):
        task = progress.add_task("starting servers", total=None)

        def advance(what: str, done: int, total: int) -> None:
            progress.update(task, description=what, completed=done, total=total)

        async with stage(Path(folder)) as made:
            await finished_events(made, options.events, options.worked, advance)
            return await _rounds(made, options, advance)


async def _rounds(made: Stage, options: argparse.Namespace, advance: Advance) -> Measured:
    originals = _by_key(await made.everything_in(OUTCOMES))
    asked, effects = made.model.stats.requests, _effects(made.database)
    sides: list[Side] = []
    wrong: list[str] = []
    order = list(SIDES)
    for number in range(options.rounds):
        for name in order[number % len(order) :] + order[: number % len(order)]:
            advance(f"round {number + 1}: {name}", len(sides), options.rounds * len(SIDES))
            output = f"again-{number}-{name.replace(', ', '-').replace(' ', '-')}"
            side = await _side(made, name, output, options.profile if name == _PROFILED else None)
            sides.append(side)
            if SIDES[name][0] == "rebuild":
                found = _by_key(await made.everything_in(output))
                wrong += _differences(originals, found, f"round {number + 1}, {name}")
    return Measured(
        events=options.events,
        worked=options.worked,
        sides=sides,
        model_calls=made.model.stats.requests - asked,
        effects=_effects(made.database) - effects,
        kafka=str(made.described["version"]),
        faults=tuple(wrong),
    )


async def _side(made: Stage, name: str, output: str, profile: Path | None) -> Side:
    await _new_topic(made, output)
    command = [sys.executable, _SIDE, *SIDES[name], "--config", made.file.path, "--output", output]
    if profile:
        command += ["--profile", profile]
    async with started(command, log=made.folder / f"{output}.log") as process:
        assert process.process.stdout is not None
        async with asyncio.timeout(_SIDE_S):
            said = await process.process.stdout.readline()
            await process.process.wait()
        if process.process.returncode or not said:
            raise ProcessError(f"{name} ended with {process.process.returncode}: {process.tail()}")
    figures = json.loads(said)
    return Side(name, figures["events"], figures["wall_s"], figures.get("cpu_s"))


async def _new_topic(made: Stage, name: str) -> None:
    client = admin(made.connection)
    await client.start()
    try:
        await client.create_topics([NewTopic(name, _PARTITIONS, 1)])
    finally:
        await client.close()


def _by_key(records: Iterable[Record]) -> Outcomes:
    found: Outcomes = defaultdict(list)
    for record in records:
        found[record.key].append((record.value, record.headers))
    return found


def _differences(wanted: Outcomes, found: Outcomes, where: str) -> list[str]:
    """Return what is not the same: each outcome once, with the same bytes, in the order of its key."""
    wrong = [key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key)]
    if not wrong:
        return []
    return [f"{where}: the outcomes of {len(wrong)} keys are not the same, such as those of {wrong[0]!r}"]


def _effects(database: Path) -> int:
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
        return int(connection.execute("SELECT count(*) FROM effects").fetchone()[0])


if __name__ == "__main__":
    main()
