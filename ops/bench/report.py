"""What was measured: a table for people, JSON for machines, a plot where matplotlib is installed."""

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson
from measure import Measured, Size
from rich.console import Console
from rich.table import Table

PROCESSES = ("worker", "broker", "redis", "model", "sandbox")


def ratios(measured: Sequence[Measured]) -> dict[str, float]:
    """Return what Pointsman's worker uses, as a multiple of what each plain loop on the same broker does."""
    ours = {one.broker: one for one in measured if one.worker == "pointsman"}
    return {
        f"{one.worker} on {one.broker}": round(ours[one.broker].worker_cpu_ms / one.worker_cpu_ms, 2)
        for one in measured
        if one.worker != "pointsman" and one.broker in ours and one.worker_cpu_ms
    }


def show(console: Console, measured: Sequence[Measured]) -> None:
    """Print the figures."""
    table = Table(title="One event: 4 model turns, 2 reads side by side, 2 writes")
    table.add_column("")
    for one in measured:
        table.add_column(f"{one.worker}\non {one.broker}", justify="right")
    rows: list[tuple[str, Callable[[Measured], str]]] = [
        ("wall, s", lambda one: f"{one.wall_s:.1f}"),
        ("events/s", lambda one: f"{one.events_per_s:.0f}"),
        *((f"CPU {name}, ms an event", _cpu(name)) for name in PROCESSES),
        ("peak memory of the worker, MiB", lambda one: f"{one.worker_peak_mib:.0f}"),
        ("event to outcome p50, ms", lambda one: f"{one.latency_p50_ms or 0:.0f}"),
        ("event to outcome p99, ms", lambda one: f"{one.latency_p99_ms or 0:.0f}"),
    ]
    for title, cell in rows:
        table.add_row(title, *map(cell, measured))
    console.print(table)
    for name, ratio in ratios(measured).items():
        console.print(f"worker CPU, Pointsman ÷ {name}: {ratio:.2f}")
    for one in measured:
        for fault in one.faults:
            console.print(f"[red]{one.worker} on {one.broker}: {fault}[/red]")


def _cpu(process: str) -> Callable[[Measured], str]:
    return lambda one: f"{one.cpu_ms_per_event[process]:.2f}"


def write_json(file: Path, measured: Sequence[Measured], size: Size, skipped: Sequence[str]) -> None:
    """Write all figures, and what machine they are of."""
    document: dict[str, Any] = {
        "machine": {
            "cores": os.cpu_count(),
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
            "python": platform.python_version(),
        },
        "size": asdict(size),
        "skipped": list(skipped),
        "variants": [asdict(one) for one in measured],
        "worker_cpu_ratio_to": ratios(measured),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def plot(file: Path, measured: Sequence[Measured]) -> bool:
    """Draw CPU by process and variant; return whether matplotlib is there to do it."""
    if find_spec("matplotlib") is None:
        return False
    import_module("matplotlib").use("Agg")  # draws into files only
    pyplot = import_module("matplotlib.pyplot")
    figure, axes = pyplot.subplots(figsize=(9, 1.2 + 0.6 * len(measured)), layout="constrained")
    names = [f"{one.worker} on {one.broker}" for one in measured]
    left = [0.0] * len(measured)
    for process in PROCESSES:
        widths = [one.cpu_ms_per_event[process] for one in measured]
        axes.barh(names, widths, left=left, label=process)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    axes.invert_yaxis()
    axes.set_xlabel("CPU, ms an event")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(PROCESSES), frameon=False)
    figure.savefig(file, dpi=150)
    pyplot.close(figure)
    return True
