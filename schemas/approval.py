"""Approvals: the request a held action publishes, and the decision a person sends back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

REQUESTED_TYPE = "approval.requested"
"""CloudEvents type of a request."""
DECIDED_TYPE = "approval.decided"
"""CloudEvents type of a decision."""

Answer = Literal["approve", "reject"]


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """A held action, waiting for a person. Everything a person needs to judge it is in here."""

    id: str
    """`<run id>/<place of the call>`."""
    run_id: str
    tenant: str
    session_id: str
    event_id: str
    event_type: str
    event_source: str
    route: str
    place: str
    action: str
    description: str
    arguments: dict[str, Any]
    """Validated."""
    digest: str
    """Binds tenant, session, run, place, action, arguments and expiry; the decision must echo it."""
    rule: str
    reason: str
    compensation: str | None
    """The action that would undo it, or None."""
    requested_at: datetime
    expires_at: datetime

    def answered(self, answer: Answer, *, approver: str, comment: str, at: datetime) -> "ApprovalDecision":
        """Return a person's answer; the digest binds it to exactly what was asked."""
        return ApprovalDecision(
            request_id=self.id,
            run_id=self.run_id,
            tenant=self.tenant,
            session_id=self.session_id,
            event_source=self.event_source,
            event_id=self.event_id,
            place=self.place,
            digest=self.digest,
            answer=answer,
            approver=approver,
            comment=comment,
            decided_at=at,
        )


@dataclass(frozen=True, slots=True)
class ApprovalDecision:
    """A person's answer to one request."""

    request_id: str
    run_id: str
    tenant: str
    session_id: str
    event_source: str
    event_id: str
    place: str
    digest: str
    answer: Answer
    approver: str
    comment: str
    decided_at: datetime
