"""Pointsman's own messages as events: to Avro's fields and back. Pure functions, one pair for each message.

Times are kept to the millisecond and in UTC; everything else comes back as it went in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from schemas.approval import DECIDED_TYPE, REQUESTED_TYPE, Answer, ApprovalDecision, ApprovalRequest
from schemas.canonical import canonical_json, digest
from schemas.codec.fields import Fields
from schemas.envelope import Envelope
from schemas.errors import UnreadableError
from schemas.outcome import OUTCOME_TYPE, ActionRecord, Outcome, Status
from schemas.step import STEP_TYPE, Step, StepKind

OwnMessage = Outcome | Step | ApprovalRequest | ApprovalDecision
"""What Pointsman publishes about itself."""

SOURCE: Final = "pointsman"
"""CloudEvents source of all of them; their ids are unique in it."""


@dataclass(frozen=True, slots=True)
class OwnEvent:
    """One of our messages, taken apart: its CloudEvents attributes and the fields of its Avro record."""

    id: str
    type: str
    subject: str
    time: datetime
    session_id: str
    fields: Mapping[str, Any]


def own_event(message: OwnMessage) -> OwnEvent:
    """Take a message apart; the run is always what it is about.

    Raises:
        TypeError: arguments, result or body hold what JSON cannot say.
    """
    match message:
        case Outcome():
            return _from_outcome(message)
        case Step():
            return _from_step(message)
        case ApprovalRequest():
            return _from_request(message)
        case ApprovalDecision():
            return _from_decision(message)


def own_message_of(envelope: Envelope) -> OwnMessage | None:
    """Return the message of ours that an event carries by its type, or None where the type is not ours.

    Raises:
        UnreadableError: the type is ours and the content is not.
    """
    readers: dict[str, Callable[[Envelope], OwnMessage]] = {
        OUTCOME_TYPE: outcome_of,
        STEP_TYPE: step_of,
        REQUESTED_TYPE: approval_request_of,
        DECIDED_TYPE: approval_decision_of,
    }
    read = readers.get(envelope.type)
    return read(envelope) if read else None


def outcome_of(envelope: Envelope) -> Outcome:
    """Return the outcome an event carries, or raise UnreadableError."""
    fields = _fields(envelope, OUTCOME_TYPE)
    return Outcome(
        id=fields.text("id"),
        run_id=fields.text("run_id"),
        event_id=fields.text("event_id"),
        event_type=fields.text("event_type"),
        event_source=fields.text("event_source"),
        tenant=fields.text("tenant"),
        session_id=fields.text("session_id"),
        route=fields.text("route"),
        status=Status(_one_of(fields, "status", Status)),
        summary=fields.text("summary"),
        actions=tuple(_action_record(item) for item in fields.items("actions")),
        turns=fields.integer("turns"),
        input_tokens=fields.integer("input_tokens"),
        output_tokens=fields.integer("output_tokens"),
        cost_usd=fields.number("cost_usd"),
        started_at=fields.instant("started_at"),
        finished_at=fields.instant("finished_at"),
    )


def step_of(envelope: Envelope) -> Step:
    """Return the step an event carries, or raise UnreadableError."""
    fields = _fields(envelope, STEP_TYPE)
    return Step(
        id=fields.text("id"),
        run_id=fields.text("run_id"),
        tenant=fields.text("tenant"),
        session_id=fields.text("session_id"),
        event_id=fields.text("event_id"),
        event_type=fields.text("event_type"),
        place=fields.text("place"),
        kind=StepKind(_one_of(fields, "kind", StepKind)),
        action=fields.optional_text("action"),
        body=fields.json_object("body_json"),
        at=fields.instant("at"),
    )


def approval_request_of(envelope: Envelope) -> ApprovalRequest:
    """Return the approval request an event carries, or raise UnreadableError."""
    fields = _fields(envelope, REQUESTED_TYPE)
    return ApprovalRequest(
        id=fields.text("id"),
        run_id=fields.text("run_id"),
        tenant=fields.text("tenant"),
        session_id=fields.text("session_id"),
        event_id=fields.text("event_id"),
        event_type=fields.text("event_type"),
        event_source=fields.text("event_source"),
        route=fields.text("route"),
        place=fields.text("place"),
        action=fields.text("action"),
        description=fields.text("description"),
        arguments=fields.json_object("arguments_json"),
        digest=fields.text("digest"),
        rule=fields.text("rule"),
        reason=fields.text("reason"),
        compensation=fields.optional_text("compensation"),
        requested_at=fields.instant("requested_at"),
        expires_at=fields.instant("expires_at"),
    )


def approval_decision_of(envelope: Envelope) -> ApprovalDecision:
    """Return the approval decision an event carries, or raise UnreadableError.

    It carries no authority by itself: tenant, digest and approver must be checked against the request.
    """
    fields = _fields(envelope, DECIDED_TYPE)
    return ApprovalDecision(
        request_id=fields.text("request_id"),
        run_id=fields.text("run_id"),
        tenant=fields.text("tenant"),
        session_id=fields.text("session_id"),
        event_source=fields.text("event_source"),
        event_id=fields.text("event_id"),
        place=fields.text("place"),
        digest=fields.text("digest"),
        answer=cast("Answer", _one_of(fields, "answer", ("approve", "reject"))),
        approver=fields.text("approver"),
        comment=fields.text("comment"),
        decided_at=fields.instant("decided_at"),
    )


def _from_outcome(outcome: Outcome) -> OwnEvent:
    fields = {
        "id": outcome.id,
        "run_id": outcome.run_id,
        "event_id": outcome.event_id,
        "event_type": outcome.event_type,
        "event_source": outcome.event_source,
        "tenant": outcome.tenant,
        "session_id": outcome.session_id,
        "route": outcome.route,
        "status": outcome.status.value,
        "summary": outcome.summary,
        "actions": [_from_action_record(record) for record in outcome.actions],
        "turns": outcome.turns,
        "input_tokens": outcome.input_tokens,
        "output_tokens": outcome.output_tokens,
        "cost_usd": outcome.cost_usd,
        "started_at": outcome.started_at,
        "finished_at": outcome.finished_at,
    }
    return OwnEvent(outcome.id, OUTCOME_TYPE, outcome.run_id, outcome.finished_at, outcome.session_id, fields)


def _from_action_record(record: ActionRecord) -> dict[str, Any]:
    return {
        "action": record.action,
        "effect": record.effect,
        "status": record.status,
        "arguments_json": _json(record.arguments),
        "result_json": None if record.result is None else _json(record.result),
        "error": record.error,
    }


def _action_record(fields: Fields) -> ActionRecord:
    return ActionRecord(
        action=fields.text("action"),
        effect=fields.text("effect"),
        status=fields.text("status"),
        arguments=fields.json_object("arguments_json"),
        result=None if fields.optional_text("result_json") is None else fields.json("result_json"),
        error=fields.optional_text("error"),
    )


def _from_step(step: Step) -> OwnEvent:
    fields = {
        "id": step.id,
        "run_id": step.run_id,
        "tenant": step.tenant,
        "session_id": step.session_id,
        "event_id": step.event_id,
        "event_type": step.event_type,
        "place": step.place,
        "kind": step.kind.value,
        "action": step.action,
        "body_json": _json(step.body),
        "at": step.at,
    }
    return OwnEvent(step.id, STEP_TYPE, step.run_id, step.at, step.session_id, fields)


def _from_request(request: ApprovalRequest) -> OwnEvent:
    fields = {
        "id": request.id,
        "run_id": request.run_id,
        "tenant": request.tenant,
        "session_id": request.session_id,
        "event_id": request.event_id,
        "event_type": request.event_type,
        "event_source": request.event_source,
        "route": request.route,
        "place": request.place,
        "action": request.action,
        "description": request.description,
        "arguments_json": _json(request.arguments),
        "digest": request.digest,
        "rule": request.rule,
        "reason": request.reason,
        "compensation": request.compensation,
        "requested_at": request.requested_at,
        "expires_at": request.expires_at,
    }
    return OwnEvent(
        request.id, REQUESTED_TYPE, request.run_id, request.requested_at, request.session_id, fields
    )


def _from_decision(decision: ApprovalDecision) -> OwnEvent:
    fields = {
        "request_id": decision.request_id,
        "run_id": decision.run_id,
        "tenant": decision.tenant,
        "session_id": decision.session_id,
        "event_source": decision.event_source,
        "event_id": decision.event_id,
        "place": decision.place,
        "digest": decision.digest,
        "answer": decision.answer,
        "approver": decision.approver,
        "comment": decision.comment,
        "decided_at": decision.decided_at,
    }
    # The id covers every field: a forged answer must not take the id of the true one away.
    event_id = digest(fields)
    return OwnEvent(event_id, DECIDED_TYPE, decision.run_id, decision.decided_at, decision.session_id, fields)


def _json(value: Any) -> str:
    return canonical_json(value).decode()


def _fields(envelope: Envelope, expected: str) -> Fields:
    if envelope.type != expected:
        raise UnreadableError(f"event {envelope.id} is {envelope.type}, not {expected}")
    return Fields(envelope.payload, expected)


def _one_of(fields: Fields, name: str, values: Any) -> str:
    value = fields.text(name)
    if value not in tuple(values):
        raise fields.wrong(name, f"is none of {', '.join(values)}")
    return value
