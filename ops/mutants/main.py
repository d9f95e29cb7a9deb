"""Small changes of the journal, saga and offset code, one at a time: does a test notice?

Python is changed by mutmut, on a copy of the tree; the Lua scripts by a small mutator of our own (comparisons, constants,
arithmetic, `and` and `or`, deleted lines), against the contract suite on a real Valkey. Fails where less than 85% of all
changes are noticed. A whole run writes ops/mutants/results/mutants.json, with every change that nobody noticed.

mutmut leaves alone what stands outside functions, and functions with decorators, so properties.

Examples:
    python ops/mutants/main.py
    python ops/mutants/main.py --only offsets lua
    python ops/mutants/main.py --only run --folder /tmp/mutants     # keeps the work; played once more, only what is new
    python ops/mutants/main.py --only offsets --json > offsets.json
"""

import argparse
import asyncio
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from groups import GROUPS
from lua_mutants import LUA, play_lua
from python_mutants import played
from report import KILLED, as_json, show, whole
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from verdicts import Mutant, MutantsError

from consumers.errors import PointsmanError

RESULTS = Path(__file__).parent / "results"
NAMES = (*(group.name for group in GROUPS), LUA)
_WIDTH = 110
"""Of the table: a narrower one would lose figures."""


def main() -> None:
    options = _options()
    console = Console(highlight=False, stderr=options.json)
    console.width = max(console.width, _WIDTH)
    begin = time.monotonic()
    try:
        mutants = _played(console, options.only or NAMES, options.folder, options.children)
    except (MutantsError, PointsmanError) as error:
        sys.exit(f"ops/mutants/main.py: {error}")
    document = as_json(mutants, time.monotonic() - begin)
    if options.json:
        sys.stdout.buffer.write(document)
    else:
        show(console, mutants)
    if not options.only:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "mutants.json").write_bytes(document)
    if whole(mutants).killed < KILLED:
        sys.exit(1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", nargs="+", choices=NAMES, default=[], metavar="GROUP", help=", ".join(NAMES)
    )
    parser.add_argument("--children", type=int, default=2, help="at once (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="keep the copies here (default: a temporary folder)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    if options.children < 1:
        parser.error("--children must be at least 1")
    return options


def _played(console: Console, names: tuple[str, ...], kept: Path | None, children: int) -> list[Mutant]:
    columns = (TextColumn("{task.description:12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with ExitStack() as exits:
        folder = kept or Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="pointsman-mutants-")))
        folder.mkdir(parents=True, exist_ok=True)
        progress = exits.enter_context(Progress(*columns, console=console))
        mutants: list[Mutant] = []
        for name in names:
            task = progress.add_task(name, total=None)

            def advance(done: int, total: int, task: object = task) -> None:
                progress.update(task, completed=done, total=total)  # pyright: ignore[reportArgumentType] - a TaskID

            group = next((group for group in GROUPS if group.name == name), None)
            if group:
                mutants += played(group, folder, children, advance)
            else:
                mutants += asyncio.run(play_lua(folder / LUA, children, advance))
        return mutants


if __name__ == "__main__":
    main()
