"""How a run stands, and what it came to."""

from typing import Any

import pytest

from consumers.cli.session_totals import Totals, all_of, standing, totals

DECISION = {"input_tokens": 100, "output_tokens": 20, "cost_usd": 0.25}
OUTCOME = {
    "status": "success",
    "started_at": "2026-11-22T12:00:00+00:00",
    "finished_at": "2026-11-22T12:00:30+00:00",
}
ENTRIES: dict[str, Any] = {
    "t1/decision": DECISION,
    "t1/c0/result": {"status": "done", "ms": 500},
    "t1/c1/hold": {},
    "t1/c1/approval": {},
    "t1/c1/intent": {},
    "t1/c1/result": {"status": "failed", "ms": 1000},
    "t2/decision": DECISION,
    "t2/c0/undo.result": {"status": "done"},
    "outcome": OUTCOME,
}


def test_a_run_is_added_up() -> None:
    assert totals(ENTRIES) == Totals(2, 3, 1, 240, 0.5, 1.5, 30.0)
    assert str(totals(ENTRIES)) == (
        "2 turns, 3 actions, 1.50 s in actions, 1 question to a person, 240 tokens, 30.0 s in all, $0.5000"
    )


def test_several_runs_are_added_up() -> None:
    assert all_of([totals(ENTRIES), totals(ENTRIES)]) == Totals(4, 6, 2, 480, 1.0, 3.0, 60.0)
    assert all_of([]) == Totals()


def test_a_clock_that_was_set_back_gives_no_negative_time() -> None:
    back = OUTCOME | {"finished_at": "2026-11-22T10:00:00+00:00"}
    assert totals({"outcome": back}).seconds == 0.0


@pytest.mark.parametrize(
    ("places", "status"),
    [
        (["t1/decision"], "in_progress"),
        (["t1/c0/hold"], "requires_approval"),
        (["t1/c0/hold", "t1/c0/approval"], "in_progress"),
        (["t1/c0/hold", "t1/c0/approval", "t1/c1/hold"], "requires_approval"),
        (["t1/c0/d1/doubt"], "in_doubt"),
        (["t1/c0/d1/doubt", "t1/c0/d1/doubt.answer"], "in_progress"),
        (["erased"], "erased"),
    ],
)
def test_a_run_that_is_not_finished_stands_by_what_it_waits_for(places: list[str], status: str) -> None:
    assert standing({at: {} for at in places}) == status


def test_a_finished_run_stands_by_its_outcome() -> None:
    assert standing(ENTRIES) == "success"
