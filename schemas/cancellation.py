"""An operator's word to end a run and to undo what it has done."""

from dataclasses import dataclass
from datetime import datetime

CANCEL_TYPE = "run.cancel_requested"
"""CloudEvents type of a cancellation."""


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Ends one run. What is under way is finished first; then every finished write of the run is undone."""

    run_id: str
    tenant: str
    session_id: str
    operator: str
    """Who asked for it."""
    reason: str
    requested_at: datetime
