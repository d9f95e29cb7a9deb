"""The approvals topic folded into what waits for a person."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from consumers.cli.approval_inbox import Standing, find, fold
from consumers.policy.approvers import Approvers
from schemas.approval import ApprovalDecision, ApprovalRequest

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
UNTIL = NOW + timedelta(hours=23)
REQUEST = ApprovalRequest(
    id="run-1/t1/c0",
    run_id="run-1",
    tenant="acme",
    session_id="C-100",
    event_id="e-1",
    event_type="order.requested",
    event_source="/shop",
    route="orders",
    place="t1/c0",
    action="erp.create_order",
    description="Create an order.",
    arguments={"quantity": 60},
    digest="d1",
    rule="large-order",
    reason="Fifty pieces or more.",
    compensation="erp.cancel_order",
    requested_at=NOW - timedelta(hours=1),
    expires_at=UNTIL,
)
YES = ApprovalDecision(
    request_id=REQUEST.id,
    run_id="run-1",
    tenant="acme",
    session_id="C-100",
    event_source="/shop",
    event_id="e-1",
    place="t1/c0",
    digest="d1",
    answer="approve",
    approver="ada",
    comment="",
    decided_at=NOW,
)
NO = replace(YES, answer="reject", approver="bob")


def standings(*messages: ApprovalRequest | ApprovalDecision, now: datetime = NOW) -> list[Standing]:
    return [approval.standing for approval in fold(messages, now=now)]


def test_unanswered_request_waits() -> None:
    assert standings(REQUEST) == [Standing.WAITING]


def test_request_published_twice_waits_once() -> None:
    assert standings(REQUEST, REQUEST) == [Standing.WAITING]


def test_answer_counts_whichever_partition_was_read_first() -> None:
    assert standings(REQUEST, YES) == [Standing.APPROVED]
    assert standings(YES, REQUEST) == [Standing.APPROVED]
    assert standings(REQUEST, NO) == [Standing.REJECTED]


def test_first_answer_counts() -> None:
    assert standings(REQUEST, NO, YES) == [Standing.REJECTED]


def test_answer_with_another_digest_leaves_the_request_waiting() -> None:
    assert standings(REQUEST, replace(YES, digest="other")) == [Standing.WAITING]
    assert standings(REQUEST, replace(YES, digest="other"), NO) == [Standing.REJECTED]


def test_request_nobody_answered_in_time_is_expired() -> None:
    assert standings(REQUEST, now=UNTIL + timedelta(seconds=1)) == [Standing.EXPIRED]
    assert standings(REQUEST, now=UNTIL) == [Standing.EXPIRED], (
        "like the worker, not at the last moment either"
    )


def test_answer_after_the_expiry_counts_as_none() -> None:
    late = replace(YES, decided_at=UNTIL + timedelta(seconds=1))
    assert standings(REQUEST, late, now=late.decided_at) == [Standing.EXPIRED]


def test_doubt_waits_however_long_until_it_is_answered_with_what_fits() -> None:
    doubt = replace(REQUEST, kind="doubt", key="k", expires_at=None)
    late = UNTIL + timedelta(days=400)
    assert standings(doubt, now=late) == [Standing.WAITING]
    assert standings(doubt, YES, now=late) == [Standing.WAITING]
    assert standings(doubt, replace(YES, answer="retry"), now=late) == [Standing.RESOLVED]


def test_answer_without_a_request_is_nothing() -> None:
    assert fold([YES], now=NOW) == []


def test_oldest_request_comes_first() -> None:
    older = replace(REQUEST, id="run-0/t1/c0", requested_at=REQUEST.requested_at - timedelta(hours=1))
    assert [a.request.id for a in fold([REQUEST, older], now=NOW)] == ["run-0/t1/c0", "run-1/t1/c0"]


def test_request_is_found_by_the_beginning_of_its_id_and_an_exact_id_wins() -> None:
    longer = replace(REQUEST, id=f"{REQUEST.id}1")
    approvals = fold([REQUEST, longer], now=NOW)
    assert len(find(approvals, "run-1")) == 2
    assert [a.request.id for a in find(approvals, REQUEST.id)] == [REQUEST.id]
    assert find(approvals, "run-2") == []


def test_as_many_people_as_are_wanted_must_agree_to_the_same() -> None:
    several = replace(REQUEST, quorum=2)
    bob = replace(YES, approver="bob")
    edited = replace(bob, answer="edit", arguments={"quantity": 5})
    assert standings(several, YES) == [Standing.WAITING]
    assert standings(several, YES, YES, replace(YES, approver="ADA")) == [Standing.WAITING]
    assert standings(several, YES, edited) == [Standing.WAITING]
    assert standings(several, YES, bob) == [Standing.APPROVED]
    assert standings(several, YES, edited, replace(edited, approver="cat")) == [Standing.APPROVED]
    assert standings(several, YES, NO) == [Standing.REJECTED]
    (shown,) = fold([several, YES, edited], now=NOW)
    assert shown.waits
    assert [(each.approver, each.answer) for each in shown.answers] == [("ada", "approve"), ("bob", "edit")]


def test_who_asked_for_it_does_not_count() -> None:
    assert standings(replace(REQUEST, requester="ada"), YES) == [Standing.WAITING]
    assert standings(replace(REQUEST, requester="ada"), YES, NO) == [Standing.REJECTED]


def test_only_answers_that_a_worker_would_take_count_where_the_keys_are_known() -> None:
    assert standings(REQUEST, YES) == [Standing.APPROVED]
    assert [a.standing for a in fold([REQUEST, YES], now=NOW, approvers=Approvers())] == [Standing.WAITING]
    believing = Approvers(unsigned=True)
    assert [a.standing for a in fold([REQUEST, YES], now=NOW, approvers=believing)] == [Standing.APPROVED]
