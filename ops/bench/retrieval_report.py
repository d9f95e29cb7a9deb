"""What `bench-retrieval` measured: a table for people, JSON for machines."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import orjson
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

DEPTHS: Final = (5, 10, 20)
AIMS: Final[Mapping[str, float]] = {"live_multiple": 0.95, "all": 0.90}
"""Recall among the best ten that the search must have, asked the questions as they are, on the whole pool."""
AIM_MS: Final = 1.0
"""Of such a search, on average."""


@dataclass(frozen=True, slots=True)
class Times:
    """How long the searches took, milliseconds."""

    mean_ms: float
    p99_ms: float
    built_ms: float | None

    @classmethod
    def of(cls, seconds: Sequence[float], built_s: float | None) -> Self:
        ordered = sorted(seconds)
        last = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
        built = None if built_s is None else round(built_s * 1000, 1)
        return cls(round(sum(seconds) / len(seconds) * 1000, 4), round(last * 1000, 4), built)


@dataclass(frozen=True, slots=True)
class Measured:
    """One way of searching, asked all questions of a pool in one form."""

    pool: str
    functions: int
    form: str
    way: str
    questions: Mapping[str, int]
    recall: Mapping[str, Mapping[int, float]]
    """By half and depth."""
    times: Times


def misses(measured: Sequence[Measured]) -> list[str]:
    """Return the aims that are missed, in words."""
    said: list[str] = []
    for one in measured:
        if one.way != "ours" or one.form != "question" or one.pool not in AIMS:
            continue
        if one.recall["whole"][10] < AIMS[one.pool]:
            said.append(f"{one.pool}: recall@10 is {one.recall['whole'][10]:.3f}, below {AIMS[one.pool]}")
        if one.times.mean_ms > AIM_MS:
            said.append(f"{one.pool}: a search takes {one.times.mean_ms:.2f} ms, more than {AIM_MS:g}")
    return said


def show(console: Console, measured: Sequence[Measured]) -> None:
    table = Table(title="Recall at 5, 10, 20; milliseconds a search", box=SIMPLE)
    for name in ("pool", "asked as", "by"):
        table.add_column(name, no_wrap=True)
    for name in ("whole", "tuned on", "held out", "mean", "p99"):
        table.add_column(name, justify="right", no_wrap=True)
    before = ""
    for one in measured:
        halves = (" ".join(f"{one.recall[half][k]:.3f}" for k in DEPTHS) for half in one.recall)
        pool = f"{one.pool} ({one.functions})"
        table.add_row(
            pool if pool != before else "",
            one.form if one.way == "ours" else "",
            f"[bold]{one.way}[/bold]" if one.way == "ours" else one.way,
            *halves,
            f"{one.times.mean_ms:.2f}",
            f"{one.times.p99_ms:.2f}",
        )
        before = pool
    console.print(table)
    missed = misses(measured)
    for each in missed:
        console.print(f"[red]MISSED[/red] {each}", soft_wrap=True)
    if not missed:
        aims = ", ".join(f"{pool} {aim}" for pool, aim in AIMS.items())
        console.print(f"[green]ok[/green] recall@10 at least {aims}; at most {AIM_MS:g} ms on average")


def as_json(measured: Sequence[Measured]) -> bytes:
    document: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "aims": {"recall_at_10": AIMS, "mean_ms": AIM_MS},
        "measured": [
            {
                "pool": one.pool,
                "functions": one.functions,
                "form": one.form,
                "way": one.way,
                "questions": one.questions,
                "recall": {
                    half: {str(depth): round(value, 4) for depth, value in by_depth.items()}
                    for half, by_depth in one.recall.items()
                },
                "mean_ms": one.times.mean_ms,
                "p99_ms": one.times.p99_ms,
                "index_built_ms": one.times.built_ms,
            }
            for one in measured
        ],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
