"""Answers that are checked as a whole, and calls that are told apart."""

from typing import Any

import orjson
import pytest

from consumers.router.decision import FINISH, Decision, decide
from consumers.router.exchange import Reply, ToolCall
from consumers.router.unusable import MAX_CALLS, MAX_CHARACTERS
from tests.consumers.run.shop_world import shop_catalog

ACTIONS = {action.tool_name: action for action in shop_catalog().actions.values()}
DONE = {"status": "completed", "summary": "Done."}


def decided(*calls: tuple[str, Any], left: int = MAX_CALLS, **fields: Any) -> Decision:
    made = tuple(
        ToolCall(f"c{n}", name, a if isinstance(a, str) else orjson.dumps(a).decode())
        for n, (name, a) in enumerate(calls)
    )
    said: dict[str, Any] = {"text": "", "finish_reason": "tool_calls", **fields}
    return decide(
        Reply("m", calls=made, input_tokens=1, output_tokens=1, cost_usd=0.1, **said),
        ACTIONS,
        calls_left=left,
    )


def test_the_same_write_twice_is_a_repair_and_different_ones_or_reads_are_not() -> None:
    twice = decided(("shop__letter", {"to": "Ann"}), ("shop__letter", {"to": "Ann"}))
    assert [bool(call.problem) for call in twice.calls] == [False, True]
    assert twice.needs_repair
    assert not decided(("shop__letter", {"to": "Ann"}), ("shop__letter", {"to": "Ben"})).needs_repair
    assert not decided(("shop__stock", {"product": "P"}), ("shop__stock", {"product": "P"})).needs_repair


def test_how_the_arguments_are_written_does_not_make_two_writes_of_one() -> None:
    assert decided(("shop__order", '{"quantity":2}'), ("shop__order", ' { "quantity" : 2 } ')).needs_repair


def test_two_finishes_are_a_repair_even_if_they_agree() -> None:
    assert decided((FINISH, DONE), (FINISH, DONE)).needs_repair
    assert not decided((FINISH, DONE)).needs_repair


@pytest.mark.parametrize("name", ["", "a.b", "shop.order", "x\x00y", "é" * 3, "y" * 5000])
def test_an_unknown_name_is_told_back_as_the_apis_take_it_and_is_never_an_actions(name: str) -> None:
    call = decided((name, {})).calls[0]
    assert call.problem
    assert call.action.isascii()
    assert 1 <= len(call.action) <= 64
    assert "." not in call.action
    assert len(call.problem) < 2000


def test_no_more_calls_than_the_budget_has_left_are_chosen_and_a_finish_is_none() -> None:
    stock = ("shop__stock", {"product": "P"})
    assert decided(stock, stock, left=1).problem == "2 calls in one answer; at most 1 are allowed"
    assert decided(stock, (FINISH, DONE), left=1).problem is None


def test_of_an_answer_that_is_too_long_nothing_is_kept() -> None:
    long = decided(text="x" * (MAX_CHARACTERS + 1), finish_reason="stop")
    assert long.problem
    assert long.text == ""
    assert decided(("shop__letter", {"to": "x" * MAX_CHARACTERS})).problem


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "stop"), (" \n", "stop"), ("\x00\x1b", "stop"), ("…", "stop"), ("Half", "weird")],
)
def test_text_ends_a_run_only_if_it_says_something_and_is_whole(text: str, reason: str) -> None:
    assert decided(text=text, finish_reason=reason).needs_repair


def test_text_alone_ends_a_run() -> None:
    finish = decided(text=" Done. ", finish_reason="stop").finish
    assert finish
    assert (finish.status, finish.summary) == ("completed", "Done.")
