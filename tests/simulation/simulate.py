"""Play many seeds of the runtime's simulation, each a world of its own in virtual time.

A failing seed prints how to play it again; it then plays exactly the same.

Examples:
    python tests/simulation/simulate.py --seeds 1000
    python tests/simulation/simulate.py --seeds 50000 --first 1001
    python tests/simulation/simulate.py --seed 42
"""

import argparse
import logging
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Sets of strings are walked in an order of the hash seed's: it is part of what repeats.
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"PYTHONHASHSEED": "0"})
    sys.path.insert(0, str(Path(__file__).parents[2]))

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.simulation.sim_checks import ViolationError
from tests.simulation.sim_story import simulate

_CHUNK: Final = 10
_SHOWN: Final = 10


def main() -> None:
    options = _options()
    if options.seed is not None:
        logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
        print(f"seed {options.seed}: {simulate(options.seed).commits} commits, nothing found")
        return
    first, count = options.first, options.seeds
    chunks = [range(at, min(at + _CHUNK, first + count)) for at in range(first, first + count, _CHUNK)]
    commits, found = 0, list[str]()
    columns = (TextColumn("simulating"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, disable=not sys.stderr.isatty()) as bar, _pool(options.workers) as pool:
        task = bar.add_task("simulating", total=count)
        for seeds, (chunk_commits, violations) in zip(chunks, pool.map(_play, chunks), strict=True):
            commits += chunk_commits
            found += violations
            bar.advance(task, len(seeds))
    for violation in found[:_SHOWN]:
        print(violation)
    print(f"{count - len(found)} passed, {len(found)} failed")
    print(f"seeds {first} to {first + count - 1}: {commits} commits looked at, {len(found)} violations")
    sys.exit(1 if found else 0)


def _play(seeds: range) -> tuple[int, list[str]]:
    logging.disable(logging.CRITICAL)
    return _summed(_played(seeds))


def _played(seeds: range) -> Iterator[tuple[int, str | None]]:
    for seed in seeds:
        try:
            yield simulate(seed).commits, None
        except ViolationError as error:
            yield 0, str(error)


def _summed(played: Iterator[tuple[int, str | None]]) -> tuple[int, list[str]]:
    all_of_them = list(played)
    return sum(commits for commits, _ in all_of_them), [found for _, found in all_of_them if found]


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=1000, help="how many (default: %(default)s)")
    parser.add_argument("--first", type=int, default=1, help="the first of them (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="only this one, with its log")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
