"""What `bench-journal` measured: a table for people, JSON for machines."""

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any, Final

import orjson
from journal_calls import APPEND, BARE, LOADS, SCRIPT, WAYS, Load
from journal_rounds import Figures, Round, Size
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from runtime_figures import median

RATIO: Final = 1.3
"""At most this times the bare EVALSHA, at the median."""


@dataclass(frozen=True, slots=True)
class Measured:
    """All of one run."""

    server: str
    size: Size
    seed: int
    rounds: Sequence[Round]

    def of(self, load: Load) -> dict[str, Figures]:
        """Return a load's figures by way, each the median of the rounds."""
        rounds = [one.figures for one in self.rounds if one.load == load.name]
        return {way: _middle([figures[way] for figures in rounds]) for way in WAYS}

    def ratios(self, load: Load) -> list[float]:
        """Return the append's p50 as a multiple of the bare one's, in each round."""
        rounds = [one.figures for one in self.rounds if one.load == load.name]
        return [figures[APPEND].p50 / figures[BARE].p50 for figures in rounds]


def is_slow(measured: Measured) -> bool:
    return any(median(measured.ratios(load)) > RATIO for load in LOADS if load.judged)


def as_json(measured: Measured) -> bytes:
    document: dict[str, Any] = {
        "machine": {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "server": measured.server,
            "redis-py": version("redis"),
        },
        "size": asdict(measured.size),
        "seed": measured.seed,
        "at_most": RATIO,
        "loads": {load.name: _described(measured, load) for load in LOADS},
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _described(measured: Measured, load: Load) -> dict[str, Any]:
    ratios = measured.ratios(load)
    return {
        "judged": load.judged,
        "microseconds": {
            way: {name: round(value, 1) for name, value in asdict(figures).items()}
            for way, figures in measured.of(load).items()
        },
        "append_to_bare": round(median(ratios), 3),
        "rounds": [round(ratio, 3) for ratio in ratios],
    }


def show(console: Console, measured: Measured) -> None:
    """Print the figures, and the aim beside them."""
    table = Table(title="One call, µs: from call to answer; in Redis's script; CPU of the client", box=SIMPLE)
    table.add_column("", no_wrap=True)
    for name in ("p50", "p99", "script", "client", "÷ bare"):
        table.add_column(name, justify="right", no_wrap=True)
    for load in LOADS:
        figures = measured.of(load)
        table.add_row(f"[bold]{load.name}[/bold]")
        for way, one in figures.items():
            ratio = one.p50 / figures[BARE].p50
            cells = [f"{value:.0f}" for value in (one.p50, one.p99, one.server, one.client)]
            table.add_row(f"  {way}", *cells, "" if way == BARE else f"{ratio:.2f}")
    console.print(table)
    for load in LOADS:
        figures, ratio = measured.of(load), median(measured.ratios(load))
        lua, ours = figures[SCRIPT].p50 - figures[BARE].p50, figures[APPEND].p50 - figures[SCRIPT].p50
        mark = "[dim]--[/dim]    " if not load.judged else "[green]ok[/green]    "
        if load.judged and ratio > RATIO:
            mark = "[red]MISSED[/red]"
        console.print(
            f"{mark} {load.name}: {ratio:.2f} of a bare EVALSHA (at most {RATIO}); {lua:+.0f} µs the script, {ours:+.0f} µs we",
            soft_wrap=True,
        )


def _middle(rounds: Sequence[Figures]) -> Figures:
    return Figures(
        p50=median([one.p50 for one in rounds]),
        p99=median([one.p99 for one in rounds]),
        server=median([one.server for one in rounds]),
        client=median([one.client for one in rounds]),
    )
