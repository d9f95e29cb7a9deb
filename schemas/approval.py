"""What a person is asked, and what comes back: a held action's approval, or the truth about one in doubt."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Final, Literal

from schemas.canonical import canonical_json

REQUESTED_TYPE = "approval.requested"
"""CloudEvents type of a request to approve a held action."""
DOUBT_TYPE = "action.in_doubt"
"""CloudEvents type of a request to say what became of an action in doubt."""
DECIDED_TYPE = "approval.decided"
"""CloudEvents type of a decision."""

RequestKind = Literal["approval", "doubt"]
Answer = Literal["approve", "reject", "edit", "done", "retry", "compensate"]

ANSWERS: Final[Mapping[RequestKind, tuple[Answer, ...]]] = {
    "approval": ("approve", "reject", "edit"),
    "doubt": ("done", "retry", "compensate"),
}
"""What may be answered. To a held action: as it is; not at all; with other arguments. To a doubt: it took effect; it did
not, so do it; it did, and the whole run is to be undone."""


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
    """Binds tenant, session, run, place, action, arguments, expiry, rule, approvers, quorum and requester; the decision
    must echo it."""
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
    approvers: tuple[str, ...] = ()
    """The roles of which a person must have one; empty where anybody may answer whose answers count."""
    quorum: int = 1
    """How many different people must agree to the same arguments."""
    requester: str | None = None
    """Who asked for it, where the route says how to know; this person's answer does not count."""
    origins: dict[str, str] = field(default_factory=dict[str, str])
    """Where the values of each argument are found, in words; empty where nobody has looked."""

    def answered(
        self,
        answer: Answer,
        *,
        approver: str,
        comment: str,
        at: datetime,
        result: Any = None,
        arguments: dict[str, Any] | None = None,
    ) -> "ApprovalDecision":
        """Return a person's answer, not signed; the digest binds it to exactly what was asked.

        Args:
            answer: one of those that fit the question.
            approver: who gives it.
            comment: why.
            at: when; kept to the millisecond, as it is on the topic.
            result: with `done`, what the action returned.
            arguments: with `edit`, all arguments that it is to be performed with.
        """
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
            decided_at=at.replace(microsecond=at.microsecond // 1000 * 1000),
            result=result,
            arguments=arguments,
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
    arguments: dict[str, Any] | None = None
    """With `edit`: what it is to be performed with, in place of what the model chose."""
    signature: str | None = None
    """A detached JWS over `to_be_signed`, or None; it proves who answered, and that nothing was changed since."""

    def to_be_signed(self) -> bytes:
        """Return what a signature covers: canonical JSON of every field but the signature, by its name.

        `decided_at` is ISO 8601 in UTC with `Z` and milliseconds (more digits only where it has more).

        Raises:
            TypeError: a field holds what JSON cannot say.
        """
        said: dict[str, Any] = {
            each.name: getattr(self, each.name) for each in fields(self) if each.name != "signature"
        }
        at = self.decided_at.astimezone(UTC)
        timespec = "microseconds" if at.microsecond % 1000 else "milliseconds"
        said["decided_at"] = at.isoformat(timespec=timespec).replace("+00:00", "Z")
        return canonical_json(said)
