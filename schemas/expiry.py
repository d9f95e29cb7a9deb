"""That nobody answered a question in time: what wakes the run that waits."""

from dataclasses import dataclass
from datetime import datetime

EXPIRED_TYPE = "approval.expired"
"""CloudEvents type of an expiry."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """Says that the time of a question is over. It carries no authority: the run goes by what its journal says of it."""

    run_id: str
    tenant: str
    session_id: str
    place: str
    """Of the question in the run, as in its `approval.requested`."""
    expires_at: datetime
