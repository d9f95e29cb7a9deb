"""Actions in doubt: the question a person sees, and what the answer changes."""

from datetime import datetime
from typing import Any

from connectors.action import Action
from consumers.errors import DeadLetterError
from consumers.policy.approvers import Approver
from consumers.ports.sessions import Body, Entry
from consumers.run.journal import CallState
from consumers.run.record import done
from consumers.run.work import Work
from consumers.session import place
from schemas.approval import ApprovalDecision, ApprovalRequest
from schemas.canonical import digest
from schemas.envelope import Envelope
from schemas.outcome import Status


def doubt_entry(work: Work, call: CallState, action: Action | None, why: str, now: datetime) -> Entry:
    """Return the entry of a call of which nobody knows whether it took effect."""
    intent = work.noted(call.place.intent)
    assert intent is not None
    at = call.place.doubt(call.doubts + 1)
    undo = intent["compensate"]
    body: dict[str, Any] = {
        "action": intent["action"],
        "description": action.description if action else "",
        "arguments": intent["arguments"],
        "key": intent["key"],
        "reason": why,
        "compensation": undo if isinstance(undo, str) or undo is None else " or ".join(_names(undo)),
        "requested_at": now.isoformat(),
    }
    body["digest"] = _binding_digest(work.event, at, body)
    return Entry(at, body)


def request_of(work: Work, call: CallState) -> ApprovalRequest:
    """Return the question to publish. Same journal, same question: publishing it twice is harmless."""
    doubt = work.journal.entries[call.place.doubt(call.doubts)]
    event, at = work.event, f"{call.place}/d{call.doubts}"
    return ApprovalRequest(
        id=f"{event.run_id}/{at}",
        run_id=event.run_id,
        tenant=event.tenant,
        session_id=event.session_id,
        event_id=event.id,
        event_type=event.type,
        event_source=event.source,
        route=work.route.name,
        place=at,
        action=doubt["action"],
        description=doubt["description"],
        arguments=doubt["arguments"],
        digest=doubt["digest"],
        rule="",
        reason=doubt["reason"],
        compensation=doubt["compensation"],
        requested_at=datetime.fromisoformat(doubt["requested_at"]),
        expires_at=None,
        kind="doubt",
        key=doubt["key"],
    )


def answer_entries(doubt: Body, decision: ApprovalDecision, by: Approver, now: datetime) -> list[Entry]:
    """Return what an answer to an open question writes.

    Raises:
        DeadLetterError: the digest differs.
    """
    if doubt["digest"] != decision.digest:
        raise DeadLetterError(
            f"the answer to {decision.request_id} carries another digest: it is about something else",
            reason="approval_mismatch",
        )
    said = {
        "answer": decision.answer,
        "approver": by.name,
        "comment": decision.comment,
        "at": decision.decided_at.isoformat(),
        "roles": sorted(by.roles),
        "key": by.key,
    }
    entries = [Entry(f"{decision.place}/doubt.answer", said)]
    if decision.answer == "retry":
        return entries
    call = place.call_of(decision.place)
    entries.append(Entry(call.result, {**done(decision.result, now), "by": by.name}))
    if decision.answer == "compensate":
        why = f"{by.name} had it undone, for {doubt['action']} took effect: {decision.comment}".rstrip(": ")
        ending = {"status": str(Status.FAILED), "summary": f"{why}.", "at": now.isoformat()}
        entries.append(Entry(place.ENDING, ending))
    return entries


def _binding_digest(event: Envelope, at: str, doubt: Body) -> str:
    """Bind an answer to one attempt at one action of one run, and to nothing else."""
    bound = [event.tenant, event.session_id, event.run_id, at]
    return digest([*bound, doubt["action"], doubt["arguments"], doubt["key"]])


def _names(undo: Body) -> list[str]:
    return sorted({name for name in undo["actions"].values() if name})
