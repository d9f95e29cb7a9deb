"""What `bench-runtime` compares, and on which loads: the tables."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

OURS: Final = "pointsman"
TRANSACTIONAL: Final = "pointsman-transactional"
SEQUENTIAL: Final = "sequential"
ORDERED: Final = "faststream-ordered"
CONCURRENT: Final = "faststream-concurrent"
BARE: Final = "bare"

VARIANTS: Final[Mapping[str, str]] = {
    OURS: "our runtime, at least once, the default: order by key",
    TRANSACTIONAL: "our runtime, outputs and offsets in transactions: order by key",
    SEQUENTIAL: "aiokafka: consume, work, produce, commit, one event after the other",
    ORDERED: "FastStream, a consumer for each partition (max_workers=6, NACK_ON_ERROR): order by partition",
    CONCURRENT: "FastStream, one consumer and many tasks (max_workers=in flight, ACK_FIRST): no order",
    BARE: "aiokafka: batches from consumer to producer, no work: the limit",
}
"""By name, in the order of the report."""
LINGERS: Final = (0, 5)
"""Each variant but ours uses what is better for it of these, in milliseconds; ours has the one it ships with."""
EVENTS: Final[Mapping[int, int]] = {1: 400_000, 20: 400_000, 500: 30_000, 1000: 1_000_000}
"""Of the backlog, by number of keys: more than the quickest can work."""
_WORKING: Final = (OURS, SEQUENTIAL, ORDERED, CONCURRENT)


@dataclass(frozen=True, slots=True)
class Cell:
    """A load: a backlog with so many keys, so much work an event.

    Attributes:
        name: of the load.
        work_s: an event.
        keys: in turn.
        seconds: measured.
        warmup_s: before that.
        variants: compared on it.
        judged: those that an aim looks at: they are measured in every round.
        in_flight: events worked side by side, by those that can.
        stuck: whether one of the keys never gets on.
    """

    name: str
    work_s: float
    keys: int
    seconds: float
    warmup_s: float = 1.0
    variants: tuple[str, ...] = _WORKING
    judged: tuple[str, ...] = ()
    in_flight: int = 500
    stuck: bool = False


NOTHING: Final = "0ms-1000-keys"
SECOND: Final = "1s-500-keys"
FLOWING: Final = "stuck-without"
STUCK: Final = "stuck-with"

CELLS: Final = (
    Cell("0ms-1-key", 0, 1, 2, variants=(*_WORKING, BARE)),
    Cell("0ms-20-keys", 0, 20, 2, variants=(*_WORKING, BARE)),
    Cell(NOTHING, 0, 1000, 4, variants=tuple(VARIANTS), judged=(OURS, CONCURRENT, BARE)),
    Cell("5ms-1-key", 0.005, 1, 2),
    Cell("5ms-20-keys", 0.005, 20, 2),
    Cell("5ms-1000-keys", 0.005, 1000, 2),
    Cell("1s-1-key", 1, 1, 2, warmup_s=2.2),
    Cell("1s-20-keys", 1, 20, 2, warmup_s=2.2),
    Cell(SECOND, 1, 500, 6, warmup_s=2.5, judged=(OURS, CONCURRENT)),
    Cell("1s-1000-keys", 1, 1000, 2, warmup_s=2.2),
    # What bounds these two is the work, not the CPU: what a stuck key costs does not hide in noise.
    Cell(FLOWING, 0.1, 1000, 5, warmup_s=1.5, judged=(OURS,), in_flight=100),
    Cell(STUCK, 0.1, 1000, 5, warmup_s=1.5, judged=(OURS,), in_flight=100, stuck=True),
)


@dataclass(frozen=True, slots=True)
class Pace:
    """Events published at a rate that leaves room, for latency.

    Attributes:
        name: of the load.
        work_s: an event.
        variants: compared on it; those for whom the rate is too much are left out.
        rate: events a second.
        seconds: of events whose latency counts, after one of events whose latency does not.
        keys: in turn.
    """

    name: str
    work_s: float
    variants: tuple[str, ...]
    rate: float = 75
    seconds: float = 5
    keys: int = 1000


PACES: Final = (
    Pace("latency-0ms", 0, (*_WORKING, BARE)),
    Pace("latency-5ms", 0.005, _WORKING),
    Pace("latency-1s", 1, (OURS, CONCURRENT)),
)


@dataclass(frozen=True, slots=True)
class Backlog:
    """Our worker in front of more than it can work, watched for its memory."""

    name: str = "backlog"
    work_s: float = 0.001
    keys: int = 1000
    seconds: int = 32
    settle_s: float = 4


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run of the benchmark does."""

    events: Mapping[int, int]
    cells: tuple[Cell, ...]
    paces: tuple[Pace, ...]
    backlog: Backlog | None
    tuned: bool
    """Whether the others' linger is chosen by measuring."""
    tuning_s: float = 1.5


FULL: Final = Plan(EVENTS, CELLS, PACES, Backlog(), tuned=True)
NAMES: Final = (*(cell.name for cell in CELLS), *(pace.name for pace in PACES), Backlog().name)


def quick() -> Plan:
    """Return a plan of less than a minute: the loads that aims look at, for as long as it takes to see something."""
    short = {NOTHING: (0.5, 1.5), SECOND: (1.6, 2.0), FLOWING: (0.6, 2.0), STUCK: (0.6, 2.0)}
    most = {NOTHING: (OURS, CONCURRENT, BARE), SECOND: (OURS, CONCURRENT)}
    cells = tuple(
        replace(
            cell,
            warmup_s=short[cell.name][0],
            seconds=short[cell.name][1],
            variants=most.get(cell.name, (OURS,)),
        )
        for cell in CELLS
        if cell.name in short
    )
    pace = replace(PACES[1], variants=(OURS,), seconds=1.5)
    return Plan({500: 10_000, 1000: 250_000}, cells, (pace,), Backlog(seconds=6, settle_s=3), tuned=False)


def restricted(plan: Plan, only: tuple[str, ...], variants: tuple[str, ...]) -> Plan:
    """Return the part of a plan with these loads and variants; an empty choice is all."""
    chosen = only or NAMES

    def kept(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in names if not variants or name in variants)

    cells = tuple(replace(cell, variants=kept(cell.variants)) for cell in plan.cells if cell.name in chosen)
    paces = tuple(replace(pace, variants=kept(pace.variants)) for pace in plan.paces if pace.name in chosen)
    backlog = plan.backlog if plan.backlog and "backlog" in chosen and kept((OURS,)) else None
    keys = {cell.keys for cell in cells} | ({backlog.keys} if backlog else set())
    events = {number: count for number, count in plan.events.items() if number in keys}
    tuned = plan.tuned and any(cell.name == NOTHING for cell in cells)
    return replace(plan, events=events, cells=cells, paces=paces, backlog=backlog, tuned=tuned)
