"""Chains of steps: whole ones as workers leave them, and every way to break one."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.session.proof import Proof, Told, verify
from schemas.chain import BEGINNING, linked
from schemas.step import Step, StepKind
from tests.consumers.adapters.sessions.session_stores import AT

MEMORY = {"version": 2, "runs": []}


def step(place: str, epoch: int, run: str = "a", *, last: bool = False) -> Step:
    kind = StepKind(place.rpartition("/")[2])
    ids = (f"{run}/{place}", run, "acme", "s-1", "e-1", "order.requested")
    return Step(*ids, place, kind, None, {"of": place}, AT, epoch, MEMORY if last else None)


def stretch(epoch: int, after: str, run: str = "a", *, ends: bool = True) -> list[Step]:
    """What one holder publishes."""
    places = ("t1/decision", "t1/c0/intent", "t1/c0/result")
    steps = [step(place, epoch, run) for place in places]
    return linked([*steps, *([step("outcome", epoch, run, last=True)] if ends else [])], after)


def end_of(steps: Sequence[Step]) -> str:
    return steps[-1].link or ""


def found(steps: Sequence[Step], head: str | None = None, *, cut: bool = False) -> Proof:
    """Verify with the link of the last step as what Redis has, unless another is said."""
    told = [Told(f"steps[0]@{offset}", each) for offset, each in enumerate(steps)]
    return verify(told, end_of(steps) if head is None else head, cut=cut)


A = stretch(1, BEGINNING)
B = stretch(2, end_of(A), "b")
C = stretch(3, end_of(B), "c")


def test_a_chain_of_three_runs_is_whole() -> None:
    assert found([*A, *B, *C]) == Proof(steps=12, chained=12, chains=1, anchored=True)


def test_a_session_of_which_nothing_is_there_is_whole() -> None:
    assert found([], "") == Proof(steps=0)


@pytest.mark.parametrize("left_out", range(12))
def test_a_step_that_is_left_out_is_missed(left_out: int) -> None:
    steps = [*A, *B, *C]
    del steps[left_out]
    assert found(steps, end_of(C)).broken is not None


CHANGES: list[Callable[[Step], Step]] = [
    lambda step: replace(step, body={"of": "something else"}),
    lambda step: replace(step, action="erp.cancel_order"),
    lambda step: replace(step, at=step.at + timedelta(milliseconds=1)),
    lambda step: replace(step, event_id="another"),
    lambda step: replace(step, id="another"),
    lambda step: replace(step, place="t9/decision"),
    lambda step: replace(step, kind=StepKind.DOUBT),
    lambda step: replace(step, tenant="another"),
    lambda step: replace(step, memory={"version": 2, "runs": [], "earlier": 1}),
    lambda step: replace(step, previous="0" * 64),
    lambda step: replace(step, link="0" * 64),
    lambda step: replace(step, epoch=step.epoch + 10),
    lambda step: replace(step, event_type="order.praised"),
    lambda step: replace(step, session_id="another"),
    lambda step: replace(step, run_id="another"),
]


@pytest.mark.parametrize("change", CHANGES)
@given(at=st.integers(0, 11))
def test_a_step_that_is_changed_is_named(at: int, change: Callable[[Step], Step]) -> None:
    steps = [*A, *B, *C]
    steps[at] = change(steps[at])
    broken = found(steps, end_of(C)).broken
    assert broken is not None
    assert broken.where == f"steps[0]@{at}"


@given(first=st.integers(0, 11), second=st.integers(0, 11))
def test_steps_that_changed_places_are_noticed(first: int, second: int) -> None:
    steps = [*A, *B, *C]
    steps[first], steps[second] = steps[second], steps[first]
    assert (found(steps, end_of(C)).broken is None) == (first == second)


def test_a_step_that_is_put_in_is_noticed_whatever_link_it_has() -> None:
    forged = linked([step("t2/decision", 2, "b")], A[1].link or "")
    for epoch in (2, 9):
        put_in = replace(forged[0], epoch=epoch)
        again = linked([replace(put_in, previous=None, link=None)], A[1].link or "")
        assert found([*A, *B, *again, *C], end_of(C)).broken is not None


def test_a_step_with_no_link_at_all_is_noticed_unless_it_repeats_another_one_or_comes_from_an_operator() -> (
    None
):
    loose = step("t7/decision", 9)
    assert found([*A, loose, *B], end_of(B)).broken is not None
    again = replace(A[0], epoch=9, previous=None, link=None)
    assert found([*A, again, *B], end_of(B)).broken is None
    assert found([*A, replace(again, body={}), *B], end_of(B)).broken is not None
    assert found([*A, step("cancel", 0), *B, step("erased", 0)], end_of(B)).broken is None


def test_an_end_that_is_cut_off_is_noticed_as_long_as_redis_has_it() -> None:
    broken = found([*A, *B], end_of(C)).broken
    assert broken is not None
    assert "the end is missing" in broken.problem
    assert found([*A, *B], "") == Proof(steps=8, chained=8, chains=1, anchored=False)
    assert found([], end_of(C)).broken is not None


def test_a_holder_that_died_is_followed_by_one_that_begins_where_it_had_begun() -> None:
    died = stretch(2, end_of(A), "b", ends=False)
    again = stretch(3, end_of(A), "b")
    assert found([*A, *died, *again]) == Proof(steps=11, chained=11, chains=1, abandoned=3, anchored=True)
    late = [*A, *died[:1], *again, *died[1:]]
    assert found(late, end_of(again)).broken is None, "it had not noticed yet that it was fenced"


def test_a_holder_that_ended_a_run_and_died_before_it_was_stored_counts_as_well() -> None:
    died = stretch(2, end_of(A), "b")
    assert found([*A, *died, *stretch(3, end_of(A), "b")]).abandoned == 4


def test_a_run_that_is_being_worked_is_whole_so_far() -> None:
    assert found([*A, *stretch(2, end_of(A), "b", ends=False)], end_of(A)).broken is None
    assert found([*A, *B, *C], end_of(A)).broken is None, "it went on after Redis was read"


def test_a_stretch_beside_the_chain_is_noticed() -> None:
    assert found([*A, *stretch(2, end_of(A), "x"), *stretch(3, end_of(A), "c")]).broken is not None


def test_what_a_store_was_given_back_fences_who_wrote_before() -> None:
    died = stretch(2, BEGINNING)
    given_back = [replace(each, epoch=3, previous=None, link=None) for each in A]
    assert found([*A, *given_back, *died], end_of(A)) == Proof(
        steps=12, chained=8, chains=1, abandoned=4, anchored=True
    )


def test_a_session_that_redis_had_forgotten_begins_another_chain() -> None:
    anew = stretch(5, BEGINNING, "z")
    assert found([*A, *B, *anew]) == Proof(steps=12, chained=12, chains=2, anchored=True)


def test_what_retention_removed_is_said_and_no_break() -> None:
    for kept in ([*B, *C], [*A[2:], *B, *C], C[1:]):
        proof = found(kept, cut=True)
        assert (proof.broken, proof.cut) == (None, True)
        assert found(kept).broken is not None
    assert found([*A, *C], cut=True).broken is not None, "only what is oldest is removed"
    assert found([], end_of(C), cut=True).cut


def test_a_step_that_was_published_twice_counts_once() -> None:
    assert found([*A, A[-1], *B], end_of(B)).chained == 8
