"""Held actions: the request a person sees, and the answer that comes back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.action import Action
from consumers.errors import DeadLetterError
from consumers.policy.verdict import Verdict
from consumers.ports.sessions import Body, Entry
from consumers.router.route import Route
from consumers.run.journal import CallState
from consumers.run.record import envelope_body
from consumers.run.work import Work
from consumers.session import place
from schemas.approval import ApprovalDecision, ApprovalRequest
from schemas.canonical import digest
from schemas.envelope import Envelope


def hold_entry(work: Work, call: CallState, action: Action, verdict: Verdict, now: datetime) -> Entry:
    """Return the entry of a call that must wait for a person."""
    body: dict[str, Any] = {
        "action": action.name,
        "description": action.description,
        "arguments": call.chosen.arguments,
        "rule": verdict.rule,
        "rules": list(verdict.checked),
        "reason": verdict.message,
        "compensation": None if action.compensate is None else str(action.compensate),
        "requested_at": now.isoformat(),
        "expires_at": (now + work.route.approval_window).isoformat(),
    }
    body["digest"] = binding_digest(work.event, str(call.place), body)
    return Entry(call.place.hold, body)


def binding_digest(event: Envelope, at: str, hold: Mapping[str, Any]) -> str:
    """Bind an approval to one action of one run, with these arguments and this expiry, and to nothing else."""
    bound = [event.tenant, event.session_id, event.run_id, at]
    return digest([*bound, hold["action"], hold["arguments"], hold["expires_at"]])


def event_entry(event: Envelope, route: Route) -> Entry:
    """Return the entry that lets the run go on when its record is long committed."""
    return Entry(place.EVENT, {**envelope_body(event), "route": route.name})


def request_of(work: Work, call: CallState) -> ApprovalRequest:
    """Return the request to publish. Same journal, same request: publishing it twice is harmless."""
    hold = work.journal.entries[call.place.hold]
    event = work.event
    return ApprovalRequest(
        id=f"{event.run_id}/{call.place}",
        run_id=event.run_id,
        tenant=event.tenant,
        session_id=event.session_id,
        event_id=event.id,
        event_type=event.type,
        event_source=event.source,
        route=work.route.name,
        place=str(call.place),
        action=hold["action"],
        description=hold["description"],
        arguments=hold["arguments"],
        digest=hold["digest"],
        rule=hold["rule"],
        reason=hold["reason"],
        compensation=hold["compensation"],
        requested_at=datetime.fromisoformat(hold["requested_at"]),
        expires_at=datetime.fromisoformat(hold["expires_at"]),
    )


def answer_entries(hold: Body, decision: ApprovalDecision, now: datetime) -> list[Entry]:
    """Return what an answer to an open request writes.

    Raises:
        DeadLetterError: the digest differs.
    """
    if hold["digest"] != decision.digest:
        raise DeadLetterError(
            f"the answer to {decision.request_id} carries another digest: it is about something else",
            reason="approval_mismatch",
        )
    expired = now >= datetime.fromisoformat(hold["expires_at"])
    body = {
        "answer": "expired" if expired else decision.answer,
        "approver": decision.approver,
        "comment": decision.comment,
        "at": decision.decided_at.isoformat(),
    }
    return [Entry(f"{decision.place}/approval", body)]
