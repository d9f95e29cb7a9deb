"""The outcome: the one terminal event of a run, published to the route's output topic."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

OUTCOME_TYPE = "run.finished"
"""CloudEvents type of every outcome."""


class Status(StrEnum):
    """How a run stands. All but the first two are terminal."""

    IN_PROGRESS = "in_progress"
    REQUIRES_APPROVAL = "requires_approval"
    SUCCESS = "success"
    REFUSED = "refused"
    """A business reason said no; nothing was done, or all of it was undone."""
    FAILED = "failed"
    """It could not be done; what was done stays done (the route is not atomic)."""
    CANCELLED = "cancelled"
    """An operator ended it, and nothing of it was done."""
    COMPENSATED = "compensated"
    """It could not be done, and every finished write was undone."""
    COMPENSATION_FAILED = "compensation_failed"
    """Some finished write could not be undone: a person must look."""
    IN_DOUBT = "in_doubt"
    """Nobody can say whether a write took effect: a person must look."""
    BUDGET_SPENT = "budget_spent"
    """A budget of turns, calls, repairs, tokens, money or seconds ended before the work did."""

    @property
    def terminal(self) -> bool:
        """Whether a run in this status is over."""
        return self not in {Status.IN_PROGRESS, Status.REQUIRES_APPROVAL}


@dataclass(frozen=True, slots=True)
class ActionRecord:
    """What became of one action of the run, in the order the model chose them."""

    action: str
    effect: str
    status: str
    """`done`, `failed`, `denied`, `skipped`, `compensated`, `compensation_failed` or `in_doubt`."""
    arguments: dict[str, Any]
    result: Any | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The terminal event of a run. Same run, same id, same bytes, however often it is published."""

    id: str
    """Digest of the run id: subscribers de-duplicate on it."""
    run_id: str
    event_id: str
    event_type: str
    event_source: str
    tenant: str
    session_id: str
    route: str
    status: Status
    summary: str
    """One or two sentences; the model's words, or ours where the model had none."""
    actions: tuple[ActionRecord, ...]
    turns: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    """From the price table of the configuration."""
    started_at: datetime
    finished_at: datetime
    model: str | None = None
    """Which model decided last; None where nothing was decided."""
    prompt: str | None = None
    """Names the version of what it was told by the route."""
