"""Whose answers count: every field of a decision is bound to the key of who gave it."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.errors import DeadLetterError
from consumers.policy.approvers import Approver, ApproverKey, Approvers, Signer, refuse_others
from schemas.approval import ApprovalDecision
from schemas.jws import new_pair, private_key

AT = datetime(2026, 11, 22, 12, 0, 0, 250_000, tzinfo=UTC)
DECISION = ApprovalDecision(
    request_id="run-1/t1/c0",
    run_id="run-1",
    tenant="acme",
    session_id="C-100",
    event_source="/shop",
    event_id="e-1",
    place="t1/c0",
    digest="d" * 64,
    answer="edit",
    approver="ann",
    comment="talked to the customer",
    decided_at=AT,
    result={"order_id": "O-1"},
    arguments={"quantity": 5},
)
ANN, BOB, EVE = (private_key(new_pair()[0]) for _ in range(3))
KEYS = (
    ApproverKey("ann-1", "ann", frozenset({"sales"}), ANN.public_key()),
    ApproverKey("bob-1", "bob", frozenset(), BOB.public_key()),
)
APPROVERS = Approvers(KEYS)
SIGNED = Signer("ann-1", ANN).signed(DECISION)

OTHERWISE: dict[str, list[Any]] = {
    "request_id": ["run-1/t1/c1", ""],
    "run_id": ["run-2"],
    "tenant": ["other"],
    "session_id": ["C-200"],
    "event_source": ["/other"],
    "event_id": ["e-2"],
    "place": ["t1/c1"],
    "digest": ["e" * 64],
    "answer": ["approve", "reject", "done", "retry", "compensate"],
    "approver": ["bob", "Ann", "eve", ""],
    "comment": ["", "talked to the customer "],
    "decided_at": [AT + timedelta(milliseconds=1), AT + timedelta(microseconds=1), AT - timedelta(days=1)],
    "result": [None, {}, {"order_id": "O-2"}],
    "arguments": [None, {}, {"quantity": 500}, {"quantity": 5.5}, {"quantity": "5"}],
    "signature": [None, "", Signer("ann-1", EVE).signed(DECISION).signature],
}


def reason(decision: ApprovalDecision, approvers: Approvers = APPROVERS) -> str:
    with pytest.raises(DeadLetterError) as caught:
        approvers.who(decision)
    return caught.value.reason


def test_a_signed_decision_says_who_gave_it_and_the_configuration_what_that_person_may() -> None:
    assert APPROVERS.who(SIGNED) == Approver("ann", frozenset({"sales"}), "ann-1")


@pytest.mark.parametrize("name", [each.name for each in fields(ApprovalDecision)])
def test_a_signed_decision_in_which_any_field_is_another_is_refused(name: str) -> None:
    for value in OTHERWISE[name]:
        assert getattr(SIGNED, name) != value
        assert reason(replace(SIGNED, **{name: value})) in {"approval_signature", "approval_unsigned"}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=2)
    ),
    max_leaves=4,
)
TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
ANY = st.builds(
    ApprovalDecision,
    **dict.fromkeys(
        (
            "request_id",
            "run_id",
            "tenant",
            "session_id",
            "event_source",
            "event_id",
            "place",
            "digest",
            "comment",
        ),
        TEXT,
    ),
    answer=st.sampled_from(["approve", "reject", "edit", "done", "retry", "compensate"]),
    approver=st.just("ann"),
    decided_at=st.integers(0, 2**52).map(lambda us: AT + timedelta(microseconds=us)),
    result=JSON,
    arguments=st.none() | st.dictionaries(TEXT, JSON, max_size=2),
)


@given(one=ANY, other=ANY)
def test_no_decision_takes_the_signature_of_another(one: ApprovalDecision, other: ApprovalDecision) -> None:
    signed = Signer("ann-1", ANN).signed(one)
    assert APPROVERS.who(signed).name == "ann"
    if one.to_be_signed() != other.to_be_signed():
        assert reason(replace(other, signature=signed.signature)) == "approval_signature"


def test_the_same_point_in_time_in_another_zone_is_the_same_decision() -> None:
    moved = replace(SIGNED, decided_at=SIGNED.decided_at.astimezone())
    assert APPROVERS.who(moved).name == "ann"


def test_a_key_counts_for_its_own_person_only() -> None:
    forged = Signer("bob-1", BOB).signed(DECISION)
    assert reason(forged) == "approval_approver"
    assert reason(Signer("ann-1", BOB).signed(DECISION)) == "approval_signature"
    assert reason(Signer("eve-1", EVE).signed(replace(DECISION, approver="eve"))) == "approval_signature"


def test_without_a_signature_nobody_is_believed_unless_that_is_configured() -> None:
    unsigned = replace(DECISION, approver="cat")
    assert reason(unsigned) == "approval_unsigned"
    assert reason(unsigned, Approvers()) == "approval_unsigned"
    believes = Approvers(KEYS, unsigned=True)
    assert believes.who(unsigned) == Approver("cat", frozenset(), None), "and has no role"


@pytest.mark.parametrize("name", ["ann", "Ann", " ann "])
def test_whoever_has_a_key_must_use_it_even_where_others_need_none(name: str) -> None:
    believes = Approvers(KEYS, unsigned=True)
    assert reason(replace(DECISION, approver=name), believes) == "approval_unsigned"
    assert reason(replace(SIGNED, comment="changed"), believes) == "approval_signature"


def test_what_json_cannot_say_is_no_signed_decision() -> None:
    assert reason(replace(SIGNED, result=2**70)) == "approval_signature"


def test_a_signer_does_not_show_its_key() -> None:
    secret = ANN.private_bytes_raw()
    shown = repr(Signer("ann-1", ANN))
    assert secret.hex() not in shown
    assert repr(secret) not in shown


@pytest.mark.parametrize(
    ("roles", "requester", "refused"),
    [
        ((), None, None),
        (("sales",), None, None),
        (("board", "sales"), "bob", None),
        (("board",), None, "approval_role"),
        ((), "ann", "approval_own"),
        ((), " ANN", "approval_own"),
        (("board",), "ann", "approval_own"),
    ],
)
def test_a_role_is_needed_and_nobody_answers_what_was_asked_for_by_the_same_person(
    roles: tuple[str, ...], requester: str | None, refused: str | None
) -> None:
    by = Approver("ann", frozenset({"sales"}), "ann-1")
    if refused is None:
        refuse_others("run-1/t1/c0", by, roles, requester)
        return
    with pytest.raises(DeadLetterError) as caught:
        refuse_others("run-1/t1/c0", by, roles, requester)
    assert caught.value.reason == refused
