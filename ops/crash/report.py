"""What came of a run: tables for people, JSON for machines."""

import os
import platform
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from checks import CHECKS
from figures import figures, of_scenario
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from run import Job, Ran

FEW = 5
"""Violations of a check that are shown."""
LONGEST = 3000


def show(console: Console, ran: Ran) -> None:
    """Print scenarios, figures, checks and the first violations."""
    table = Table()
    for name, justify in (
        ("scenario", "left"),
        ("what", "left"),
        ("port calls", "right"),
        ("points", "right"),
    ):
        table.add_column(name, justify=justify)  # pyright: ignore[reportArgumentType] - literals
    table.add_column("broken", justify="right")
    for name, calm in ran.calm.items():
        bad = sum(point.scenario == name for point in ran.broken)
        about, points = calm.play.scenario.about, len(of_scenario(name, ran.struck))
        table.add_row(name, about, f"{len(calm.calls)}", f"{points}", f"{_colour(bad)}{bad}")
    console.print(table)
    table = Table(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in asdict(figures(ran)).items():
        table.add_row(name.replace("_", " "), f"{value:,}")
    console.print(table)
    table = Table()
    table.add_column("checked")
    table.add_column("points", justify="right")
    table.add_column("broken", justify="right")
    for name in CHECKS:
        bad = len(list(_violations(ran, name)))
        table.add_row(name, f"{len(ran.struck):,}", f"{_colour(bad)}{bad:,}")
    console.print(table)
    for name in CHECKS:
        for point, violation in list(_violations(ran, name))[:FEW]:
            console.print(f"[red]{name}[/red]: {escape(f'{point}: {violation}')}", soft_wrap=True)
    for fault in ran.faults:
        console.print(f"[red]{escape(fault)}[/red]")


def document(job: Job, ran: Ran, *, most: int = FEW) -> dict[str, Any]:
    """Return everything that is worth keeping, with so many violations of each check."""
    return {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "asked": asdict(job),
        "figures": asdict(figures(ran)),
        "scenarios": [
            {
                "name": name,
                "about": calm.play.scenario.about,
                "calls": list(calm.calls),
                "points": len(of_scenario(name, ran.struck)),
                "outcomes": calm.told,
            }
            for name, calm in ran.calm.items()
        ],
        "checks": [
            {
                "name": name,
                "points": len(ran.struck),
                "broken": len(found),
                "first": [{"point": point, "what": what} for point, what in found[:most]],
            }
            for name in CHECKS
            for found in [list(_violations(ran, name))]
        ],
        "faults": ran.faults,
    }


def _violations(ran: Ran, check: str) -> Iterator[tuple[str, str]]:
    """Yield the points at which a promise was broken, each with how."""
    for point, wrong in ran.broken.items():
        if check in wrong:
            yield str(point), "; ".join(wrong[check])[:LONGEST]


def _colour(bad: int) -> str:
    return "[red]" if bad else "[green]"
