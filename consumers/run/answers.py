"""A person's answer: which question of a run it answers, and what it writes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from consumers.errors import DeadLetterError
from consumers.policy.approvers import Approver
from consumers.ports.sessions import Body, Entry
from consumers.router.route import Route
from consumers.run import doubts, holding
from consumers.session import place
from schemas.approval import ANSWERS, ApprovalDecision, ApprovalRequest
from schemas.expiry import Expiry


def entries_of(
    entries: Mapping[str, Body], decision: ApprovalDecision, by: Approver, now: datetime, route: Route
) -> list[Entry]:
    """Check an answer against the question that it claims to answer and return what it writes.

    Returns nothing where this very answer is recorded already: it was delivered twice.

    Args:
        entries: the journal of the run.
        decision: the answer.
        by: who gave it, as it was verified.
        now: the time of day.
        route: of the run.

    Raises:
        DeadLetterError: nothing is asked there, the digest differs, who answers may not, or another answer was first.
    """
    doubt = decision.answer in ANSWERS["doubt"]
    question = entries.get(f"{decision.place}/doubt" if doubt else place.hold(decision.place))
    if question is None:
        raise DeadLetterError(
            f"nobody asked what {decision.request_id} answers with {decision.answer}",
            reason="approval_unknown",
        )
    if doubt:
        made = doubts.answer_entries(question, decision, by, now)
        final = made[0].place
    else:
        made = holding.answer_entries(entries, decision, by, now, route)
        final = place.approval(decision.place)
    before = entries.get(made[0].place)
    if before and _is(before, decision, by):
        return []
    if before or final in entries:
        raise DeadLetterError(f"{decision.request_id} was answered before", reason="approval_used")
    return made


NOBODY: Final = "nobody"
"""Who has answered where nobody did."""


def deadline_of(asked: ApprovalRequest) -> Expiry | None:
    """Return when a question is over; None for one that waits until it is answered."""
    until = asked.expires_at
    return until and Expiry(asked.run_id, asked.tenant, asked.session_id, asked.place, until)


def deadline_met(entries: Mapping[str, Body], decision: ApprovalDecision) -> Expiry | None:
    """Return the deadline of a question that is answered; None where it waits for more people, or has none."""
    hold = entries.get(place.hold(decision.place))
    if hold is None or place.approval(decision.place) not in entries:
        return None
    until = datetime.fromisoformat(hold["expires_at"])
    return Expiry(decision.run_id, decision.tenant, decision.session_id, decision.place, until)


def entries_of_nobody(entries: Mapping[str, Body], expiry: Expiry, now: datetime) -> Sequence[Entry] | None:
    """Return what is written where nobody answered in time: nothing where that is written already; None where it is not so."""
    hold, before = entries.get(place.hold(expiry.place)), entries.get(place.approval(expiry.place))
    if before is not None:
        return () if before["approver"] == NOBODY else None
    if hold is None or now < datetime.fromisoformat(hold["expires_at"]):
        return None
    said = {"answer": holding.lapsed(hold), "approver": NOBODY, "comment": "nobody answered in time"}
    return [Entry(place.approval(expiry.place), {**said, "at": now.isoformat()})]


def _is(before: Body, decision: ApprovalDecision, by: Approver) -> bool:
    """Whether an entry is what this very answer wrote; one that came too late was written as expired."""
    said = (decision.decided_at.isoformat(), by.name, decision.comment)
    same = (before["at"], before["approver"], before["comment"]) == said
    return same and before["answer"] in {decision.answer, "expired", "escalated"}
