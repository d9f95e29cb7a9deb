"""What became of all mutants: a table for people, JSON for machines."""

import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import orjson
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from verdicts import Mutant, Verdict

KILLED: Final = 0.85
"""At least this share of all mutants must be noticed."""


@dataclass(frozen=True, slots=True)
class Score:
    """The mutants of one module, counted."""

    counts: Mapping[Verdict, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def killed(self) -> float:
        """The share that was noticed."""
        escaped = sum(count for verdict, count in self.counts.items() if verdict.escaped)
        return 1 - escaped / self.total if self.total else 1.0


def scores(mutants: Iterable[Mutant]) -> dict[str, Score]:
    """Return the score of each module, in the order of the modules."""
    counts: dict[str, Counter[Verdict]] = {}
    for mutant in mutants:
        counts.setdefault(mutant.module, Counter())[mutant.verdict] += 1
    return {module: Score(count) for module, count in counts.items()}


def whole(mutants: Iterable[Mutant]) -> Score:
    return Score(Counter(mutant.verdict for mutant in mutants))


def as_json(mutants: Sequence[Mutant], seconds: float) -> bytes:
    document: dict[str, Any] = {
        "python": platform.python_version(),
        "mutmut": _version("mutmut"),
        "seconds": round(seconds),
        "at_least": KILLED,
        "killed": round(whole(mutants).killed, 4),
        "modules": {
            module: {
                "killed_share": round(score.killed, 4),
                "mutants": score.total,
                **{str(verdict): count for verdict, count in score.counts.items()},
            }
            for module, score in scores(mutants).items()
        },
        "escaped": [
            {
                "module": one.module,
                "name": one.name,
                "verdict": one.verdict,
                "change": one.change.splitlines(),
            }
            for one in mutants
            if one.verdict.escaped
        ],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def show(console: Console, mutants: Sequence[Mutant]) -> None:
    """Print the figures, and the aim beside them."""
    table = Table(title="Small changes of the code, and whether a quick test notices", box=SIMPLE)
    table.add_column("", no_wrap=True)
    for name in ("mutants", *Verdict, "noticed"):
        table.add_column(str(name), justify="right", no_wrap=True)
    for module, score in scores(mutants).items():
        cells = [str(score.counts.get(verdict, 0)) for verdict in Verdict]
        table.add_row(module, str(score.total), *cells, f"{score.killed:.1%}")
    console.print(table)
    score = whole(mutants)
    mark = "[green]ok[/green]    " if score.killed >= KILLED else "[red]MISSED[/red]"
    console.print(f"{mark} at least {KILLED:.0%} of {score.total:,} are noticed: {score.killed:.1%}")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
