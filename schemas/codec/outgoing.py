"""Pointsman's own messages as events: to Avro's fields and back. Pure functions, one pair for each message.

Times are kept to the millisecond and in UTC; everything else comes back as it went in.
"""

from collections.abc import Callable
from typing import Any, Final

from schemas.approval import DECIDED_TYPE, DOUBT_TYPE, REQUESTED_TYPE, ApprovalDecision, ApprovalRequest
from schemas.cancellation import CANCEL_TYPE, Cancellation
from schemas.codec.differences import difference_of, from_difference
from schemas.codec.fields import Fields
from schemas.codec.own_event import OwnEvent, fields_of, json_text, one_of
from schemas.codec.people import (
    approval_decision_of,
    approval_request_of,
    cancellation_of,
    expiry_of,
    from_cancellation,
    from_decision,
    from_expiry,
    from_request,
)
from schemas.difference import DIFFERENCE_TYPE, Difference
from schemas.envelope import Envelope
from schemas.expiry import EXPIRED_TYPE, Expiry
from schemas.outcome import OUTCOME_TYPE, ActionRecord, Outcome, Status
from schemas.step import STEP_TYPE, Step, StepKind

OwnMessage = Outcome | Step | ApprovalRequest | ApprovalDecision | Cancellation | Expiry | Difference
"""What Pointsman publishes about itself."""

SOURCE: Final = "pointsman"
"""CloudEvents source of all of them; their ids are unique in it."""


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
            return from_request(message)
        case ApprovalDecision():
            return from_decision(message)
        case Cancellation():
            return from_cancellation(message)
        case Expiry():
            return from_expiry(message)
        case Difference():
            return from_difference(message)


def own_message_of(envelope: Envelope) -> OwnMessage | None:
    """Return the message of ours that an event carries by its type, or None where the type is not ours.

    Raises:
        UnreadableError: the type is ours and the content is not.
    """
    readers: dict[str, Callable[[Envelope], OwnMessage]] = {
        OUTCOME_TYPE: outcome_of,
        STEP_TYPE: step_of,
        REQUESTED_TYPE: approval_request_of,
        DOUBT_TYPE: approval_request_of,
        DECIDED_TYPE: approval_decision_of,
        CANCEL_TYPE: cancellation_of,
        EXPIRED_TYPE: expiry_of,
        DIFFERENCE_TYPE: difference_of,
    }
    read = readers.get(envelope.type)
    return read(envelope) if read else None


def outcome_of(envelope: Envelope) -> Outcome:
    """Return the outcome an event carries, or raise UnreadableError."""
    fields = fields_of(envelope, OUTCOME_TYPE)
    return Outcome(
        id=fields.text("id"),
        run_id=fields.text("run_id"),
        event_id=fields.text("event_id"),
        event_type=fields.text("event_type"),
        event_source=fields.text("event_source"),
        tenant=fields.text("tenant"),
        session_id=fields.text("session_id"),
        route=fields.text("route"),
        status=Status(one_of(fields, "status", Status)),
        summary=fields.text("summary"),
        actions=tuple(_action_record(item) for item in fields.items("actions")),
        turns=fields.integer("turns"),
        input_tokens=fields.integer("input_tokens"),
        output_tokens=fields.integer("output_tokens"),
        cost_usd=fields.number("cost_usd"),
        started_at=fields.instant("started_at"),
        finished_at=fields.instant("finished_at"),
        model=fields.optional_text("model"),
        prompt=fields.optional_text("prompt"),
    )


def step_of(envelope: Envelope) -> Step:
    """Return the step an event carries, or raise UnreadableError."""
    fields = fields_of(envelope, STEP_TYPE)
    return Step(
        id=fields.text("id"),
        run_id=fields.text("run_id"),
        tenant=fields.text("tenant"),
        session_id=fields.text("session_id"),
        event_id=fields.text("event_id"),
        event_type=fields.text("event_type"),
        place=fields.text("place"),
        kind=StepKind(one_of(fields, "kind", StepKind)),
        action=fields.optional_text("action"),
        body=fields.json_object("body_json"),
        at=fields.instant("at"),
        epoch=fields.optional_integer("epoch") or 0,
        memory=None if fields.optional_text("memory_json") is None else fields.json_object("memory_json"),
        previous=fields.optional_text("previous"),
        link=fields.optional_text("link"),
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
        "model": outcome.model,
        "prompt": outcome.prompt,
    }
    return OwnEvent(outcome.id, OUTCOME_TYPE, outcome.run_id, outcome.finished_at, outcome.session_id, fields)


def _from_action_record(record: ActionRecord) -> dict[str, Any]:
    return {
        "action": record.action,
        "effect": record.effect,
        "status": record.status,
        "arguments_json": json_text(record.arguments),
        "result_json": None if record.result is None else json_text(record.result),
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
        "body_json": json_text(step.body),
        "at": step.at,
        "epoch": step.epoch,
        "memory_json": None if step.memory is None else json_text(step.memory),
        "previous": step.previous,
        "link": step.link,
    }
    return OwnEvent(step.id, STEP_TYPE, step.run_id, step.at, step.session_id, fields)
