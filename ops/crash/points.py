"""Points: where in a scenario something is struck."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

Moment = Literal["before", "during", "after"]
MOMENTS: Final[tuple[Moment, ...]] = get_args(Moment)
Blow = Literal["worker", "redis-kill", "redis-cut", "redis-cut-more", "redis-flush"]
"""What is struck: the worker is killed; Redis is killed; what is more, the end of its append-only file is lost, in the
middle of the last step or several steps before; or it is flushed."""
BLOWS: Final[tuple[Blow, ...]] = get_args(Blow)
LOSSES: Final[frozenset[Blow]] = frozenset(BLOWS) - {"worker"}
"""Those after which Redis may no longer have what it had acknowledged. A kill can do that as well: with
`appendfsync everysec` it answers before it writes while the disk is slow to sync."""


@dataclass(frozen=True, slots=True)
class Point:
    """One call of a scenario, and one moment of it.

    Attributes:
        scenario: its name.
        number: of the call, as the scenario was played without a blow; from 1.
        call: what it does.
        nth: which of the calls that do so.
        moment: when it begins; when it is done at the other side and the answer has not come back; when it has ended.
        blow: what happens then.
    """

    scenario: str
    number: int
    call: str
    nth: int
    moment: Moment
    blow: Blow = "worker"

    def __str__(self) -> str:
        struck = "" if self.blow == "worker" else f" {self.blow}"
        return f"{self.scenario} {self.number} {self.moment}{struck} ({self.call}, its {self.nth}.)"


def points(calls: Mapping[str, Sequence[str]], blows: Iterable[Blow] = ("worker",)) -> Iterator[Point]:
    """Yield every point of these calls, by scenario."""
    for blow in blows:
        for scenario, names in calls.items():
            seen: Counter[str] = Counter()
            for number, name in enumerate(names, start=1):
                seen[name] += 1
                for moment in moments_of(name):
                    yield Point(scenario, number, name, seen[name], moment, blow)


def moments_of(call: str) -> Iterator[Moment]:
    """Yield the moments of a call: one that asks nobody has no answer to be lost."""
    return (moment for moment in MOMENTS if moment != "during" or not call.endswith(" nothing"))
