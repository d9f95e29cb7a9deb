"""What is asked of people, and what people say, as events and back. Pure."""

from typing import Any, Final, cast

from schemas.approval import (
    ANSWERS,
    DECIDED_TYPE,
    DOUBT_TYPE,
    REQUESTED_TYPE,
    Answer,
    ApprovalDecision,
    ApprovalRequest,
)
from schemas.cancellation import CANCEL_TYPE, Cancellation
from schemas.canonical import digest
from schemas.codec.own_event import OwnEvent, fields_of, json_text, one_of
from schemas.envelope import Envelope
from schemas.expiry import EXPIRED_TYPE, Expiry

_ANSWERS: Final = tuple(answer for answers in ANSWERS.values() for answer in answers)


def approval_request_of(envelope: Envelope) -> ApprovalRequest:
    """Return the request an event carries, whatever a person is asked in it, or raise UnreadableError."""
    fields = fields_of(envelope, REQUESTED_TYPE, DOUBT_TYPE)
    doubt = envelope.type == DOUBT_TYPE
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
        rule="" if doubt else fields.text("rule"),
        reason=fields.text("reason"),
        compensation=fields.optional_text("compensation"),
        requested_at=fields.instant("requested_at"),
        expires_at=None if doubt else fields.instant("expires_at"),
        kind="doubt" if doubt else "approval",
        key=fields.text("idempotency_key") if doubt else None,
        approvers=fields.texts("approvers"),
        quorum=fields.optional_integer("quorum") or 1,
        requester=fields.optional_text("requester"),
        origins={name: str(said) for name, said in fields.optional_json_object("origins_json").items()},
    )


def approval_decision_of(envelope: Envelope) -> ApprovalDecision:
    """Return the approval decision an event carries, or raise UnreadableError.

    It carries no authority by itself: its signature says who gave it, and the request whether it fits.
    """
    fields = fields_of(envelope, DECIDED_TYPE)
    return ApprovalDecision(
        request_id=fields.text("request_id"),
        run_id=fields.text("run_id"),
        tenant=fields.text("tenant"),
        session_id=fields.text("session_id"),
        event_source=fields.text("event_source"),
        event_id=fields.text("event_id"),
        place=fields.text("place"),
        digest=fields.text("digest"),
        answer=cast("Answer", one_of(fields, "answer", _ANSWERS)),
        approver=fields.text("approver"),
        comment=fields.text("comment"),
        decided_at=fields.instant("decided_at"),
        result=None if fields.optional_text("result_json") is None else fields.json("result_json"),
        arguments=None
        if fields.optional_text("arguments_json") is None
        else fields.json_object("arguments_json"),
        signature=fields.optional_text("signature"),
    )


def expiry_of(envelope: Envelope) -> Expiry:
    """Return the expiry an event carries, or raise UnreadableError."""
    fields = fields_of(envelope, EXPIRED_TYPE)
    return Expiry(
        run_id=fields.text("run_id"),
        tenant=fields.text("tenant"),
        session_id=fields.text("session_id"),
        place=fields.text("place"),
        expires_at=fields.instant("expires_at"),
    )


def cancellation_of(envelope: Envelope) -> Cancellation:
    """Return the cancellation an event carries, or raise UnreadableError."""
    fields = fields_of(envelope, CANCEL_TYPE)
    return Cancellation(
        run_id=fields.text("run_id"),
        tenant=fields.text("tenant"),
        session_id=fields.text("session_id"),
        operator=fields.text("operator"),
        reason=fields.text("reason"),
        requested_at=fields.instant("requested_at"),
    )


def from_request(request: ApprovalRequest) -> OwnEvent:
    """Take a request apart."""
    fields: dict[str, Any] = {
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
        "arguments_json": json_text(request.arguments),
        "digest": request.digest,
        "reason": request.reason,
        "compensation": request.compensation,
        "requested_at": request.requested_at,
    }
    if request.kind == "doubt":
        kind, more = DOUBT_TYPE, {"idempotency_key": request.key}
    else:
        kind = REQUESTED_TYPE
        more = {
            "rule": request.rule,
            "expires_at": request.expires_at,
            "approvers": list(request.approvers),
            "quorum": request.quorum,
            "requester": request.requester,
            "origins_json": json_text(request.origins) if request.origins else None,
        }
    return OwnEvent(request.id, kind, request.run_id, request.requested_at, request.session_id, fields | more)


def from_decision(decision: ApprovalDecision) -> OwnEvent:
    """Take a decision apart."""
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
        "result_json": None if decision.result is None else json_text(decision.result),
        "arguments_json": None if decision.arguments is None else json_text(decision.arguments),
        "signature": decision.signature,
    }
    # The id covers every field: a forged answer must not take the id of the true one away.
    event_id = digest(fields)
    return OwnEvent(event_id, DECIDED_TYPE, decision.run_id, decision.decided_at, decision.session_id, fields)


def from_expiry(expiry: Expiry) -> OwnEvent:
    """Take an expiry apart."""
    fields = {name: getattr(expiry, name) for name in expiry.__slots__}
    event_id = f"{expiry.run_id}/{expiry.place}/expired"
    return OwnEvent(event_id, EXPIRED_TYPE, expiry.run_id, expiry.expires_at, expiry.session_id, fields)


def from_cancellation(cancellation: Cancellation) -> OwnEvent:
    """Take a cancellation apart."""
    fields = {name: getattr(cancellation, name) for name in cancellation.__slots__}
    at = cancellation.requested_at
    return OwnEvent(
        digest(fields | {"requested_at": at.isoformat()}),
        CANCEL_TYPE,
        cancellation.run_id,
        at,
        cancellation.session_id,
        fields,
    )
