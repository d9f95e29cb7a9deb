"""The approvals topic, folded: which actions wait for a person, held or in doubt, and who has answered. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from consumers.errors import DeadLetterError
from consumers.policy.approvers import Approver, Approvers, person, refuse_others
from schemas.approval import ANSWERS, ApprovalDecision, ApprovalRequest
from schemas.canonical import digest


class Standing(StrEnum):
    """How a request stands."""

    WAITING = "waiting"
    EXPIRED = "expired"
    """Nobody answered in time, or too few; an answer now counts as none."""
    APPROVED = "approved"
    REJECTED = "rejected"
    RESOLVED = "resolved"
    """Of a doubt: a person said what became of it."""


@dataclass(frozen=True, slots=True)
class Approval:
    """One request and what became of it.

    Attributes:
        request: what is asked.
        decision: the answer that decided it, or one that came too late; None while it waits.
        standing: how it stands.
        answers: every answer that counted, in order: several where several people must agree.
    """

    request: ApprovalRequest
    decision: ApprovalDecision | None
    standing: Standing
    answers: tuple[ApprovalDecision, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether the run still waits for an answer, in time or not."""
        return self.decision is None


def fold(
    messages: Iterable[ApprovalRequest | ApprovalDecision],
    *,
    now: datetime,
    approvers: Approvers | None = None,
) -> list[Approval]:
    """Return every request once, oldest first.

    The order of the messages does not matter, except among the answers to one request. An answer counts as it does for
    the worker: with the request's own digest, and of somebody who may give it. Others are left to the worker, which
    refuses them.

    Args:
        messages: of the approvals topic.
        now: the time of day.
        approvers: whose answers count; None believes every answer, for who does not know the keys.
    """
    requests: dict[str, ApprovalRequest] = {}
    decisions: dict[tuple[str, str], list[ApprovalDecision]] = {}
    for message in messages:
        if isinstance(message, ApprovalRequest):
            requests[message.id] = message
        else:
            decisions.setdefault((message.request_id, message.digest), []).append(message)
    approvals = (
        _approval(
            each, [d for d in decisions.get((each.id, each.digest), ()) if _counts(each, d, approvers)], now
        )
        for each in requests.values()
    )
    return sorted(approvals, key=lambda approval: approval.request.requested_at)


def find(approvals: Iterable[Approval], text: str) -> list[Approval]:
    """Return the approvals whose id is `text`, or else those whose id begins with it."""
    begins = [approval for approval in approvals if approval.request.id.startswith(text)]
    exact = [approval for approval in begins if approval.request.id == text]
    return exact or begins


def _counts(request: ApprovalRequest, decision: ApprovalDecision, approvers: Approvers | None) -> bool:
    if decision.answer not in ANSWERS[request.kind]:
        return False  # to another question; the worker refuses it
    try:
        by = (
            approvers.who(decision)
            if approvers
            else Approver(decision.approver, frozenset(request.approvers))
        )
        refuse_others(request.id, by, request.approvers, request.requester)
    except DeadLetterError:
        return False
    return True


def _approval(request: ApprovalRequest, answers: Sequence[ApprovalDecision], now: datetime) -> Approval:
    until = request.expires_at
    agreed: dict[str, set[str]] = {}
    for number, answer in enumerate(answers, start=1):
        so_far = tuple(answers[:number])
        if until is not None and answer.decided_at >= until:
            # Too late: it changes nothing, and the worker records the hold as expired.
            return Approval(request, answer, Standing.EXPIRED, so_far[:-1])
        if request.kind == "doubt":
            return Approval(request, answer, Standing.RESOLVED, so_far)
        if answer.answer == "reject":
            return Approval(request, answer, Standing.REJECTED, so_far)
        about = digest(request.arguments if answer.arguments is None else answer.arguments)
        agreed.setdefault(about, set()).add(person(answer.approver))
        if len(agreed[about]) >= request.quorum:
            return Approval(request, answer, Standing.APPROVED, so_far)
    late = until is not None and now >= until
    return Approval(request, None, Standing.EXPIRED if late else Standing.WAITING, tuple(answers))
