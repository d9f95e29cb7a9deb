"""Whatever an endpoint answers: what is executed is valid, every run ends within its budget, every kind is treated as stated."""

import os
import secrets

import pytest

from tests.answers.kinds import KINDS
from tests.answers.play import not_allowed, play
from tests.answers.shop import CATALOG, Executed
from tests.answers.strictness import misfits
from tests.answers.stub import TREATMENTS, impossible

RUNS = int(os.environ.get("POINTSMAN_ANSWER_RUNS", "240"))


@pytest.mark.timeout(900)
async def test_every_executed_call_is_valid_and_every_run_ends_within_its_budget() -> None:
    seed = int(os.environ.get("POINTSMAN_ANSWER_SEED") or secrets.randbelow(2**32))
    figures = await play(RUNS, seed)
    assert figures.violations == [], f"seed {seed}"
    assert figures.runs == RUNS, f"seed {seed}"
    assert figures.executed > RUNS, f"seed {seed}: so few calls prove nothing"
    assert len(figures.treated) > len(TREATMENTS) // 2, f"seed {seed}: so few kinds prove nothing"


async def test_with_an_endpoint_that_is_always_bad_runs_end_as_well_and_some_by_their_budget() -> None:
    figures = await play(20, 1, bad=1.0)
    assert figures.violations == []
    assert figures.runs == 20
    assert figures.statuses["budget_spent"] >= 3


def test_the_catalogue_has_every_kind_once_and_more_than_forty() -> None:
    names = [kind.name for kind in KINDS]
    assert len(names) == len(set(names))
    assert len(TREATMENTS) > 100


def test_the_second_opinion_finds_what_does_not_fit() -> None:
    order = CATALOG.actions["erp.create_order"]
    good = {"customer_id": "C-1", "product_id": "P-1", "quantity": 2, "priority": "standard"}
    schema = order.tool["function"]["parameters"]
    assert list(misfits(good, schema)) == []
    for bad in (
        {"quantity": "2"},
        {"quantity": True},
        {"quantity": 0},
        {"quantity": 2.5},
        {"priority": "x"},
        {"tenant": "other"},
        {"customer_id": None},
    ):
        assert list(misfits(good | bad, schema)), bad
        assert list(not_allowed([Executed("r", order, good | bad)])), bad
    assert list(misfits({"customer_id": "C-1"}, schema))


def test_a_call_outside_of_the_route_is_found() -> None:
    refund = CATALOG.actions["erp.refund_order"]
    assert list(not_allowed([Executed("r", refund, {"order_id": "O-1", "amount": 1.0})]))


def test_a_prompt_that_tells_back_an_impossible_call_is_refused() -> None:
    call = {"id": "1", "function": {"name": "erp__check_stock", "arguments": "{}"}}
    assert impossible([{"role": "assistant", "tool_calls": [call]}]) is None
    for bad in ({"id": "x" * 65}, {"id": ""}, {"function": {"name": "a.b"}}, {"function": {"name": ""}}):
        assert impossible([{"role": "assistant", "tool_calls": [call | bad]}])
    assert impossible([{"role": "tool", "tool_call_id": "never"}])
