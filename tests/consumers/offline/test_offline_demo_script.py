"""The demo's story, played by its script against a small world."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from connectors.catalog import Catalog
from connectors.sandbox.crm import crm
from connectors.sandbox.erp import erp

CUSTOMERS = {
    "C-100": {"tier": "standard", "credit_status": "approved", "name": "Alder"},
    "C-200": {"tier": "vip", "credit_status": "approved", "name": "Birch"},
    "C-300": {"tier": "standard", "credit_status": "blocked", "name": "Cedar"},
}
STOCK = {"P-100": 100, "P-200": 0, "P-900": 9}
ORDER = {
    "order_ref": "r",
    "customer_id": "C-100",
    "product_id": "P-100",
    "quantity": 2,
    "priority": "expedited",
}
CASE = {"case_ref": "K-1", "customer_id": "C-100", "order_id": "O-1", "kind": "complaint", "text": "broken"}


def no(code: str, error: str = "no") -> dict[str, Any]:
    return {"ok": False, "code": code, "error": error}


class World:
    """Answers like the sandbox, but for what a test says otherwise."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers

    def __call__(self, action: str, arguments: dict[str, Any]) -> Any:
        if action in self.answers:
            return self.answers[action]
        match action, arguments:
            case "crm.get_customer", {"customer_id": who}:
                return {"customer_id": who, **CUSTOMERS[who]}
            case "erp.check_stock", {"product_id": what}:
                return {"product_id": what, "available": STOCK[what], "unit_price": 40.0}
            case "erp.schedule_shipment", _:
                return {"shipment_id": "S-1"}
            case (("erp.create_order" | "erp.get_order"), _):
                return {"order_id": "O-1", "customer_id": "C-100", "status": "confirmed", "total": 80.0}
            case _:
                return {"done": True}


@pytest.fixture
def story(dialogue: Any, demo: Any, playing: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Play one event and return how it went."""

    async def ask(so_far: Any) -> dict[str, Any]:
        reply = so_far.ask(demo)
        calls = [{"id": c.id, "function": {"name": c.name, "arguments": c.arguments}} for c in reply.calls]
        return {"content": reply.text, "tool_calls": calls, "finish_reason": reply.finish_reason}

    async def play(kind: str, payload: Any, **answers: Any) -> Any:
        world = World({name.replace("__", "."): value for name, value in answers.items()})
        return await playing(dialogue.event(kind, payload), ask, world)

    return play


def names(played: Any) -> list[str]:
    return [action for action, _ in played.calls]


LOOK = ["crm.get_customer", "erp.check_stock"]


def test_every_call_names_an_action_of_the_sandbox_and_fits_its_arguments(demo: Any) -> None:
    actions = Catalog([erp, crm]).actions
    for planned in (call for rule in demo.rules for call in rule.calls if call.action != "finish"):
        fields = actions[planned.action].arguments.model_fields
        required = {name for name, of in fields.items() if of.is_required()}
        assert required <= set(planned.arguments) <= set(fields), planned.action


async def test_in_stock_becomes_an_order_and_a_shipment(story: Any) -> None:
    played = await story("order.requested", ORDER)
    assert names(played) == [*LOOK, "erp.create_order", "erp.schedule_shipment"]
    assert played.calls[2][1] == {
        "customer_id": "C-100", "product_id": "P-100", "quantity": 2, "priority": "expedited",
    }  # fmt: skip
    assert played.calls[3][1] == {"order_id": "O-1"}
    assert (played.status, "O-1" in played.summary) == ("completed", True)


async def test_the_look_up_is_one_turn_with_both_reads(dialogue: Any, demo: Any) -> None:
    reply = dialogue.event("order.requested", ORDER).ask(demo)
    assert [call.name for call in reply.calls] == ["crm__get_customer", "erp__check_stock"]


async def test_credit_not_approved_is_refused_with_the_reason(story: Any) -> None:
    played = await story("order.requested", {**ORDER, "customer_id": "C-300"})
    assert (names(played), played.status) == (LOOK, "refused")
    assert "credit" in played.summary
    assert "blocked" in played.summary


async def test_out_of_stock_is_back_ordered_for_a_vip(story: Any) -> None:
    played = await story("order.requested", {**ORDER, "customer_id": "C-200", "product_id": "P-200"})
    assert (names(played), played.status) == ([*LOOK, "erp.create_backorder"], "completed")


async def test_out_of_stock_is_refused_for_others(story: Any) -> None:
    played = await story("order.requested", {**ORDER, "product_id": "P-200"})
    assert (names(played), played.status) == (LOOK, "refused")
    assert "out of stock" in played.summary


async def test_stock_lost_to_somebody_else_counts_as_out_of_stock(story: Any) -> None:
    order = {**ORDER, "customer_id": "C-200"}
    played = await story("order.requested", order, erp__create_order=no("out_of_stock"))
    assert (names(played)[2:], played.status) == (["erp.create_order", "erp.create_backorder"], "completed")


async def test_a_refused_shipment_fails_the_run_so_that_the_order_is_undone(story: Any) -> None:
    order = {**ORDER, "product_id": "P-900"}
    played = await story(
        "order.requested", order, erp__schedule_shipment=no("no_carrier", "no carrier takes it")
    )
    assert played.status == "failed"
    assert "no carrier takes it" in played.summary


@pytest.mark.parametrize(
    ("code", "status"), [("denied", "refused"), ("rejected", "refused"), ("credit_limit", "failed")]
)
async def test_a_no_of_a_rule_or_a_person_refuses_and_any_other_fails(
    story: Any, code: str, status: str
) -> None:
    played = await story("order.requested", ORDER, erp__create_order=no(code, "because"))
    assert (played.status, "because" in played.summary) == (status, True)


@pytest.mark.parametrize("action", ["crm.get_customer", "erp.check_stock"])
async def test_a_failed_look_up_fails_the_run_and_changes_nothing(story: Any, action: str) -> None:
    played = await story("order.requested", ORDER, **{action: no("not_found", "nobody knows it")})
    assert (names(played), played.status) == (LOOK, "failed")
    assert "nobody knows it" in played.summary


async def test_a_complaint_reads_both_systems_then_notes_and_resolves(story: Any) -> None:
    played = await story("case.opened", CASE)
    assert names(played) == ["crm.get_customer", "erp.get_order", "crm.add_case_note", "crm.resolve_case"]
    assert played.status == "completed"


async def test_a_return_is_refunded_before_it_is_resolved(story: Any) -> None:
    played = await story("case.opened", {**CASE, "kind": "return"})
    assert played.calls[2] == ("erp.refund_order", {"order_id": "O-1", "amount": 80.0})
    assert (names(played)[3:], played.status) == (["crm.add_case_note", "crm.resolve_case"], "completed")


async def test_a_refund_that_a_person_rejects_leaves_the_case_open(story: Any) -> None:
    played = await story("case.opened", {**CASE, "kind": "return"}, erp__refund_order=no("rejected"))
    assert (played.status, "crm.resolve_case" in names(played)) == ("refused", False)


async def test_somebody_elses_order_is_not_discussed(story: Any) -> None:
    played = await story("case.opened", {**CASE, "customer_id": "C-200"})
    assert (names(played), played.status) == (["crm.get_customer", "erp.get_order"], "refused")


@pytest.mark.parametrize("change", [{"order_id": None}, {"kind": "address_change"}])
async def test_a_case_that_no_action_can_help_is_refused_at_once(story: Any, change: dict[str, Any]) -> None:
    played = await story("case.opened", {**CASE, **change})
    assert (names(played), played.status) == ([], "refused")
