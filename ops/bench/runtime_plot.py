"""The plot of `bench-runtime`: throughput and CPU by load and variant, added latency, memory over time."""

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from runtime_cells import VARIANTS
from runtime_figures import Figures, Memory


def plot(file: Path, figures: Sequence[Figures], memory: Memory | None) -> bool:
    """Draw all figures; return whether matplotlib is there to do it."""
    if find_spec("matplotlib") is None:
        return False
    import_module("matplotlib").use("Agg")  # draws into files only
    pyplot = import_module("matplotlib.pyplot")
    figure, ((rate, cpu), (latency, resident)) = pyplot.subplots(2, 2, figsize=(15, 9), layout="constrained")
    backlogs = [one for one in figures if one.p50_ms is None]
    _bars(rate, backlogs, lambda one: one.events_per_s, "events a second", "log")
    _bars(cpu, backlogs, lambda one: one.cpu_ms, "CPU of the worker, ms an event", "log")
    paced = [one for one in figures if one.p50_ms is not None]
    _bars(latency, paced, lambda one: one.p99_ms, "added latency, p99, ms", "linear")
    if memory:
        resident.plot(range(len(memory.mib)), memory.mib)
        resident.set_ylim(bottom=0)
        resident.set_xlabel(f"seconds of {memory.events:,} events, {memory.left:,} waiting behind them")
    resident.set_title("resident memory of pointsman on a backlog, MiB", fontsize=10)
    handles, labels = rate.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
    figure.savefig(file, dpi=110)
    pyplot.close(figure)
    return True


def _bars(
    axes: Any, figures: Sequence[Figures], height: Callable[[Figures], float | None], title: str, scale: str
) -> None:
    """Draw a group of bars for each load, one for each variant."""
    axes.set_title(title, fontsize=10)
    loads = list(dict.fromkeys(one.load for one in figures))
    width = 0.9 / len(VARIANTS)
    for number, variant in enumerate(VARIANTS):
        bars = [
            (loads.index(one.load) + number * width, value)
            for one in figures
            if one.variant == variant and (value := height(one))
        ]
        axes.bar([x for x, _ in bars], [y for _, y in bars], width, label=variant, color=f"C{number}")
    if loads:
        axes.set_yscale(scale)
        axes.set_xticks(
            [place + 0.45 - width / 2 for place in range(len(loads))],
            loads,
            rotation=35,
            ha="right",
            fontsize=8,
        )
