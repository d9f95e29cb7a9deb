"""The approvals topic, folded: which actions wait for a person, held or in doubt. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schemas.approval import ANSWERS, ApprovalDecision, ApprovalRequest


class Standing(StrEnum):
    """How a request stands."""

    WAITING = "waiting"
    EXPIRED = "expired"
    """Nobody answered in time; an answer now counts as none."""
    APPROVED = "approved"
    REJECTED = "rejected"
    RESOLVED = "resolved"
    """Of a doubt: a person said what became of it."""


@dataclass(frozen=True, slots=True)
class Approval:
    """One request and what became of it."""

    request: ApprovalRequest
    decision: ApprovalDecision | None
    standing: Standing


def fold(messages: Iterable[ApprovalRequest | ApprovalDecision], *, now: datetime) -> list[Approval]:
    """Return every request once, oldest first.

    The order of the messages does not matter, except that the first of two answers counts. An answer counts only
    with the request's own digest: one to something else is left to the worker, which refuses it.
    """
    requests: dict[str, ApprovalRequest] = {}
    decisions: dict[tuple[str, str], ApprovalDecision] = {}
    for message in messages:
        if isinstance(message, ApprovalRequest):
            requests[message.id] = message
        else:
            decisions.setdefault((message.request_id, message.digest), message)
    approvals = (_approval(each, decisions.get((each.id, each.digest)), now) for each in requests.values())
    return sorted(approvals, key=lambda approval: approval.request.requested_at)


def find(approvals: Iterable[Approval], text: str) -> list[Approval]:
    """Return the approvals whose id is `text`, or else those whose id begins with it."""
    begins = [approval for approval in approvals if approval.request.id.startswith(text)]
    exact = [approval for approval in begins if approval.request.id == text]
    return exact or begins


def _approval(request: ApprovalRequest, decision: ApprovalDecision | None, now: datetime) -> Approval:
    return Approval(request, decision, _standing(request, decision, now))


def _standing(request: ApprovalRequest, decision: ApprovalDecision | None, now: datetime) -> Standing:
    until = request.expires_at
    # A late answer changes nothing; the worker records the hold as expired.
    if decision is None or (until is not None and decision.decided_at > until):
        return Standing.EXPIRED if until is not None and now > until else Standing.WAITING
    if decision.answer not in ANSWERS[request.kind]:
        return Standing.WAITING  # to another question; the worker refuses it
    if request.kind == "doubt":
        return Standing.RESOLVED
    return Standing.APPROVED if decision.answer == "approve" else Standing.REJECTED
