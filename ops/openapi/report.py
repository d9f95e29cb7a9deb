"""What came of it: a table for people, JSON for machines."""

import platform
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, Final

import orjson
from directory import PACKAGE
from imports import SECTION, Imported
from rich.console import Console
from rich.markup import escape
from rich.table import Table

LEAST_IMPORTED: Final = 0.99
WORST_S: Final = 2.0
_SLOWEST: Final = 5


def figures(found: Sequence[Imported], seed: int) -> dict[str, Any]:
    """Return everything worth keeping."""
    refused: Counter[str] = sum((each.refused for each in found), Counter[str]())
    operations, accepted = sum(each.operations for each in found), sum(each.accepted for each in found)
    sections, wholes = [each.section_s for each in found], [each.whole_s for each in found]
    return {
        "package": PACKAGE,
        "seed": seed,
        "python": platform.python_version(),
        "pydantic": version("pydantic"),
        "documents": len(found),
        "imported": sum(each.is_imported for each in found),
        "with_all_operations": sum(each.accepted == each.operations for each in found if each.is_imported),
        "crashes": sum(len(each.crashed) for each in found),
        "operations": operations,
        "schemas_accepted": accepted,
        "schemas_refused": sum(refused.values()),
        "refused_by_reason": dict(refused.most_common()),
        "section_of": SECTION,
        "section_cpu_s": {"median": round(median(sections), 3), "worst": round(max(sections), 3)},
        "slowest_section": max(found, key=lambda each: each.section_s).name,
        "whole_cpu_s": {"median": round(median(wholes), 3), "worst": round(max(wholes), 3)},
        "whole_above_aim": sum(each > WORST_S for each in wholes),
        "slowest_operation_cpu_s": round(max(each.slowest_s for each in found), 3),
        "slowest_documents": [
            {"document": each.name, "operations": each.operations, "cpu_s": round(each.whole_s, 2)}
            for each in sorted(found, key=lambda each: -each.whole_s)[:_SLOWEST]
        ],
        "not_imported": {each.name: _why_not(each) for each in found if not each.is_imported},
    }


def misses(said: dict[str, Any]) -> list[str]:
    """Return what is not as it should be."""
    wanted = LEAST_IMPORTED * said["documents"]
    section, whole = said["section_cpu_s"]["worst"], said["whole_cpu_s"]["worst"]
    return [
        *([f"{said['crashes']} crashes"] if said["crashes"] else []),
        *([f"{said['imported']} imported, {wanted:.0f} wanted"] if said["imported"] < wanted else []),
        *([f"a section took {section} s, at most {WORST_S:g} wanted"] if section > WORST_S else []),
        *([f"a whole document took {whole} s, at most {WORST_S:g} wanted"] if whole > WORST_S else []),
    ]


def show(console: Console, found: Sequence[Imported], said: dict[str, Any]) -> None:
    """Print the table, an example of each reason, and what is not imported."""
    table = Table(title=f"{said['documents']} documents of {PACKAGE}, seed {said['seed']}", show_header=False)
    rows: list[tuple[str, object]] = [
        ("documents imported", said["imported"]),
        ("  with every operation", said["with_all_operations"]),
        ("crashes", said["crashes"]),
        ("operations", said["operations"]),
        ("  schema accepted as strict", said["schemas_accepted"]),
        ("  refused with the reason", said["schemas_refused"]),
        *((f"    {reason}", count) for reason, count in said["refused_by_reason"].items()),
        (f"CPU s of a section of {SECTION} operations, median", said["section_cpu_s"]["median"]),
        ("  worst", said["section_cpu_s"]["worst"]),
        ("CPU s with all operations, median", said["whole_cpu_s"]["median"]),
        ("  worst", said["whole_cpu_s"]["worst"]),
        (f"  documents above {WORST_S:g} s", said["whole_above_aim"]),
        ("CPU s of the slowest operation", said["slowest_operation_cpu_s"]),
    ]
    table.add_column()
    table.add_column(justify="right")
    for name, value in rows:
        table.add_row(name, f"{value:,}")
    console.print(table)
    for each in said["slowest_documents"]:
        console.print(f"{each['cpu_s']} s, {each['operations']:,} operations: {each['document']}")
    examples = {reason: text for each in reversed(found) for reason, text in each.examples.items()}
    for reason, text in examples.items():
        console.print(f"[yellow]{reason}[/yellow] {escape(text[:400])}", soft_wrap=True)
    for name, why in said["not_imported"].items():
        console.print(f"[yellow]not imported[/yellow] {escape(f'{name}: {why}')}", soft_wrap=True)
    for each in found:
        for text in each.crashed:
            console.print(f"[red]{escape(text)}", soft_wrap=True)


def write(path: Path, said: dict[str, Any]) -> None:
    """Write the figures."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(orjson.dumps(said, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _why_not(each: Imported) -> str:
    if each.unreadable:
        return each.unreadable
    if each.crashed:
        return "crashed"
    return "; ".join(each.examples.values())
