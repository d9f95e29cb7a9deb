"""What a person is asked, and what comes back: a held action's approval, or the truth about one in doubt."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

REQUESTED_TYPE = "approval.requested"
"""CloudEvents type of a request to approve a held action."""
DOUBT_TYPE = "action.in_doubt"
"""CloudEvents type of a request to say what became of an action in doubt."""
DECIDED_TYPE = "approval.decided"
"""CloudEvents type of a decision."""

RequestKind = Literal["approval", "doubt"]
Answer = Literal["approve", "reject", "done", "retry", "compensate"]

ANSWERS: Final[Mapping[RequestKind, tuple[Answer, ...]]] = {
    "approval": ("approve", "reject"),
    "doubt": ("done", "retry", "compensate"),
}
"""What may be answered. To a doubt: it took effect; it did not, so do it; it did, and the whole run is to be undone."""


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """An action that waits for a person. Everything a person needs to judge it is in here."""

    id: str
    """`<run id>/<place>`."""
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
    """The rule that held it; empty for a doubt."""
    reason: str
    compensation: str | None
    """The action that would undo it, or None."""
    requested_at: datetime
    expires_at: datetime | None
    """From when on an answer counts no more; a doubt waits until it is answered."""
    kind: RequestKind = "approval"
    key: str | None = None
    """The idempotency key under which an action in doubt was sent: what to look for in the other system."""

    def answered(
        self, answer: Answer, *, approver: str, comment: str, at: datetime, result: Any = None
    ) -> "ApprovalDecision":
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
            result=result,
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
    result: Any = None
    """With `done`: what the action returned, where a person could find out; JSON-like."""
