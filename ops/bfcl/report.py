"""What came of it: a table for people, JSON for machines."""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from main import Category, Findings

_FEW: Final = 20


def show(console: Console, categories: "Sequence[Category]", findings: "Findings", distinct: int) -> None:
    """Print the table, the refused functions, and what is not as it should be."""
    table = Table(title=f"Berkeley Function Calling Leaderboard: {distinct:,} distinct functions")
    table.add_column("category")
    for heading in _row(categories[0]):
        table.add_column(heading, justify="right")
    rows = [(category.name, _row(category)) for category in categories]
    for name, row in rows:
        table.add_row(name, *(f"{value:,}" for value in row.values()))
    table.add_section()
    table.add_row("all", *(f"{value:,}" for value in _sums([row for _, row in rows]).values()))
    console.print(table)
    for said in findings.refused:
        console.print(f"[yellow]refused[/yellow] {escape(said)}", soft_wrap=True)
    wrong = [said for category in categories for said in category.ours] + findings.survivors
    for said in wrong[:_FEW]:
        console.print(f"[red]{escape(said)}", soft_wrap=True)


def write(path: Path, categories: "Sequence[Category]", findings: "Findings", distinct: int) -> None:
    """Write everything that is worth keeping."""
    rows = {category.name: _row(category) for category in categories}
    document: dict[str, Any] = {
        "python": platform.python_version(),
        "pydantic": version("pydantic"),
        "distinct_functions": distinct,
        "all": _sums(list(rows.values())),
        "categories": {
            category.name: {
                **rows[category.name],
                "refused_by_reason": dict(category.refused),
                "mutants_by_kind": dict(sorted(category.mutants.items())),
            }
            for category in categories
        },
        "refused_functions": [
            {"first_in": first, "why": said} for said, first in sorted(findings.refused.items())
        ],
        "calls_that_leave_their_description": [
            {"call": said, "we_say": message} for said, message in sorted(findings.wrong_calls.items())
        ],
        "not_as_it_should_be": [said for category in categories for said in category.ours]
        + findings.survivors,
    }
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _row(category: "Category") -> dict[str, int]:
    tried = category.mutants.total()
    return {
        "functions": category.functions,
        "accepted": category.accepted,
        "refused": category.refused.total(),
        "true calls": category.calls,
        "validated": category.validated,
        "data wrong": category.data_wrong,
        "ours wrong": len(category.ours),
        "function refused": category.without_function,
        "mutants": tried,
        "mutants refused": tried - category.accepted_mutants,
        "field named": category.named,
    }


def _sums(rows: "Sequence[dict[str, int]]") -> dict[str, int]:
    return {heading: sum(row[heading] for row in rows) for heading in rows[0]}
