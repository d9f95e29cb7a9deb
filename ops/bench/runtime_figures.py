"""The figures of a variant on a load, and the middle of several rounds."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Figures:
    """What one variant did on one load.

    Attributes:
        load: which.
        variant: which.
        linger_ms: of its producer.
        events: ended while it was measured.
        seconds: measured.
        events_per_s: of those.
        cpu_ms: user and system time of the worker's process, an event; None where no event ended.
        peak_mib: largest resident set of the worker until then.
        out_of_order: events that the handler was given while an earlier one of their key was under way.
        outputs_out_of_order: outputs that came behind those of a later event of their key.
        lost: events that were committed and of which no output came.
        twice: outputs that came once more.
        p50_ms: added latency, where events were published at a rate: from published to the output in the log, less
            the work.
        p99_ms: the same.
        rounds: events a second in each round.
    """

    load: str
    variant: str
    linger_ms: int
    events: int
    seconds: float
    events_per_s: float
    cpu_ms: float | None
    peak_mib: float
    out_of_order: int
    outputs_out_of_order: int
    lost: int
    twice: int
    p50_ms: float | None = None
    p99_ms: float | None = None
    rounds: tuple[float, ...] = ()

    @property
    def is_faulty(self) -> bool:
        return any((self.out_of_order, self.outputs_out_of_order, self.lost, self.twice))


@dataclass(frozen=True, slots=True)
class Memory:
    """The worker's resident set while it works a backlog.

    Attributes:
        mib: each second.
        events: worked in that time.
        left: of the backlog.
    """

    mib: tuple[float, ...] = field(default=())
    events: int = 0
    left: int = 0

    @property
    def first_mib(self) -> float:
        """The median of the first quarter."""
        return median(self.mib[: max(1, len(self.mib) // 4)])

    @property
    def last_mib(self) -> float:
        """The median of the last quarter."""
        return median(self.mib[-max(1, len(self.mib) // 4) :])

    @property
    def growth(self) -> float:
        return self.last_mib / self.first_mib - 1


def middle(rounds: Sequence[Figures]) -> Figures:
    """Return the round with the median throughput, with the faults of the worst."""
    ordered = sorted(rounds, key=lambda one: one.events_per_s)
    return replace(
        ordered[(len(ordered) - 1) // 2],
        out_of_order=max(one.out_of_order for one in rounds),
        outputs_out_of_order=max(one.outputs_out_of_order for one in rounds),
        lost=max(one.lost for one in rounds),
        twice=max(one.twice for one in rounds),
        rounds=tuple(one.events_per_s for one in rounds),
    )


def median(values: Sequence[float]) -> float:
    return quantile(values, 0.5) or 0.0


def quantile(values: Sequence[float], share: float) -> float | None:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None
