"""What a backfill costs live traffic: figures, a table for people, JSON for machines."""

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from rich.console import Console
from rich.table import Table

MOST: Final = 1.10
"""What the 99th percentile with a backfill may be of that without."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stretch of live events.

    Attributes:
        backfill: whether one ran beside them.
        latencies_ms: from each event to its outcome.
        worked: how many events were backfilled meanwhile.
    """

    backfill: bool
    latencies_ms: tuple[float, ...]
    worked: int


@dataclass(frozen=True, slots=True)
class Aims:
    """The figures that count, over all rounds."""

    p50_without_ms: float
    p50_with_ms: float
    p99_without_ms: float
    p99_with_ms: float
    worked: int

    @property
    def ratio(self) -> float:
        """Of the 99th percentiles."""
        return self.p99_with_ms / self.p99_without_ms

    @property
    def met(self) -> bool:
        """Whether live traffic came first; a backfill that did nothing proves nothing."""
        return self.worked > 0 and self.ratio <= MOST


def aims(stretches: Sequence[Stretch]) -> Aims:
    """Take all rounds together."""
    without = sorted(ms for one in stretches if not one.backfill for ms in one.latencies_ms)
    beside = sorted(ms for one in stretches if one.backfill for ms in one.latencies_ms)
    return Aims(
        p50_without_ms=_at(without, 0.50),
        p50_with_ms=_at(beside, 0.50),
        p99_without_ms=_at(without, 0.99),
        p99_with_ms=_at(beside, 0.99),
        worked=sum(one.worked for one in stretches),
    )


def show(console: Console, stretches: Sequence[Stretch], faults: Sequence[str]) -> None:
    """Print the figures."""
    table = Table(title="Live events, from publishing to the outcome")
    for name in ("stretch", "events", "p50, ms", "p99, ms", "backfilled"):
        table.add_column(name, justify="left" if name == "stretch" else "right")
    for one in stretches:
        ordered = sorted(one.latencies_ms)
        table.add_row(
            "beside a backfill" if one.backfill else "alone",
            str(len(ordered)),
            f"{_at(ordered, 0.50):.0f}",
            f"{_at(ordered, 0.99):.0f}",
            str(one.worked) if one.backfill else "",
        )
    console.print(table)
    found = aims(stretches)
    console.print(f"p50: {found.p50_without_ms:.0f} ms alone, {found.p50_with_ms:.0f} ms beside a backfill")
    console.print(f"p99: {found.p99_without_ms:.0f} ms alone, {found.p99_with_ms:.0f} ms beside a backfill")
    told = "met" if found.met else "MISSED"
    console.print(f"p99 with a backfill ÷ without: {found.ratio:.2f} (aim: at most {MOST:.2f}): {told}")
    for fault in faults:
        console.print(f"[red]{fault}[/red]")


def write_json(file: Path, size: Any, stretches: Sequence[Stretch], faults: Sequence[str]) -> None:
    """Write all figures, and what machine they are of."""
    found = aims(stretches)
    document = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "size": asdict(size),
        **asdict(found),
        "p99_ratio": round(found.ratio, 3),
        "aim": MOST,
        "met": found.met,
        "faults": list(faults),
        "stretches": [
            {
                "backfill": one.backfill,
                "events": len(one.latencies_ms),
                "p50_ms": _at(sorted(one.latencies_ms), 0.50),
                "p99_ms": _at(sorted(one.latencies_ms), 0.99),
                "worked": one.worked,
            }
            for one in stretches
        ],
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
