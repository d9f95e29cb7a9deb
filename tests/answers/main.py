"""Play runs against an endpoint that answers badly in every known way, at random, and print what became of each kind.

The run ends with exit code 1 if a call was executed that is not valid, a run did not end within its budget, or a kind
was not treated as the catalogue says.

Examples:
    python tests/answers/main.py
    python tests/answers/main.py --runs 5000 --seed 7
"""

import argparse
import asyncio
import logging
import secrets
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from rich.console import Console
from rich.table import Table

from tests.answers.play import Figures, play
from tests.answers.stub import TREATMENTS

_SHOWN = 20


def main() -> None:
    options = _options()
    logging.disable(logging.CRITICAL)
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed
    print(f"seed {seed}: {options.runs} runs")
    started = time.monotonic()
    figures = asyncio.run(play(options.runs, seed, options.bad))
    Console().print(table(figures))
    for violation in figures.violations[:_SHOWN]:
        print(violation)
    ends = ", ".join(f"{count} {status}" for status, count in figures.statuses.most_common())
    print(f"{figures.runs} of {options.runs} runs ended within their budgets: {ends}")
    print(f"{figures.executed} calls executed, {len(figures.violations)} violations")
    took = time.monotonic() - started
    print(
        f"{figures.answers} answers of {len(figures.treated)} kinds, {figures.waits} waits, {figures.late} too late, {took:.0f} s"
    )
    print(f"seed {seed}")
    sys.exit(1 if figures.violations or figures.runs != options.runs else 0)


def table(figures: Figures) -> Table:
    made = Table("kind", "given", "became")
    for kind in TREATMENTS:
        treated = figures.treated.get(kind, {})
        became = ", ".join(f"{treatment.value}" for treatment in treated) or "-"
        made.add_row(kind, str(sum(treated.values())), became)
    return made


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=300, help="how many events (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="a random one where missing; it is printed")
    parser.add_argument("--bad", type=float, default=0.5, help="share of bad answers (default: %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
