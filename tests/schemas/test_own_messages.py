"""Outcomes, steps and approvals as events, and back."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.approval import ApprovalDecision, ApprovalRequest
from schemas.cancellation import Cancellation
from schemas.codec.differences import difference_of
from schemas.codec.outgoing import OwnMessage, outcome_of, step_of
from schemas.codec.people import approval_decision_of, approval_request_of, cancellation_of, expiry_of
from schemas.codec.records import RecordCodec
from schemas.difference import ComparedEffect, Decided, Difference, DifferenceVerdict, NamedDifference
from schemas.envelope import Envelope
from schemas.errors import SchemaError, UnreadableError
from schemas.expiry import Expiry
from schemas.outcome import ActionRecord, Outcome, Status
from schemas.record import Record
from schemas.step import Step, StepKind

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAME = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
MAYBE = st.none() | TEXT
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=3)
TIME = st.integers(0, 7_000_000_000_000).map(
    lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
)

ACTION = st.builds(
    ActionRecord,
    action=TEXT,
    effect=st.sampled_from(["read", "write"]),
    status=st.sampled_from(["done", "failed", "denied", "compensated", "compensation_failed", "in_doubt"]),
    arguments=OBJECT,
    result=JSON,
    error=MAYBE,
)
COUNT = st.integers(0, 2**31 - 1)
OUTCOME = st.builds(
    Outcome,
    id=NAME, run_id=NAME, event_id=TEXT, event_type=TEXT, event_source=TEXT, tenant=TEXT, session_id=NAME,
    route=TEXT, status=st.sampled_from([status for status in Status if status.terminal]), summary=TEXT,
    actions=st.lists(ACTION, max_size=3).map(tuple), turns=COUNT, input_tokens=COUNT, output_tokens=COUNT,
    cost_usd=st.floats(0, 1e6), started_at=TIME, finished_at=TIME,
)  # fmt: skip
STEP = st.builds(
    Step,
    id=NAME, run_id=NAME, tenant=TEXT, session_id=NAME, event_id=TEXT, event_type=TEXT, place=TEXT,
    kind=st.sampled_from(StepKind), action=MAYBE, body=OBJECT, at=TIME,
)  # fmt: skip
REQUEST = st.builds(
    ApprovalRequest,
    id=NAME, run_id=NAME, tenant=TEXT, session_id=NAME, event_id=TEXT, event_type=TEXT, event_source=TEXT,
    route=TEXT, place=TEXT, action=TEXT, description=TEXT, arguments=OBJECT, digest=TEXT, rule=TEXT, reason=TEXT,
    compensation=MAYBE, requested_at=TIME, expires_at=TIME, approvers=st.lists(TEXT, max_size=3).map(tuple),
    quorum=st.integers(1, 9), requester=MAYBE, origins=st.dictionaries(TEXT, TEXT, max_size=3),
)  # fmt: skip
DOUBT = st.builds(
    ApprovalRequest,
    id=NAME, run_id=NAME, tenant=TEXT, session_id=NAME, event_id=TEXT, event_type=TEXT, event_source=TEXT,
    route=TEXT, place=TEXT, action=TEXT, description=TEXT, arguments=OBJECT, digest=TEXT, rule=st.just(""), reason=TEXT,
    compensation=MAYBE, requested_at=TIME, expires_at=st.none(), kind=st.just("doubt"), key=TEXT,
)  # fmt: skip
CANCELLATION = st.builds(
    Cancellation, run_id=NAME, tenant=TEXT, session_id=NAME, operator=TEXT, reason=TEXT, requested_at=TIME
)
EXPIRY = st.builds(Expiry, run_id=NAME, tenant=TEXT, session_id=NAME, place=NAME, expires_at=TIME)
DECIDED = st.builds(
    Decided,
    status=TEXT, summary=TEXT, model=TEXT, prompt=TEXT, turns=COUNT, reads=COUNT, input_tokens=COUNT,
    output_tokens=COUNT, cost_usd=st.floats(0, 1e6),
    effects=st.lists(
        st.builds(
            ComparedEffect,
            action=TEXT,
            arguments=OBJECT,
            state=st.sampled_from(["done", "held", "undone", "in_doubt"]),
        ),
        max_size=3,
    ).map(tuple),
)  # fmt: skip
DIFFERENCE = st.builds(
    Difference,
    id=NAME, job_id=NAME, run_id=NAME, event_id=TEXT, event_type=TEXT, event_source=TEXT, tenant=TEXT,
    session_id=NAME, route=TEXT, topic=TEXT, partition=COUNT, offset=COUNT, verdict=st.sampled_from(DifferenceVerdict), reason=TEXT,
    differences=st.lists(st.builds(NamedDifference, kind=TEXT, words=TEXT), max_size=3).map(tuple),
    score=st.floats(0, 1), recorded=DECIDED, afresh=st.none() | DECIDED,
    reads=st.sampled_from(["record", "live"]), moved=st.lists(TEXT, max_size=3).map(tuple),
    unrecorded=st.lists(TEXT, max_size=3).map(tuple), decided_at=TIME,
)  # fmt: skip
DECISION = st.builds(
    ApprovalDecision,
    request_id=TEXT, run_id=NAME, tenant=TEXT, session_id=NAME, event_source=TEXT, event_id=TEXT, place=TEXT,
    digest=TEXT, answer=st.sampled_from(["approve", "reject", "edit", "done", "retry", "compensate"]), approver=TEXT, comment=TEXT, decided_at=TIME,
    result=JSON, arguments=st.none() | OBJECT, signature=MAYBE,
)  # fmt: skip

READERS: dict[type, Callable[[Envelope], OwnMessage]] = {
    Outcome: outcome_of,
    Step: step_of,
    ApprovalRequest: approval_request_of,
    ApprovalDecision: approval_decision_of,
    Cancellation: cancellation_of,
    Expiry: expiry_of,
    Difference: difference_of,
}
AT = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
A_STEP = Step(
    "r/t1", "r", "acme", "C-1", "e-1", "order.requested", "t1", StepKind.DECISION, None, {"b": 1, "a": 2}, AT
)
A_DECISION = ApprovalDecision(
    "r/t1/c0", "r", "acme", "C-1", "/shop", "e-1", "t1/c0", "d", "approve", "maria", "", AT
)


async def envelope_of(codec: RecordCodec, message: OwnMessage) -> Envelope:
    encoded = codec.encode(message)
    return await codec.decode(
        Record("t", 0, 0, 0, encoded.key, encoded.value, encoded.headers), tenant="acme"
    )


@given(message=OUTCOME | STEP | REQUEST | DOUBT | DECISION | CANCELLATION | EXPIRY | DIFFERENCE)
async def test_a_message_comes_back_as_it_was(codec: RecordCodec, message: OwnMessage) -> None:
    envelope = await envelope_of(codec, message)
    assert READERS[type(message)](envelope) == message
    assert envelope.session_id == message.session_id
    assert envelope.subject == message.run_id
    assert envelope.source == "pointsman"


async def test_ids_are_the_messages_own(codec: RecordCodec) -> None:
    assert (await envelope_of(codec, A_STEP)).id == A_STEP.id


async def test_two_answers_to_one_request_have_two_ids(codec: RecordCodec) -> None:
    approved = await envelope_of(codec, A_DECISION)
    rejected = await envelope_of(codec, replace(A_DECISION, answer="reject"))
    assert approved.id != rejected.id
    assert approved.id == (await envelope_of(codec, replace(A_DECISION))).id


def test_the_order_of_members_does_not_change_the_bytes(codec: RecordCodec) -> None:
    assert codec.encode(A_STEP) == codec.encode(replace(A_STEP, body={"a": 2, "b": 1}))


def test_a_run_that_goes_on_is_no_outcome(codec: RecordCodec) -> None:
    outcome = Outcome(
        "o", "r", "e", "t", "/", "acme", "C", "orders", Status.IN_PROGRESS, "", (), 0, 0, 0, 0.0, AT, AT
    )
    with pytest.raises(SchemaError, match="RunFinished"):
        codec.encode(outcome)


def test_what_json_cannot_say_is_refused(codec: RecordCodec) -> None:
    with pytest.raises(SchemaError, match="Step holds what JSON cannot say"):
        codec.encode(replace(A_STEP, body={"set": {1}}))


async def test_an_event_of_another_type_is_refused(codec: RecordCodec) -> None:
    with pytest.raises(UnreadableError, match=r"step\.recorded, not run\.finished"):
        outcome_of(await envelope_of(codec, A_STEP))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"answer": "maybe"}, "answer is none of approve, reject"),
        ({"answer": True}, "answer is no text"),
        ({"digest": None}, "digest is no text"),
        ({"decided_at": "noon"}, "decided_at is no ISO 8601 time"),
        ({"decided_at": "2026-03-02T09:15:00"}, "decided_at has no time zone"),
    ],
)
async def test_a_decision_that_came_as_json_is_checked_field_by_field(
    codec: RecordCodec, changes: dict[str, Any], problem: str
) -> None:
    envelope = await envelope_of(codec, A_DECISION)
    with pytest.raises(UnreadableError, match=problem):
        approval_decision_of(replace(envelope, payload={**envelope.payload, **changes}))


@given(data=st.data(), message=OUTCOME | STEP | REQUEST | DECISION | DIFFERENCE)
async def test_a_damaged_field_is_an_error_of_ours_or_harmless(
    codec: RecordCodec, data: st.DataObject, message: OwnMessage
) -> None:
    envelope = await envelope_of(codec, message)
    name = data.draw(st.sampled_from(sorted(envelope.payload)))
    payload = {**envelope.payload, name: data.draw(JSON)}
    try:
        read = READERS[type(message)](replace(envelope, payload=payload))
    except UnreadableError as error:
        assert name in str(error)  # noqa: PT017 # both ends are fine, this one must name the field
    else:
        assert {each.name for each in fields(cast("Any", read))}
