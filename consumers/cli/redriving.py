"""What becomes of dead letters that are to be redriven: which go, in which order, and which stay. Pure."""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from consumers.cli.dead_letter_box import place_of
from consumers.cli.seen import Seen
from schemas.dead_letter import OMITTED
from schemas.redriven import Redriven, redriven_letter
from schemas.step import Step, StepKind

Known = tuple[tuple[int, int], str, int]
"""What says which letter was redriven; see `Redriven.of`."""


class Standing(StrEnum):
    """Whether a letter may go, in words."""

    GOES = "goes"
    ALREADY = "already redriven"
    SPENT = "rounds spent"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Planned:
    """One letter and what is to become of it.

    Attributes:
        seen: the letter.
        redriven: what would be published for it.
        standing: whether it is.
        why: why not; empty where it goes.
    """

    seen: Seen
    redriven: Redriven
    standing: Standing
    why: str = ""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What limits a redrive.

    Attributes:
        topics: whose records workers of this configuration work.
        known: the letters that were redriven before.
        rounds: how often a record may be redriven.
        again: redrive those that were redriven already as well.
    """

    topics: AbstractSet[str]
    known: AbstractSet[Known]
    rounds: int
    again: bool = False


def planned(letters: Iterable[Seen], bounds: Bounds, by: str) -> list[Planned]:
    """Return what becomes of each letter, in the order in which they go."""
    return [_planned(seen, bounds, by) for seen in in_key_order(letters)]


def in_key_order(letters: Iterable[Seen]) -> list[Seen]:
    """Sort letters so that records of one key and partition go in the order in which they were published.

    They died in that order the first time; one that was redriven and died again lies behind younger ones. Letters of
    other keys stay where they are.
    """
    found = [seen for seen in letters if seen.letter]
    lanes: defaultdict[object, list[Seen]] = defaultdict(list)
    for seen in found:
        lanes[_lane(seen)].append(seen)
    queues = {lane: deque(sorted(inside, key=_offset)) for lane, inside in lanes.items()}
    return [queues[_lane(seen)].popleft() for seen in found]


def of_letter(seen: Seen) -> Known:
    """Return what says which letter it is."""
    assert seen.letter is not None
    place = (seen.record.partition, seen.record.offset)
    return redriven_letter(place, seen.letter, "").of


def step_of(plan: Planned, worked: AbstractSet[str], at: datetime) -> Step | None:
    """Return what the audit trail says of it; None for what is no event of a route, or cannot be read."""
    event, redriven = plan.seen.event, plan.redriven
    if event is None or redriven.record.topic not in worked:
        return None
    told = f"redrive/{at.timestamp():.3f}"
    return Step(
        id=f"{event.run_id}/{told}",
        run_id=event.run_id,
        tenant=event.tenant,
        session_id=event.session_id,
        event_id=event.id,
        event_type=event.type,
        place=told,
        kind=StepKind.REPLAY,
        action=None,
        body={
            "operator": redriven.by,
            "letter": place_of(plan.seen.record),
            "from": redriven.record.place,
            "round": redriven.round,
            "at": at.isoformat(),
        },
        at=at,
    )


def places(plans: Sequence[Planned], standing: Standing) -> list[str]:
    """Return where the originals of those lie that stand so."""
    return [plan.redriven.record.place for plan in plans if plan.standing is standing]


def _planned(seen: Seen, bounds: Bounds, by: str) -> Planned:
    letter = seen.letter
    assert letter is not None
    redriven = redriven_letter((seen.record.partition, seen.record.offset), letter, by)
    if letter.record.topic not in bounds.topics:
        # The origin stands in a header, which anybody may set who can write to the dead-letter topic.
        why = f"{letter.record.topic} is no topic of this configuration"
        return Planned(seen, redriven, Standing.REFUSED, why)
    if seen.record.headers[-1:] and seen.record.headers[-1][0] == OMITTED:
        why = f"the letter is without its value, which lies at {letter.record.place} if at all"
        return Planned(seen, redriven, Standing.REFUSED, why)
    if redriven.of in bounds.known and not bounds.again:
        return Planned(seen, redriven, Standing.ALREADY, "was redriven already; --again does it once more")
    if letter.rounds >= bounds.rounds:
        why = f"was redriven {letter.rounds} times and died again: mend the cause, then --rounds {letter.rounds + 1}"
        return Planned(seen, redriven, Standing.SPENT, why)
    return Planned(seen, redriven, Standing.GOES)


def _lane(seen: Seen) -> object:
    assert seen.letter is not None
    record = seen.letter.record
    return record.topic, record.partition, record.offset if record.key is None else record.key


def _offset(seen: Seen) -> int:
    assert seen.letter is not None
    return seen.letter.record.offset
