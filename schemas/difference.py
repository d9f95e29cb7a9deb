"""A difference: what a shadow replay would have done instead of what a finished run did."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

DIFFERENCE_TYPE = "replay.difference"
"""CloudEvents type of every one of them, those of runs that were decided alike included."""


class DifferenceVerdict(StrEnum):
    """How a run compares with the same event decided afresh."""

    SAME = "same"
    """The same writes in the same order, and the same end."""
    OTHER_WRITES = "other_writes"
    """What would be written differs, or what would have become of it."""
    OTHER_END = "other_end"
    """The same writes, and another status at the end."""
    INCOMPARABLE = "incomparable"
    """Nobody can say; `reason` says why."""


@dataclass(frozen=True, slots=True)
class ComparedEffect:
    """A write that was done, or would have been."""

    action: str
    arguments: dict[str, Any]
    state: str
    """`done`, `held`, `undone` or `in_doubt`."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What a run came to, and what deciding it cost."""

    status: str
    """As in an outcome, or `requires_approval` where it would wait for a person."""
    summary: str
    effects: tuple[ComparedEffect, ...]
    """In the model's order."""
    model: str
    """Which one decided first; empty where none did."""
    prompt: str
    """Names the version of what it was told by the route; empty where it was told nothing."""
    turns: int
    reads: int
    input_tokens: int
    output_tokens: int
    cost_usd: float


@dataclass(frozen=True, slots=True)
class NamedDifference:
    """One thing that differs."""

    kind: str
    """Such as `missed`, `extra`, `other arguments`, `other action`, `other state`, `other order` or `other ending`."""
    words: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One event in a shadow replay. The same job and run always give the same id."""

    id: str
    """Digest of job and run: readers de-duplicate on it."""
    job_id: str
    run_id: str
    event_id: str
    event_type: str
    event_source: str
    tenant: str
    session_id: str
    route: str
    """The route that was taken afresh."""
    topic: str
    partition: int
    offset: int
    """Where the event was read; another delivery of it stands elsewhere."""
    verdict: DifferenceVerdict
    reason: str
    """Why it is not comparable; empty otherwise."""
    differences: tuple[NamedDifference, ...]
    score: float
    """1 for none, 0 for nothing right or nothing known."""
    recorded: Decided
    afresh: Decided | None
    """None where deciding it afresh came to no end."""
    reads: Literal["record", "live"]
    """Where reads were answered from."""
    moved: tuple[str, ...]
    """Live reads that answered otherwise than they did then: with these, the world differs and not only who decided."""
    unrecorded: tuple[str, ...]
    """What was asked for and is not in the record; from the first of it on, the run is a guess."""
    decided_at: datetime
