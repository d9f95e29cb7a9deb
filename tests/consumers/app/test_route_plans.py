"""A plan in the configuration: what it becomes, and every mistake in it with its line."""

from pathlib import Path

import pytest

from consumers.app.config_file import InvalidConfigError, read_config
from consumers.app.models import preferred_models
from consumers.app.resolve import resolve
from consumers.errors import UnavailableError
from consumers.router.exchange import Prompt
from consumers.router.plan import PlannedCall, Taken, next_turn
from consumers.telemetry.metrics import Metrics
from tests.consumers.app.test_config_file import change, mistakes, valid

__all__ = ["valid"]  # the fixture

CONTEXT = """\
    context:
      - {action: crm.get_customer, arguments: {customer_id: =event.payload.customer_id}}
"""
PLAN = """\
    plan:
      steps:
        - do:
            - {action: erp.check_stock, arguments: {product_id: =event.payload.product_id}}
        - when: session.results["erp.check_stock"].available < event.payload.quantity
          finish: refused
          summary: ="There are only " + string(session.results["erp.check_stock"].available)
        - do:
            - action: erp.create_order
              arguments:
                customer_id: =event.payload.customer_id
                product_id: =event.payload.product_id
                quantity: =event.payload.quantity
        - {finish: completed, summary: ==Ordered}
      otherwise: model
"""


def write(path: Path, *parts: str) -> None:
    change(path, "    atomic: true # an order", "".join(parts) + "    atomic: true # an order")


def test_context_and_plan_become_one_plan_that_begins_with_the_context(valid: Path) -> None:
    write(valid, CONTEXT, PLAN)
    plan = resolve(read_config(valid)).routes["order.requested"].plan
    assert plan is not None
    assert [step.optional for step in plan.steps] == [True, False, False, False, False]
    assert plan.steps[-1].summary == "=Ordered"
    assert isinstance(plan.steps[3].calls[0], PlannedCall)
    facts = {"event": {"payload": {}}, "session": {"results": {}}, "failures": {}, "now": None}
    assert next_turn(plan, Taken(), 1, facts) is None, "the model goes on where nothing can be looked up"


def test_context_alone_leaves_the_rest_to_the_model(valid: Path) -> None:
    write(valid, CONTEXT)
    plan = resolve(read_config(valid)).routes["order.requested"].plan
    assert plan is not None
    assert (len(plan.steps), plan.otherwise) == (1, "model")


def test_a_route_without_either_has_no_plan(valid: Path) -> None:
    assert resolve(read_config(valid)).routes["order.requested"].plan is None


def test_a_changed_plan_has_another_name(valid: Path) -> None:
    write(valid, PLAN)
    first = resolve(read_config(valid)).routes["order.requested"].plan
    change(valid, "There are only ", "There is just ")
    second = resolve(read_config(valid)).routes["order.requested"].plan
    assert first is not None
    assert second is not None
    assert first.name != second.name


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("action: erp.check_stock", "action: erp.check_stok", "erp.check_stok is not on the route's list"),
        ("product_id: =event.payload.product_id}", "product: P}", "erp.check_stock has no argument product"),
        ("                quantity: =event.payload.quantity\n", "", "erp.create_order needs quantity"),
        ("event.payload.quantity\n", "event.payload.quantty\n", "event.payload has no `quantty`"),
        ('["erp.check_stock"].available <', '["erp.check_stok"].available <', "no action of this route has that name"),
        ("session.results[", "sesion.results[", "uses sesion"),
        (".available < event.payload.quantity", ".available", "not true or false"),
        ("string(session", "string((session", "does not parse"),
        ("- {finish: completed, summary: ==Ordered}", "- {finish: completed}", "needs a `summary`"),
        ("- {finish: completed, summary: ==Ordered}", "- {when: 'true'}", "either `do`"),
        ("        - do:\n            - {action: erp.c", "        - after_failure: true\n          do:\n            - {action: erp.c",
         "there is no step before"),
        ("{action: crm.get_customer", "{action: erp.create_order", "erp.create_order is a write"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_plan_is_named_with_its_line(valid: Path, old: str, new: str, says: str) -> None:
    write(valid, CONTEXT, PLAN)
    line = change(valid, old, new)
    said = mistakes(valid)
    assert says in said, said
    places = [int(part.partition(":")[0]) for part in said.split("pointsman.yaml:")[1:]]
    assert all(abs(place - line) <= 4 for place in places), said


def test_a_plan_of_too_many_steps_is_refused(valid: Path) -> None:
    step = "        - {finish: failed, summary: No.}\n"
    write(valid, "    plan:\n      steps:\n", step * 65)
    with pytest.raises(InvalidConfigError, match="64"):
        read_config(valid)


def without_a_model(path: Path, *, end: str | None = None) -> None:
    """Take the section out, and what stands from a text on."""
    text = path.read_text(encoding="utf-8")
    first, last = text.index("model: #"), text.index("telemetry:")
    whole = text[:first] + text[last:]
    path.write_text(whole.partition(end)[0] if end else whole, encoding="utf-8")


def test_routes_that_may_ask_the_model_need_one(valid: Path) -> None:
    write(valid, CONTEXT, PLAN)
    without_a_model(valid)
    said = mistakes(valid)
    assert said.count("may ask the model, and there is no section `model`") == 2


async def test_routes_whose_plans_go_without_need_none_and_what_has_to_ask_it_waits(valid: Path) -> None:
    write(valid, PLAN.replace("otherwise: model", "otherwise: failed"))
    without_a_model(valid, end="  - topic: crm.cases")
    file = read_config(valid)
    assert resolve(file).routes.keys() == {"order.requested"}
    nobody = preferred_models(file.config.model, Metrics())
    with pytest.raises(UnavailableError, match="no section `model`"):
        await nobody.reply(Prompt([], [], 1))
    await nobody.aclose()
