"""A plan: what a job would do, before it does anything. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from consumers.ports.glances import Glance
from consumers.replay.history import Expected
from consumers.replay.mode import Mode

_WINDOWS: Final = 20
"""Parts of each partition that are looked at, at most, where not all of it is."""

Spans = Mapping[int, tuple[int, int]]
"""For each partition the first offset and the one after the last."""


class Standing(StrEnum):
    """How an event of a selection stands."""

    ENDED = "ended"
    FAILED = "ended without success or effect"
    SPENT = "worked as often as an event may be, without success"
    WAITS = "waits for a person"
    BEGUN = "begun, not ended"
    NEW = "never worked, or not remembered"
    ERASED = "of an erased session"
    DAMAGED = "damaged in Redis"
    NOT_CHOSEN = "not chosen"
    UNREADABLE = "unreadable"
    UNROUTED = "no route"
    AGAIN = "published more than once"
    LIVE = "left to the live workers, who have yet to come to it"


_MEANT: Final[Mapping[Mode, frozenset[Standing]]] = {
    Mode.REBUILD: frozenset({Standing.ENDED}),
    Mode.SHADOW: frozenset({Standing.ENDED}),
    Mode.RESUME: frozenset({Standing.NEW, Standing.BEGUN, Standing.FAILED}),
    Mode.BACKFILL: frozenset({Standing.NEW}),
}


def standing_of(glance: Glance) -> Standing:
    """Return how a run stands, by what the store has of it."""
    if glance.problem is not None:
        return Standing.DAMAGED
    if glance.erased:
        return Standing.ERASED
    if glance.outcome is not None:
        return Standing.ENDED
    if glance.waits:
        return Standing.WAITS
    return Standing.BEGUN if glance.begun else Standing.NEW


def is_meant(mode: Mode, standing: Standing) -> bool:
    """Say whether a mode does something with events that stand like this."""
    return standing in _MEANT[mode]


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """What a job would do with the events of one route.

    Attributes:
        events: how many of them.
        expected: what that is likely to use.
    """

    events: float
    expected: Expected


@dataclass(frozen=True, slots=True)
class Plan:
    """What a job would do. Counts are of all records; where only some were looked at, they are estimates.

    Attributes:
        records: in the selection, at most: some offsets may hold none.
        looked_at: records that were.
        standings: how many events stand how; those that ended by their status, such as `ended: success`.
        routes: what would be done, by route.
        estimated: whether not everything was looked at.
    """

    records: int
    looked_at: int
    standings: Mapping[str, float]
    routes: Mapping[str, RoutePlan]
    estimated: bool = False

    @property
    def events(self) -> float:
        """How many events something would be done with."""
        return sum(route.events for route in self.routes.values())

    @property
    def expected(self) -> Expected:
        """What all of it is likely to use; `of_runs` is the smallest of any route that has something to do."""
        found = [route.expected for route in self.routes.values() if route.events]
        effects: dict[str, float] = {}
        for each in found:
            for action, count in each.effects.items():
                effects[action] = effects.get(action, 0.0) + count
        return Expected(
            model_calls=sum(each.model_calls for each in found),
            usd=sum(each.usd for each in found),
            effects=dict(sorted(effects.items())),
            of_runs=min((each.of_runs for each in found), default=0),
        )


def windows(spans: Spans, most: int) -> Iterator[Spans]:
    """Yield parts of spans that hold about so many offsets, spread evenly; all of them where they are no more.

    Args:
        spans: what there is.
        most: how much of it; 0 is all. Each part has one offset at least, so that it may be a little more.
    """
    total = sum(end - first for first, end in spans.values())
    if most <= 0 or total <= most:
        yield spans
        return
    count = max(1, min(_WINDOWS, most // len(spans)))
    for number in range(count):
        part: dict[int, tuple[int, int]] = {}
        for partition, (first, end) in spans.items():
            begin = first + number * (end - first) // count
            room = first + (number + 1) * (end - first) // count - begin
            taken = min(room, -(-most * room // total))
            if taken:
                part[partition] = (begin, begin + taken)
        if part:
            yield part
