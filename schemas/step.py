"""A step: one journaled entry of a run, published to the steps topic: audit trail and write-ahead log."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

STEP_TYPE = "step.recorded"
"""CloudEvents type of every step."""


class StepKind(StrEnum):
    """What kind of journal entry a step is."""

    EVENT = "event"
    DECISION = "decision"
    VERDICT = "verdict"
    INTENT = "intent"
    RESULT = "result"
    HOLD = "hold"
    APPROVAL = "approval"
    DOUBT = "doubt"
    DOUBT_ANSWER = "doubt_answer"
    CANCEL = "cancel"
    UNDO_INTENT = "undo_intent"
    UNDO_RESULT = "undo_result"
    OUTCOME = "outcome"
    ERASED = "erased"
    REPLAY = "replay"
    """An operator had outcomes published once more: of a replay, and no entry of any journal."""


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of a run's journal, as others may read it."""

    id: str
    """`<run id>/<place>`: the same entry published twice has the same id."""
    run_id: str
    tenant: str
    session_id: str
    event_id: str
    event_type: str
    place: str
    """Where the entry stands in the run, such as `t1/c0/intent` (turn 1, call 0)."""
    kind: StepKind
    action: str | None
    body: dict[str, Any]
    """The entry itself, JSON-like values only."""
    at: datetime
    epoch: int = 0
    """Of the lease under which it was published: of two bodies at one place, the one with the higher epoch counts."""
    memory: dict[str, Any] | None = None
    """With the end of a run, and whenever it waits: what its session remembers of it. JSON-like values only."""
    previous: str | None = None
    """Link of the step before it in the chain of its session, empty where that begins; None outside of the chain."""
    link: str | None = None
    """Of this step; None outside of the chain. See `schemas.chain`."""
