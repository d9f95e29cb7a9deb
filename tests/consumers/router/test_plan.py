"""A plan: which step comes next, what it says, and what happens where none does."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.policy.expressions import Expression, compiled
from consumers.router.plan import VARIABLES, Plan, Planned, PlannedCall, PlannedStep, Taken, next_turn


def cel(source: str) -> Expression:
    return compiled(source, VARIABLES)


LOOK = PlannedCall("erp.check_stock", {"product_id": cel("event.payload.product"), "depth": [1, {"at": "S"}]})
ORDER = PlannedCall("erp.create_order", {"quantity": cel("event.payload.quantity")})
PLAN = Plan(
    [
        PlannedStep(calls=(LOOK,)),
        PlannedStep(
            when=cel("session.results['erp.check_stock'].available < 2"),
            finish="refused",
            summary="None left.",
        ),
        PlannedStep(calls=(ORDER,)),
        PlannedStep(
            after_failure=True,
            when=cel("'erp.create_order' in failures"),
            finish="failed",
            summary="No order.",
        ),
        PlannedStep(finish="completed", summary=cel("'Ordered ' + string(event.payload.quantity)")),
    ],
    source={"made": "here"},
)


def facts(
    results: Mapping[str, Any] | None = None, failures: Mapping[str, str] | None = None, **payload: Any
) -> dict[str, Any]:
    said = {"product": "P", "quantity": 2, **payload}
    return {
        "event": {"payload": said},
        "session": {"results": results or {}},
        "failures": failures or {},
        "now": None,
    }


STOCK = {"erp.check_stock": {"available": 5}}


def turn(step: int, given: Mapping[str, Any], plan: Plan = PLAN) -> Planned | None:
    return next_turn(plan, Taken(step, plan.name) if step else Taken(), step + 1, given)


def chosen(found: Planned | None) -> tuple[int, list[tuple[str, Any]]]:
    assert found is not None
    return found.step, [(call.name, orjson.loads(call.arguments)) for call in found.reply.calls]


def test_constants_and_values_are_put_into_the_calls() -> None:
    arguments = {"product_id": "P", "depth": [1, {"at": "S"}]}
    assert chosen(turn(0, facts())) == (1, [("erp__check_stock", arguments)])


def test_a_step_whose_condition_is_false_is_passed_over_for_good() -> None:
    assert chosen(turn(1, facts(STOCK))) == (3, [("erp__create_order", {"quantity": 2})])


def test_a_step_may_end_the_run() -> None:
    ends = {"status": "refused", "summary": "None left."}
    assert chosen(turn(1, facts({"erp.check_stock": {"available": 1}}))) == (2, [("finish", ends)])


def test_after_a_failure_only_the_steps_for_that_are_taken() -> None:
    said = {"status": "failed", "summary": "No order."}
    assert chosen(turn(3, facts(STOCK, {"erp.create_order": "out_of_stock"}))) == (4, [("finish", said)])
    assert chosen(turn(3, facts(STOCK)))[0] == 5


@pytest.mark.parametrize(
    ("step", "given", "why"),
    [
        (
            1,
            facts(STOCK, {"erp.check_stock": "busy"}),
            "No step of the plan applies: erp.check_stock was not done (busy).",
        ),
        (1, facts(), "Step 2 of the plan cannot be evaluated: 'erp.check_stock'."),
        (5, facts(STOCK), "No step of the plan applies."),
    ],
)
def test_where_no_step_applies_the_run_fails_and_says_why_or_the_model_goes_on(
    step: int, given: dict[str, Any], why: str
) -> None:
    last, (call,) = chosen(turn(step, given))
    assert call == ("finish", {"status": "failed", "summary": why})
    assert last > len(PLAN.steps)
    assert turn(step, given, replace(PLAN, otherwise="model")) is None


def test_a_condition_must_be_true_or_false() -> None:
    plan = Plan([PlannedStep(when=cel("event.payload.quantity"), calls=(LOOK,))])
    _, (call,) = chosen(turn(0, facts(), plan))
    assert call[1]["summary"] == "Step 1 of the plan gives int where true or false is needed."


def test_a_value_that_json_cannot_say_is_no_value() -> None:
    plan = Plan([PlannedStep(calls=(PlannedCall("erp.check_stock", {"product_id": cel("b'x'")}),))])
    _, (call,) = chosen(turn(0, facts(), plan))
    assert call[1]["summary"].startswith("Step 1 of the plan")


def test_of_an_optional_step_what_has_no_value_is_left_out_and_failures_do_not_count() -> None:
    missing = PlannedCall("crm.get_customer", {"customer_id": cel("event.payload.customer")})
    plan = Plan([PlannedStep(calls=(missing, LOOK), optional=True), PlannedStep(calls=(ORDER,))])
    _, (call,) = chosen(turn(0, facts(), plan))
    assert call[0] == "erp__check_stock"
    assert chosen(turn(1, facts(failures={"erp.check_stock": "gone"}), plan)) == (
        2,
        [("erp__create_order", {"quantity": 2})],
    )
    only = Plan([PlannedStep(calls=(missing,), optional=True)], otherwise="model")
    assert turn(0, facts(), only) is None


@pytest.mark.parametrize("otherwise", ["model", "failed"])
def test_a_plan_that_was_changed_under_way_is_not_followed(otherwise: Any) -> None:
    changed = replace(PLAN, source={"made": "elsewhere"}, otherwise=otherwise, steps=PLAN.steps[:1])
    found = next_turn(changed, Taken(3, PLAN.name), 4, facts(STOCK))
    if otherwise == "model":
        assert found is None
    else:
        _, (call,) = chosen(found)
        assert "changed while the run was under way" in call[1]["summary"]


def test_its_name_is_that_of_its_source() -> None:
    assert PLAN.name == replace(PLAN).name != replace(PLAN, source={}).name
    assert PLAN.name.startswith("plan:")


def test_its_constants_are_known() -> None:
    assert PLAN.constants == (1, "S")


@given(st.data())
def test_every_plan_comes_to_its_end(data: st.DataObject) -> None:
    calls = st.just((LOOK,))
    steps = st.builds(
        PlannedStep,
        when=st.sampled_from(
            [None, cel("true"), cel("false"), cel("event.payload.quantity > 1"), cel("event.nothing")]
        ),
        calls=calls,
        after_failure=st.booleans(),
        optional=st.booleans(),
    )
    plan = Plan(data.draw(st.lists(steps, min_size=1, max_size=6)), source="drawn")
    taken, turns = Taken(), 0
    while True:
        failures = data.draw(st.sampled_from([{}, {"erp.check_stock": "busy"}]))
        found = next_turn(plan, taken, turns + 1, facts(failures=failures))
        turns += 1
        assert found is not None
        assert found.step > taken.step
        if found.reply.calls[0].name == "finish":
            break
        taken = Taken(found.step, found.reply.model)
    assert turns <= len(plan.steps) + 1
