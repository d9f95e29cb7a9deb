"""What came of a run: tables for people, JSON for machines."""

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from facts import Check
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from run import Job, Ran

FEW = 5
"""Violations of a check that are shown."""


def show(console: Console, job: Job, ran: Ran, checks: Sequence[Check]) -> None:
    """Print figures, checks and the first violations."""
    size = job.size
    title = f"{size.events} events, {size.keys} keys, {size.workers} workers, {job.delivery}, seed {job.seed}"
    table = Table(title=title, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in asdict(ran.figures).items():
        if name != "logged":
            table.add_row(name.replace("_", " "), f"{value:,}")
    console.print(table)
    table = Table()
    table.add_column("checked")
    table.add_column("looked at", justify="right")
    table.add_column("violations", justify="right")
    for check in checks:
        style = "[red]" if check.violations else "[green]"
        table.add_row(check.name, f"{check.looked_at:,}", f"{style}{len(check.violations):,}")
    console.print(table)
    for check in checks:
        for violation in check.violations[:FEW]:
            console.print(f"[red]{check.name}[/red]: {escape(violation)}", soft_wrap=True)
    for message, count in ran.figures.logged.items():
        console.print(f"[dim]logged {count:,} times: {escape(message)}[/dim]", soft_wrap=True)


def document(job: Job, ran: Ran, checks: Sequence[Check], *, most: int = FEW) -> dict[str, Any]:
    """Return everything that is worth keeping, with so many violations of each check."""
    return {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "asked": asdict(job),
        "figures": asdict(ran.figures),
        "checks": [
            {
                "name": check.name,
                "looked_at": check.looked_at,
                "violations": len(check.violations),
                "first": check.violations[:most],
            }
            for check in checks
        ],
        "timeline": [{"at_s": at_s, "what": what} for at_s, what in ran.timeline],
    }
