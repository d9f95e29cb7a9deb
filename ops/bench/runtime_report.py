"""What was measured: tables for people, JSON for machines."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any, Final

import orjson
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from runtime_aims import aims, stuck_cost
from runtime_cells import FLOWING, OURS, STUCK, VARIANTS, Plan
from runtime_figures import Figures, Memory
from runtime_topics import PARTITIONS

SETTINGS: Final = (
    f"one broker, {PARTITIONS} partitions, events of about 300 bytes; every producer acks=all, idempotent, lz4; every "
    "consumer read_committed, from the beginning; nobody decodes bodies; FastStream without injection and log lines"
)


@dataclass(frozen=True, slots=True)
class Measured:
    """All of one run.

    Attributes:
        plan: what was to be measured.
        rounds: of what is judged.
        kafka: the broker's version.
        lingers: what each variant's producer waits, in milliseconds.
        tuning: events a second by variant and linger, where it was chosen by measuring.
        figures: by load and variant.
        memory: of our worker on the backlog.
    """

    plan: Plan
    rounds: int
    kafka: str
    lingers: Mapping[str, int]
    tuning: Mapping[str, Mapping[str, float]]
    figures: Sequence[Figures]
    memory: Memory | None


def document(measured: Measured) -> dict[str, Any]:
    """Return everything, ready for JSON."""
    figures = measured.figures
    return {
        "machine": {
            "cores": os.cpu_count(),
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
            "python": platform.python_version(),
            "kafka": measured.kafka,
            "aiokafka": version("aiokafka"),
            "faststream": version("faststream"),
        },
        "settings": SETTINGS,
        "variants": VARIANTS,
        "rounds": measured.rounds,
        "plan": asdict(measured.plan),
        "linger_ms": measured.lingers,
        "tuning_events_per_s": measured.tuning,
        "figures": [asdict(one) for one in figures],
        "ratios_of_pointsman_to": ratios(figures),
        "stuck_key_costs": {
            name: round(cost, 4) for name in VARIANTS if (cost := stuck_cost(figures, name)) is not None
        },
        "backlog": None
        if measured.memory is None
        else {
            **asdict(measured.memory),
            "first_quarter_mib": measured.memory.first_mib,
            "last_quarter_mib": measured.memory.last_mib,
            "growth": round(measured.memory.growth, 4),
        },
        "aims": [asdict(one) for one in aims(figures, measured.memory)],
    }


def as_json(measured: Measured) -> bytes:
    return orjson.dumps(
        document(measured), option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE
    )


def ratios(figures: Sequence[Figures]) -> dict[str, dict[str, dict[str, float]]]:
    """Return our throughput and CPU as multiples of each other variant's, by load."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    ours = {one.load: one for one in figures if one.variant == OURS}
    for one in figures:
        mine = ours.get(one.load)
        if mine is None or one is mine:
            continue
        both: dict[str, float] = {}
        if one.events_per_s:
            both["events_per_s"] = round(mine.events_per_s / one.events_per_s, 3)
        if one.cpu_ms and mine.cpu_ms:
            both["cpu"] = round(mine.cpu_ms / one.cpu_ms, 3)
        if one.p99_ms and mine.p99_ms:
            both["p99"] = round(mine.p99_ms / one.p99_ms, 3)
        found.setdefault(one.load, {})[one.variant] = both
    return found


def show(console: Console, measured: Measured) -> None:
    """Print the figures, and the aims beside them."""
    console.print(SETTINGS, style="dim")
    _show_loads(console, [one for one in measured.figures if one.p50_ms is None])
    _show_latency(console, [one for one in measured.figures if one.p50_ms is not None])
    for name in VARIANTS:
        cost = stuck_cost(measured.figures, name)
        if cost is not None:
            console.print(
                f"{name}: one stuck key of 1,000 costs the others {max(0.0, cost):.1%} ({STUCK} ÷ {FLOWING})"
            )
    for aim in aims(measured.figures, measured.memory):
        mark = "[green]ok[/green]    " if aim.ok else "[red]MISSED[/red]"
        console.print(f"{mark} {aim.what}: {aim.measured}", soft_wrap=True)


def _show_loads(console: Console, figures: Sequence[Figures]) -> None:
    if not figures:
        return
    times = ratios(figures)
    table = Table(title="Backlogs; CPU is of an event; in brackets: pointsman ÷ this one", box=SIMPLE)
    table.add_column("", no_wrap=True)
    for name in ("events/s", "CPU, ms", "MiB", "unordered", "lost", "twice"):
        table.add_column(name, justify="right", no_wrap=True)
    before = None
    for one in figures:
        if before != one.load:
            table.add_row(f"[bold]{one.load}[/bold]")
        ratio = times.get(one.load, {}).get(one.variant, {})
        table.add_row(
            f"  {one.variant}",
            _beside(
                f"{one.events_per_s:,.0f}" if one.events_per_s >= 10 else f"{one.events_per_s:.2f}",
                ratio.get("events_per_s"),
            ),
            _beside("-" if one.cpu_ms is None else f"{one.cpu_ms:.3f}", ratio.get("cpu")),
            f"{one.peak_mib:.0f}",
            f"{one.out_of_order:,}",
            str(one.lost),
            str(one.twice),
        )
        before = one.load
    console.print(table)


def _show_latency(console: Console, figures: Sequence[Figures]) -> None:
    if not figures:
        return
    table = Table(
        title="Added latency at a steady rate: published to output in the log, less the work", box=SIMPLE
    )
    for name in ("load", "variant"):
        table.add_column(name)
    for name in ("p50, ms", "p99, ms"):
        table.add_column(name, justify="right")
    before = None
    for one in figures:
        title = "" if before == one.load else f"[bold]{one.load}[/bold]"
        table.add_row(title, one.variant, f"{one.p50_ms:.1f}", f"{one.p99_ms:.1f}")
        before = one.load
    console.print(table)


def _beside(value: str, ratio: float | None) -> str:
    return value if ratio is None else f"{value} ({ratio:.2f})"
