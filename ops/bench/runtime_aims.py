"""What we want of our runtime, beside what was measured."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from runtime_cells import BARE, CELLS, CONCURRENT, FLOWING, NOTHING, OURS, SECOND, STUCK, TRANSACTIONAL
from runtime_figures import Figures, Memory

CONCURRENCY: Final = 0.95
LIMIT: Final = 0.60
STUCK_COST: Final = 0.01
GROWTH: Final = 0.05


@dataclass(frozen=True, slots=True)
class Aim:
    """One of them.

    Attributes:
        what: is wanted.
        measured: what there is.
        ok: whether that is it.
    """

    what: str
    measured: str
    ok: bool


def aims(figures: Sequence[Figures], memory: Memory | None) -> list[Aim]:
    """Return the aims for which there are figures."""
    return [*_speed(figures), *_stuck(figures), *_flat(memory), *_right(figures)]


def stuck_cost(figures: Sequence[Figures], variant: str) -> float | None:
    """Return the share of the other keys' throughput that one stuck key takes."""
    without, stuck = _find(figures, FLOWING, variant), _find(figures, STUCK, variant)
    if not without or not stuck or not without.events_per_s:
        return None
    # The stuck key's own events are missing, which is no cost to the others.
    keys = next(cell.keys for cell in CELLS if cell.name == FLOWING)
    return 1 - stuck.events_per_s / (without.events_per_s * (1 - 1 / keys))


def _speed(figures: Sequence[Figures]) -> Iterable[Aim]:
    if ours := _find(figures, SECOND, OURS):
        cell = next(cell for cell in CELLS if cell.name == SECOND)
        share = ours.events_per_s / (cell.in_flight / cell.work_s)
        yield Aim(
            f"{SECOND}: at least {CONCURRENCY:.0%} of concurrency ÷ latency",
            f"{share:.1%}",
            share >= CONCURRENCY,
        )
    ours, bare = _find(figures, NOTHING, OURS), _find(figures, NOTHING, BARE)
    if ours and bare:
        share = ours.events_per_s / bare.events_per_s
        yield Aim(
            f"{NOTHING}: at least {LIMIT:.0%} of the bare loop's events/s", f"{share:.1%}", share >= LIMIT
        )
    theirs = _find(figures, NOTHING, CONCURRENT)
    if ours and theirs and ours.cpu_ms and theirs.cpu_ms:
        yield Aim(
            f"{NOTHING}: less CPU an event than {CONCURRENT}",
            f"{ours.cpu_ms:.3f} ms, {theirs.cpu_ms:.3f} ms",
            ours.cpu_ms < theirs.cpu_ms,
        )


def _stuck(figures: Sequence[Figures]) -> Iterable[Aim]:
    cost = stuck_cost(figures, OURS)
    if cost is not None:
        yield Aim(
            f"a stuck key costs the others at most {STUCK_COST:.0%}",
            "nothing" if cost <= 0 else f"{cost:.2%}",
            cost <= STUCK_COST,
        )


def _flat(memory: Memory | None) -> Iterable[Aim]:
    if memory:
        yield Aim(
            f"backlog: memory grows at most {GROWTH:.0%}",
            f"{memory.growth:+.1%}, {memory.first_mib:.1f} to {memory.last_mib:.1f} MiB, at most {max(memory.mib):.1f}",
            memory.growth <= GROWTH,
        )


def _right(figures: Sequence[Figures]) -> Iterable[Aim]:
    ours = [one for one in figures if one.variant in {OURS, TRANSACTIONAL}]
    if ours:
        faulty = [f"{one.variant} on {one.load}" for one in ours if one.is_faulty]
        yield Aim("nothing out of order, lost or twice", ", ".join(faulty) or "nothing", not faulty)


def _find(figures: Sequence[Figures], load: str, variant: str) -> Figures | None:
    return next((one for one in figures if one.load == load and one.variant == variant), None)
