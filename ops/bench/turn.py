"""What a model turn costs: the engine's CPU beside that of the openai SDK asking the same of the same stub.

Ours is the whole engine (prompt, request, validation, rules, journal and steps in memory, the end of the run); `plain` only asks
and reads the answer as JSON. All of them run in this process and take turns in shuffled order; the stub is another one.
Fails where the median of ours is more than that of `plain`. A whole run writes ops/bench/results/turn.json.

Examples:
    python ops/bench/turn.py
    python ops/bench/turn.py --quick          # some seconds; writes no results
    python ops/bench/turn.py --quick --json > quick.json
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Final, Protocol

import orjson
from processes import ProcessError, started
from rich.console import Console
from rich.table import Table
from turn_sides import TURNS, Ours, Plain

HERE: Final = Path(__file__).parent
AIM: Final = 1.0
SIDES: Final = ("ours", "plain", "plain-fast")
CONCURRENCY: Final = (1, 200)
ACTIONS: Final = (5, 15)
_WIDTH: Final = 110
"""Of the table: a narrower one would lose figures."""


class Side(Protocol):
    async def run(self) -> None: ...
    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Cell:
    """One load: so many runs at once, so many actions on the route."""

    concurrency: int
    actions: int


@dataclass(frozen=True, slots=True)
class Figure:
    """CPU ms of one turn, the median of the rounds, by side."""

    concurrency: int
    actions: int
    ours: float
    plain: float
    plain_fast: float

    @property
    def ratio(self) -> float:
        return self.ours / self.plain


def main() -> None:
    options = _options()
    console = Console(highlight=False, stderr=options.json)
    console.width = max(console.width, _WIDTH)
    runs, rounds = (60, 3) if options.quick else (400, options.rounds)
    try:
        figures = asyncio.run(_measured(console, runs, rounds, options.seed))
    except ProcessError as error:
        sys.exit(f"ops/bench/turn.py: {error}")
    document = _as_json(figures, options.seed)
    if options.json:
        sys.stdout.buffer.write(document)
    else:
        _show(console, figures)
    if not options.quick:
        (HERE / "results" / "turn.json").write_bytes(document)
    if any(figure.ratio > AIM for figure in figures):
        sys.exit(1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7, help="the median counts (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the order (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="little of it; writes no results")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    return options


async def _measured(console: Console, runs: int, rounds: int, seed: int) -> list[Figure]:
    figures: list[Figure] = []
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="pointsman-bench-") as folder:
        command = (sys.executable, HERE / "turn_stub.py")
        async with started(command, log=Path(folder) / "stub.log") as stub:
            url = await stub.first_line()
            for cell in (Cell(at_once, actions) for at_once in CONCURRENCY for actions in ACTIONS):
                with console.status(f"{cell.concurrency} at once, {cell.actions} actions"):
                    figures.append(await _cell(url, cell, runs, rounds, dice))
    return figures


async def _cell(url: str, cell: Cell, runs: int, rounds: int, dice: random.Random) -> Figure:
    async with _sides(url, cell) as sides:
        for side in sides.values():
            await _cpu_ms(side, cell.concurrency, max(runs // 4, cell.concurrency))
        taken: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(rounds):
            for name in dice.sample(SIDES, len(SIDES)):
                taken[name].append(await _cpu_ms(sides[name], cell.concurrency, max(runs, cell.concurrency)))
    ours, plain, fast = (median(taken[name]) for name in SIDES)
    return Figure(cell.concurrency, cell.actions, ours, plain, fast)


@asynccontextmanager
async def _sides(url: str, cell: Cell) -> AsyncGenerator[dict[str, Side]]:
    sides: dict[str, Side] = {
        "ours": Ours(url, cell.actions, cell.concurrency),
        "plain": Plain(url, cell.actions, fast=False),
        "plain-fast": Plain(url, cell.actions, fast=True),
    }
    try:
        yield sides
    finally:
        for side in sides.values():
            await side.aclose()


async def _cpu_ms(side: Side, at_once: int, runs: int) -> float:
    """Return the CPU time of this process for one turn, in milliseconds."""
    left = iter(range(runs))

    async def work() -> None:
        for _ in left:
            await side.run()

    before = time.process_time()
    async with asyncio.TaskGroup() as group:
        for number in range(at_once):
            group.create_task(work(), name=f"run {number}")
    return (time.process_time() - before) * 1000 / (runs * TURNS)


def _show(console: Console, figures: Sequence[Figure]) -> None:
    table = Table(
        *("at once", "actions", "ours, ms", "plain, ms", "plain-fast, ms", "ours / plain", "ours / fast")
    )
    for one in figures:
        cells = (one.ours, one.plain, one.plain_fast, one.ratio, one.ours / one.plain_fast)
        table.add_row(str(one.concurrency), str(one.actions), *(f"{cell:.2f}" for cell in cells))
    console.print(table)


def _as_json(figures: Sequence[Figure], seed: int) -> bytes:
    document = {
        "machine": {"cores": os.cpu_count(), "python": sys.version.split()[0]},
        "seed": seed,
        "aim": AIM,
        "cpu_ms_a_turn": [{**asdict(one), "ratio": round(one.ratio, 3)} for one in figures],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    main()
