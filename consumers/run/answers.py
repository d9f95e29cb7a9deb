"""A person's answer: which question of a run it answers, and what it writes."""

from collections.abc import Mapping
from datetime import datetime

from consumers.errors import DeadLetterError
from consumers.ports.sessions import Body, Entry
from consumers.run import doubts, holding
from schemas.approval import ANSWERS, ApprovalDecision


def entries_of(entries: Mapping[str, Body], decision: ApprovalDecision, now: datetime) -> list[Entry]:
    """Check an answer against the question that it claims to answer and return what it writes.

    Returns nothing where this very answer is recorded already: it was delivered twice.

    Raises:
        DeadLetterError: nothing is asked there, the digest differs, or another answer was first.
    """
    doubt = decision.answer in ANSWERS["doubt"]
    question = entries.get(f"{decision.place}/doubt" if doubt else f"{decision.place}/hold")
    if question is None:
        raise DeadLetterError(
            f"nobody asked what {decision.request_id} answers with {decision.answer}",
            reason="approval_unknown",
        )
    made = (doubts if doubt else holding).answer_entries(question, decision, now)
    before = entries.get(made[0].place)
    if before is None:
        return made
    if before["at"] == decision.decided_at.isoformat() and before["approver"] == decision.approver:
        return []
    raise DeadLetterError(f"{decision.request_id} was answered before", reason="approval_used")
