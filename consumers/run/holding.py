"""Held actions: the request people see, and what an answer that comes back changes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from connectors.action import Action
from consumers.errors import DeadLetterError
from consumers.policy.approvers import Approver, person, refuse_others
from consumers.policy.rules import Rule
from consumers.policy.verdict import Verdict
from consumers.ports.sessions import Body, Entry
from consumers.router.decision import explain
from consumers.router.route import Route
from consumers.run.consent import YES, consents, people
from consumers.run.journal import CallState
from consumers.run.record import envelope_body
from consumers.run.seen import origins_of
from consumers.run.work import Work
from consumers.session import place
from schemas.approval import ApprovalDecision, ApprovalRequest
from schemas.canonical import digest
from schemas.envelope import Envelope

ESCALATED: Final = "escalated"
"""What stands in place of an answer where nobody gave one in time, and others are asked next."""


def hold_entry(
    work: Work, call: CallState, action: Action, verdict: Verdict, rule: Rule, now: datetime
) -> Entry:
    """Return the entry of a call that must wait until the people whom a rule names have agreed."""
    at = call.place.question(call.holds + 1)
    before = work.noted(call.place.approval(call.holds)) if call.holds else None
    escalated = before is not None and before["answer"] == ESCALATED
    approvers = rule.escalate_to if escalated else rule.approvers
    body: dict[str, Any] = {
        "action": action.name,
        "description": action.description,
        "arguments": call.arguments,
        "rule": rule.name,
        "rules": list(verdict.checked),
        "reason": rule.message,
        "approvers": sorted(approvers),
        "escalate_to": [] if escalated else sorted(rule.escalate_to),
        "quorum": rule.quorum,
        "requester": work.route.requester_of(work.event.payload),
        "origins": origins_of(work, call),
        "compensation": None if action.compensate is None else str(action.compensate),
        "requested_at": now.isoformat(),
        "expires_at": (now + work.route.approval_window).isoformat(),
    }
    body["digest"] = binding_digest(work.event, at, body)
    return Entry(place.hold(at), body)


def binding_digest(event: Envelope, at: str, hold: Mapping[str, Any]) -> str:
    """Bind an approval to one action of one run, with all that people go by, and to nothing else."""
    bound = [event.tenant, event.session_id, event.run_id, at]
    said = ("action", "arguments", "expires_at", "rule", "approvers", "quorum", "requester")
    return digest([*bound, *(hold[name] for name in said)])


def event_entry(event: Envelope, route: Route) -> Entry:
    """Return the entry that lets the run go on when its record is long committed."""
    later = {"round": event.round} if event.round > 1 else {}
    return Entry(place.EVENT, {**envelope_body(event), **later, "route": route.name})


def request_of(work: Work, call: CallState) -> ApprovalRequest:
    """Return the request to publish. Same journal, same request: publishing it twice is harmless."""
    at = call.place.question(call.holds)
    hold = work.journal.entries[place.hold(at)]
    event = work.event
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
        action=hold["action"],
        description=hold["description"],
        arguments=hold["arguments"],
        digest=hold["digest"],
        rule=hold["rule"],
        reason=hold["reason"],
        compensation=hold["compensation"],
        requested_at=datetime.fromisoformat(hold["requested_at"]),
        expires_at=datetime.fromisoformat(hold["expires_at"]),
        # What an older version held says none of these.
        approvers=tuple(hold.get("approvers", ())),
        quorum=hold.get("quorum", 1),
        requester=hold.get("requester"),
        origins=dict(hold.get("origins", {})),
    )


def lapsed(hold: Body) -> str:
    """Return what becomes of a question that nobody answered in time: it is refused, or others are asked."""
    return ESCALATED if hold.get("escalate_to") else "expired"


def answer_entries(
    entries: Mapping[str, Body], decision: ApprovalDecision, by: Approver, now: datetime, route: Route
) -> list[Entry]:
    """Return what an answer to an open request writes: one person's yes, and the decision once it is reached.

    Raises:
        DeadLetterError: the digest differs, who answers may not, or the new arguments do not fit the action.
    """
    hold = entries[place.hold(decision.place)]
    if hold["digest"] != decision.digest:
        raise DeadLetterError(
            f"the answer to {decision.request_id} carries another digest: it is about something else",
            reason="approval_mismatch",
        )
    refuse_others(decision.request_id, by, hold.get("approvers", ()), hold.get("requester"))
    arguments = _arguments(hold, decision, route)
    expired = now >= datetime.fromisoformat(hold["expires_at"])
    said: dict[str, Any] = {
        "answer": lapsed(hold) if expired else decision.answer,
        "approver": by.name,
        "comment": decision.comment,
        "at": decision.decided_at.isoformat(),
        "roles": sorted(by.roles),
        "key": by.key,
    }
    if decision.answer == "edit" and not expired:
        said["arguments"] = arguments
    decided = Entry(place.approval(decision.place), said)
    quorum = hold.get("quorum", 1)
    if quorum == 1 or said["answer"] not in YES:
        return [decided]
    agreed = people(consents(entries, decision.place), arguments) | {person(by.name)}
    one = Entry(place.consent(decision.place, person(by.name), arguments), said)
    return [one, decided] if len(agreed) >= quorum else [one]


def _arguments(hold: Body, decision: ApprovalDecision, route: Route) -> dict[str, Any]:
    """Return what an answer is about: the arguments of the request, or those of an edit, validated as the model's are."""
    if (decision.answer == "edit") != (decision.arguments is not None):
        raise DeadLetterError(
            f"the answer to {decision.request_id}: `edit` comes with arguments, and no other answer does",
            reason="approval_arguments",
        )
    if decision.arguments is None:
        return hold["arguments"]
    action = route.actions.get(hold["action"])
    if action is None:
        raise DeadLetterError(
            f"the answer to {decision.request_id}: {hold['action']} is no longer on the route's list",
            reason="approval_arguments",
        )
    try:
        return action.arguments.model_validate(decision.arguments).model_dump(mode="json")
    except ValidationError as error:
        raise DeadLetterError(
            f"the answer to {decision.request_id}: the new arguments do not fit {action.name}: {explain(error)}",
            reason="approval_arguments",
        ) from error
