"""What `bench-replay` measured: a table for people, JSON for machines, a plot where matplotlib is installed."""

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import orjson
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from runtime_figures import median

REPLAY: Final = "replay"
BARE: Final = "bare"
AIM: Final = 0.5
"""Of the bare loop's events a second, at least."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side in one round.

    Attributes:
        name: as the side is called, such as `replay` or `bare, transactions`.
        events: that it published.
        wall_s: from connected to the last acknowledgement.
        cpu_s: of its process meanwhile; None where there are several.
    """

    name: str
    events: int
    wall_s: float
    cpu_s: float | None

    @property
    def events_per_s(self) -> float:
        return self.events / self.wall_s

    @property
    def cpu_us(self) -> float | None:
        return None if self.cpu_s is None else self.cpu_s / self.events * 1e6


@dataclass(frozen=True, slots=True)
class Measured:
    """All of one run.

    Attributes:
        events: finished ones.
        worked: of them, by a worker.
        sides: in the order they ran.
        model_calls: during all rounds.
        effects: during all rounds.
        kafka: its version.
        faults: what was not as it must be; empty where all is well.
    """

    events: int
    worked: int
    sides: Sequence[Side]
    model_calls: int
    effects: int
    kafka: str
    faults: Sequence[str]

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(side.name for side in self.sides))

    def rounds(self, name: str) -> list[Side]:
        return [side for side in self.sides if side.name == name]

    def rate(self, name: str) -> float:
        """Return the median of its events a second."""
        return median([side.events_per_s for side in self.rounds(name)])

    def cpu_us(self, name: str) -> float | None:
        """Return the median of its CPU an event, in microseconds; None where it was not measured."""
        found = [side.cpu_us for side in self.rounds(name) if side.cpu_us is not None]
        return round(median(found), 1) if found else None

    def ratios(self, name: str) -> list[float]:
        """Return what the replay does for one event of a side, by round."""
        pairs = zip(self.rounds(REPLAY), self.rounds(name), strict=True)
        return [ours.events_per_s / theirs.events_per_s for ours, theirs in pairs]


def faults(measured: Measured) -> list[str]:
    """Return all that was not as it must be."""
    found = list(measured.faults)
    found += [
        f"{side.name}: {side.events} of {measured.events} events"
        for side in measured.sides
        if side.events != measured.events
    ]
    if measured.model_calls or measured.effects:
        found.append(
            f"the model was asked {measured.model_calls} times, and {measured.effects} effects happened"
        )
    return found


def show(console: Console, measured: Measured) -> None:
    """Print the figures."""
    table = Table(title=f"{measured.events:,} finished events on Kafka {measured.kafka}", box=SIMPLE)
    for title in ("", "events/s", "replay ÷ it, by round", "CPU, µs an event"):
        table.add_column(title, justify="left" if not title else "right")
    for name in measured.names:
        ratios = "" if name == REPLAY else " ".join(f"{ratio:.2f}" for ratio in measured.ratios(name))
        cpu = measured.cpu_us(name)
        table.add_row(name, f"{measured.rate(name):,.0f}", ratios, "" if cpu is None else f"{cpu:.0f}")
    console.print(table)
    ratio = median(measured.ratios(BARE))
    verdict = "reached" if ratio >= AIM else "[red]missed[/red]"
    console.print(f"replay ÷ bare: {ratio:.2f} (aim: at least {AIM:g}, {verdict})")
    console.print(f"model calls: {measured.model_calls}, effects: {measured.effects}")
    for fault in faults(measured):
        console.print(f"[red]{fault}[/red]")
    if not faults(measured):
        console.print("every outcome came once a round, with the bytes and in the order of the first time")


def as_json(measured: Measured) -> bytes:
    document: dict[str, Any] = {
        "machine": {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "kafka": measured.kafka,
            "aiokafka": version("aiokafka"),
        },
        "events": measured.events,
        "really_worked": measured.worked,
        "at_least": AIM,
        "ratio_to_bare": round(median(measured.ratios(BARE)), 3),
        "model_calls": measured.model_calls,
        "effects": measured.effects,
        "faults": faults(measured),
        "sides": {
            name: {
                "events_per_s": round(measured.rate(name), 1),
                "cpu_us_per_event": measured.cpu_us(name),
                "replay_to_it": [] if name == REPLAY else [round(each, 3) for each in measured.ratios(name)],
                "rounds": [asdict(side) for side in measured.rounds(name)],
            }
            for name in measured.names
        },
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def plot(file: Path, measured: Measured) -> bool:
    """Draw events a second and CPU by side; return whether matplotlib is there to do it."""
    if find_spec("matplotlib") is None:
        return False
    import_module("matplotlib").use("Agg")  # draws into files only
    pyplot = import_module("matplotlib.pyplot")
    figure, (rate, cpu) = pyplot.subplots(1, 2, figsize=(11, 3), layout="constrained")
    names = sorted(measured.names)
    rate.barh(names, [measured.rate(name) for name in names])
    rate.axvline(AIM * measured.rate(BARE), color="black", linestyle="--", label="aim for the replay")
    rate.set_xlabel("events a second")
    rate.legend(loc="lower right", frameon=False)
    cpu.barh(names, [measured.cpu_us(name) or 0 for name in names])
    cpu.set_xlabel("CPU, µs an event")
    for axes in (rate, cpu):
        axes.invert_yaxis()
    figure.savefig(file, dpi=150)
    pyplot.close(figure)
    return True
