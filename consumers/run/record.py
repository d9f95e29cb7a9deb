"""Journal entries and audit steps in the making: pure builders, one a kind of entry."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from connectors.action import Action, Compensation, UndoByState
from consumers.policy.verdict import Verdict
from consumers.ports.sessions import Entry
from consumers.router.decision import Decision
from consumers.router.exchange import Reply
from consumers.run.journal import CallState, CallStatus
from consumers.session import place
from consumers.session.key import SessionKey
from schemas.canonical import digest
from schemas.envelope import Envelope
from schemas.step import Step, StepKind

_KINDS = {
    "decision": StepKind.DECISION,
    "intent": StepKind.INTENT,
    "result": StepKind.RESULT,
    "hold": StepKind.HOLD,
    "approval": StepKind.APPROVAL,
    "doubt": StepKind.DOUBT,
    "doubt.answer": StepKind.DOUBT_ANSWER,
    place.CANCEL: StepKind.CANCEL,
    "undo.intent": StepKind.UNDO_INTENT,
    "undo.result": StepKind.UNDO_RESULT,
    place.EVENT: StepKind.EVENT,
    place.ENDING: StepKind.VERDICT,
    place.OUTCOME: StepKind.OUTCOME,
    place.ERASED: StepKind.ERASED,
}


def is_known(at: str) -> bool:
    """Whether a place is of a kind that this version has; a newer one may have left others."""
    return at.rpartition("/")[2] in _KINDS


def step_of(entry: Entry, event: Envelope, action: str | None, at: datetime, epoch: int) -> Step:
    """Return the audit step of a journal entry, published under the lease with that epoch."""
    return Step(
        id=f"{event.run_id}/{entry.place}",
        run_id=event.run_id,
        tenant=event.tenant,
        session_id=event.session_id,
        event_id=event.id,
        event_type=event.type,
        place=entry.place,
        kind=_KINDS[entry.place.rpartition("/")[2]],
        action=action,
        body=dict(entry.body),
        at=at,
        epoch=epoch,
    )


def step_from_outside(key: SessionKey, run_id: str, entry: Entry, at: datetime) -> Step:
    """Return the step of an entry that is written without the lease, by somebody who does not know the run's event."""
    return Step(
        id=f"{run_id}/{entry.place}",
        run_id=run_id,
        tenant=key.tenant,
        session_id=key.session_id,
        event_id="",
        event_type="",
        place=entry.place,
        kind=_KINDS[entry.place],
        action=None,
        body=dict(entry.body),
        at=at,
    )


def decision_entry(
    turn: int, decision: Decision, reply: Reply, about: Mapping[str, Any], started_at: datetime, at: datetime
) -> Entry:
    """Return what was chosen, what it cost, and about the prompt or the plan that led to it."""
    return Entry(
        place.decision(turn),
        {
            **decision.body(),
            "model": reply.model,
            "deployment": reply.deployment,
            **about,
            "input_tokens": reply.input_tokens,
            "output_tokens": reply.output_tokens,
            "cost_usd": reply.cost_usd,
            "started_at": started_at.isoformat(),
            "at": at.isoformat(),
        },
    )


def intent_entry(call: CallState, action: Action, key: str, verdict: Verdict, at: datetime) -> Entry:
    """Return the intent: what is about to be done, under which key, allowed by which rules, and what would undo it."""
    arguments = call.arguments
    return Entry(
        call.place.retry(call.doubts) if call.doubts else call.place.intent,
        {
            "action": action.name,
            "arguments": arguments,
            "digest": digest(arguments),
            "key": key,
            "compensate": compensation_body(action.compensate),
            "rule": verdict.rule,
            "rules": list(verdict.checked),
            "at": at.isoformat(),
        },
    )


def compensation_body(compensation: Compensation | None) -> str | dict[str, Any] | None:
    """Return what undoes an action as the journal has it: what was declared then counts, whatever is declared later."""
    return asdict(compensation) if isinstance(compensation, UndoByState) else compensation


def done(result: Any, at: datetime) -> dict[str, Any]:
    """Return the body of a result that is there."""
    return {"status": str(CallStatus.DONE), "result": result, "at": at.isoformat()}


def not_done(status: CallStatus, code: str, error: str, at: datetime, **more: Any) -> dict[str, Any]:
    """Return the body of a result that is not: failed, denied, skipped or in doubt."""
    return {"status": str(status), "code": code, "error": error, "at": at.isoformat(), **more}


def judged(body: dict[str, Any], verdict: Verdict) -> dict[str, Any]:
    """Return the body of a read's result with the rules that allowed it; a write has them in its intent."""
    return {**body, "rule": verdict.rule, "rules": list(verdict.checked)} if verdict.checked else body


def denied(verdict: Verdict, at: datetime) -> dict[str, Any]:
    """Return the body of a write that a rule forbade."""
    why = verdict.message or f"rule {verdict.rule} forbids it"
    return not_done(CallStatus.DENIED, "denied", why, at, rule=verdict.rule, rules=list(verdict.checked))


def idempotency_key(run_id: str, action: str, ordinal: int) -> str:
    """Return the key of the n-th use of an action in a run, or in any further round of the same event.

    Neither arguments nor attempts go into it: a second decision for the same place collides with the first
    one instead of doing the thing twice.
    """
    return digest([run_id, action, ordinal])[:40]


def ordinal_of(call: CallState, calls: list[CallState]) -> int:
    """Return how many valid calls of the same action come before this one in the run."""
    same = (c for c in calls if c.chosen.action == call.chosen.action and not c.chosen.problem)
    return sum(1 for other in same if other.place < call.place)


def envelope_body(event: Envelope) -> dict[str, Any]:
    """Return an envelope as a journal has it."""
    return {
        "id": event.id,
        "type": event.type,
        "source": event.source,
        "time": event.time.isoformat(),
        "tenant": event.tenant,
        "session_id": event.session_id,
        "payload": dict(event.payload),
        "subject": event.subject,
        "schema": event.schema,
        "traceparent": event.traceparent,
    }


def envelope_facts(event: Envelope) -> dict[str, Any]:
    """Return an event as rules see it."""
    return {
        "id": event.id,
        "type": event.type,
        "source": event.source,
        "subject": event.subject or "",
        "time": event.time,
        "tenant": event.tenant,
        "payload": dict(event.payload),
    }


def envelope_of(body: Mapping[str, Any]) -> Envelope:
    """Read what `envelope_body` returned."""
    fields = {name: value for name, value in body.items() if name not in {"time", "route"}}
    return Envelope(time=datetime.fromisoformat(body["time"]), **fields)
