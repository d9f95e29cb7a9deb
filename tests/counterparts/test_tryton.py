"""`tryton-erp` and `tryton-crm` against a real Tryton 8.2: each effect once, and the way back from each state."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Generator
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from connectors import testing
from connectors.action import Call
from connectors.connector import Connector
from connectors.errors import ActionError, FailedError
from connectors.perform import perform
from connectors.rpc.settings import LoginSettings
from connectors.testing import Trial
from connectors.tryton import placing, sales
from connectors.tryton.kind import build_crm, build_erp
from connectors.tryton.settings import TrytonSettings
from connectors.tryton.system import Tryton, open_tryton
from connectors.tryton.undoing import undo
from tests.counterparts.started import counterpart

ORDER: dict[str, Any] = {"customer_id": "C-100", "product_id": "P-100", "quantity": 2, "priority": "standard"}
WAIT_S = 120.0


@pytest.fixture(scope="module")
def running() -> Generator[dict[str, Any]]:
    with counterpart("tryton") as said:
        yield said


@pytest.fixture
def settings(running: dict[str, Any]) -> TrytonSettings:
    return settings_of(running)


def settings_of(running: dict[str, Any], **changed: Any) -> TrytonSettings:
    login = LoginSettings(user=running["user"], password=SecretStr(running["password"]))
    own = {"base_url": running["url"], "database": running["database"], "login": login, "timeout_s": WAIT_S}
    return TrytonSettings.model_validate({**own, **changed})


@pytest.fixture
async def tryton(settings: TrytonSettings) -> AsyncGenerator[Tryton]:
    async with open_tryton(settings) as opened:
        yield opened


@pytest.fixture
def erp(settings: TrytonSettings) -> Connector[Tryton]:
    return build_erp("erp", settings)


@pytest.fixture
def crm(settings: TrytonSettings) -> Connector[Tryton]:
    return build_crm("crm", settings)


async def act(
    connector: Connector[Tryton], client: Tryton, verb: str, key: str = "", **arguments: Any
) -> Any:
    action = connector.actions[f"{connector.name}.{verb}"]
    call = Call(client, key=key or str(uuid4()), timeout_s=WAIT_S, tenant="test", run_id="test")
    return await perform(action, call, action.arguments.model_validate(arguments))


async def available(erp: Connector[Tryton], client: Tryton, product_id: str = "P-100") -> int:
    return (await act(erp, client, "check_stock", product_id=product_id))["available"]


def test_both_connectors_declare_what_the_contract_asks_for(
    erp: Connector[Tryton], crm: Connector[Tryton]
) -> None:
    for connector in (erp, crm):
        testing.check_declarations(connector, erp if connector is crm else crm)
        testing.check_tools(connector)
        testing.check_unknown_arguments(connector)
        testing.check_settings(connector)


async def test_a_customer_is_found_with_tier_credit_and_address(
    crm: Connector[Tryton], tryton: Tryton
) -> None:
    assert await act(crm, tryton, "get_customer", customer_id="C-200") == {
        "customer_id": "C-200",
        "name": "Birch & Sons",
        "tier": "vip",
        "credit_status": "approved",
        "credit_limit": 0.0,
        "address": "3 Quay Street, Bristol",
    }
    for customer_id, status in (("C-300", "blocked"), ("C-400", "review")):
        assert (await act(crm, tryton, "get_customer", customer_id=customer_id))["credit_status"] == status
    with pytest.raises(FailedError) as error:
        await act(crm, tryton, "get_customer", customer_id="C-404")
    assert error.value.code == "not_found"


async def test_reads_may_run_at_once(erp: Connector[Tryton], crm: Connector[Tryton], tryton: Tryton) -> None:
    await testing.check_read(crm, tryton, Trial("crm.get_customer", {"customer_id": "C-100"}, WAIT_S))
    await testing.check_read(erp, tryton, Trial("erp.check_stock", {"product_id": "P-500"}, WAIT_S))
    await testing.check_read(erp, tryton, Trial("erp.get_order", {"order_id": "O-1000"}, WAIT_S))
    await testing.check_read(crm, tryton, Trial("crm.get_case", {"case_ref": "K-1000"}, WAIT_S))


async def test_an_order_takes_its_quantity_from_the_stock_and_cancelling_gives_it_back(
    erp: Connector[Tryton], tryton: Tryton
) -> None:
    before = await available(erp, tryton)
    order = await act(erp, tryton, "create_order", **ORDER)
    assert order | {"order_id": ""} == {
        **ORDER,
        "order_id": "",
        "status": "confirmed",
        "unit_price": 40.0,
        "total": 80.0,
        "refunded": 0.0,
    }
    assert await available(erp, tryton) == before - 2
    assert await act(erp, tryton, "get_order", order_id=order["order_id"]) == order
    cancelled = await act(erp, tryton, "cancel_order", order_id=order["order_id"])
    assert cancelled == {**order, "status": "cancelled"}
    assert await available(erp, tryton) == before


async def test_the_same_key_twice_gives_one_order(
    erp: Connector[Tryton], tryton: Tryton, running: dict[str, Any]
) -> None:
    async def count() -> int:
        with closing(sqlite3.connect(f"file:{running['file']}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT count(*) FROM sale_sale").fetchone()[0]

    for verb in ("create_order", "create_backorder"):
        await testing.check_key(erp, tryton, Trial(f"erp.{verb}", ORDER, WAIT_S), count=count)
        await testing.check_undo(erp, tryton, Trial(f"erp.{verb}", ORDER, WAIT_S))


async def offer(client: Tryton, key: str, state: str, quantity: float = 2.0) -> sales.Sale:
    """Make a sale as a person would, no further than a draft or a quotation."""
    values = await placing.values_of(client, placing.Wanted("O", "C-100", "P-100", 2, "standard"), key)
    ((_, (line,)),) = values["lines"]
    line["quantity"] = quantity
    number = await client.create("sale.sale", values)
    sale = await sales.sale_numbered(client, number)
    for button in {"draft": (), "quotation": ("quote",)}[state]:
        await client.push("sale.sale", button, number, seen=sale.seen)
    return await sales.sale_numbered(client, number)


@pytest.mark.parametrize("state", ["draft", "quotation", "processing", "assigned"])
async def test_an_order_is_taken_back_in_whichever_state_it_is_and_the_stock_is_back(
    erp: Connector[Tryton], tryton: Tryton, state: str
) -> None:
    before = await available(erp, tryton)
    if state in {"draft", "quotation"}:
        sale = await offer(tryton, str(uuid4()), state)
        assert sale.state == state
    else:
        order = await act(erp, tryton, "create_order", **ORDER)
        if state == "assigned":
            await act(erp, tryton, "schedule_shipment", order_id=order["order_id"])
        sale = await sales.find_sale(tryton, "O", order["order_id"])
        assert sale.state == "processing"
        assert [part.state for part in sale.shipments] == ["waiting" if state == "processing" else state]
    gone = await undo(tryton, sale)
    assert gone.standing == "cancelled"
    assert gone.state == ("cancelled" if state in {"draft", "quotation"} else "done")
    assert await available(erp, tryton) == before
    assert await undo(tryton, gone) == gone


async def test_a_confirmed_sale_that_tryton_has_not_worked_on_is_taken_back_as_well(tryton: Tryton) -> None:
    sale = await offer(tryton, str(uuid4()), "quotation")
    await tryton.push("sale.sale", "confirm", sale.number, seen=sale.seen)
    assert (await undo(tryton, await sales.sale_numbered(tryton, sale.number))).standing == "cancelled"


async def test_an_order_whose_goods_have_left_is_not_taken_back_and_nothing_of_it_changes(
    erp: Connector[Tryton], tryton: Tryton
) -> None:
    order = await act(erp, tryton, "create_order", **ORDER)
    await act(erp, tryton, "schedule_shipment", order_id=order["order_id"])
    for button in ("pick", "pack", "do"):
        part = (await sales.find_sale(tryton, "O", order["order_id"])).shipments[0]
        await tryton.push("stock.shipment.out", button, part.number, seen=part.seen)
    before = await sales.find_sale(tryton, "O", order["order_id"])
    with pytest.raises(FailedError) as error:
        await act(erp, tryton, "cancel_order", order_id=order["order_id"])
    assert error.value.code == "shipped"
    assert await sales.find_sale(tryton, "O", order["order_id"]) == before


async def test_tryton_is_not_made_to_sell_what_is_not_there(erp: Connector[Tryton], tryton: Tryton) -> None:
    wanted: dict[str, Any] = {"customer_id": "C-100", "product_id": "P-300", "quantity": 6}
    key = str(uuid4())
    with pytest.raises(FailedError) as error:
        await act(erp, tryton, "create_order", key, **wanted)
    assert error.value.code == "out_of_stock"
    assert await sales.sales_with(tryton, key) == []


async def test_prices_and_taxes_are_those_that_tryton_fills_in(
    erp: Connector[Tryton], tryton: Tryton
) -> None:
    order = await act(erp, tryton, "create_order", **{**ORDER, "product_id": "P-300"})
    assert (order["unit_price"], order["total"]) == (649.0, 1427.8)
    await act(erp, tryton, "cancel_order", order_id=order["order_id"])


async def test_an_order_that_tryton_refuses_half_way_leaves_nothing_but_a_cancelled_sale(
    erp: Connector[Tryton], tryton: Tryton
) -> None:
    for _ in range(2):
        with pytest.raises(FailedError, match="address"):
            await act(erp, tryton, "create_order", str(uuid4()), **{**ORDER, "customer_id": "C-600"})
    key = str(uuid4())
    with pytest.raises(FailedError):
        await act(erp, tryton, "create_order", key, **{**ORDER, "customer_id": "C-600"})
    assert [sale.standing for sale in await sales.sales_with(tryton, key)] == ["cancelled"]
    with pytest.raises(FailedError) as error:
        await act(erp, tryton, "create_order", key, **{**ORDER, "customer_id": "C-600"})
    assert error.value.code == "cancelled"


async def test_a_shipment_is_scheduled_once_and_given_back(erp: Connector[Tryton], tryton: Tryton) -> None:
    order = await act(erp, tryton, "create_order", **ORDER)
    asked: dict[str, Any] = {"order_id": order["order_id"]}
    first = await act(erp, tryton, "schedule_shipment", **asked)
    assert first == await act(erp, tryton, "schedule_shipment", **asked)
    assert first | {"shipment_id": ""} == {
        "shipment_id": "",
        "order_id": order["order_id"],
        "address": "12 Mill Lane, Leeds",
        "status": "confirmed",
    }
    for _ in range(2):
        given_back = await act(erp, tryton, "cancel_shipment", shipment_id=first["shipment_id"])
        assert given_back == {**first, "status": "cancelled"}
    assert await act(erp, tryton, "schedule_shipment", **asked) == first
    await act(erp, tryton, "cancel_order", **asked)
    with pytest.raises(FailedError) as error:
        await act(erp, tryton, "schedule_shipment", **asked)
    assert error.value.code == "order_cancelled"


async def test_goods_that_are_not_put_away_yet_are_not_shipped_and_none_stay_reserved(
    erp: Connector[Tryton], tryton: Tryton
) -> None:
    order = await act(erp, tryton, "create_order", **{**ORDER, "product_id": "P-900"})
    with pytest.raises(FailedError) as error:
        await act(erp, tryton, "schedule_shipment", order_id=order["order_id"])
    assert error.value.code == "not_assigned"
    sale = await sales.find_sale(tryton, "O", order["order_id"])
    assert [part.state for part in sale.shipments] == ["waiting"]
    await act(erp, tryton, "cancel_order", order_id=order["order_id"])


async def test_a_backorder_waits_for_stock_and_is_no_order(erp: Connector[Tryton], tryton: Tryton) -> None:
    wanted: dict[str, Any] = {
        "customer_id": "C-200",
        "product_id": "P-200",
        "quantity": 4,
        "priority": "expedited",
    }
    backorder = await act(erp, tryton, "create_backorder", **wanted)
    assert backorder | {"backorder_id": ""} == {**wanted, "backorder_id": "", "status": "confirmed"}
    sale = await sales.find_sale(tryton, "B", backorder["backorder_id"])
    assert [part.state for part in sale.shipments] == ["waiting"]
    assert sale.invoices == ()
    with pytest.raises(FailedError):
        await act(erp, tryton, "get_order", order_id=backorder["backorder_id"].replace("B", "O"))
    for _ in range(2):
        gone = await act(erp, tryton, "cancel_backorder", backorder_id=backorder["backorder_id"])
        assert gone == {**backorder, "status": "cancelled"}


async def test_what_somebody_else_has_written_to_is_not_written_over(
    erp: Connector[Tryton], tryton: Tryton
) -> None:
    sale = await offer(tryton, str(uuid4()), "draft")
    await tryton.push("sale.sale", "quote", sale.number, seen=sale.seen)
    with pytest.raises(FailedError) as error:
        await tryton.push("sale.sale", "cancel", sale.number, seen=sale.seen)
    assert error.value.code == "stale"
    assert (await sales.sale_numbered(tryton, sale.number)).state == "quotation"


async def test_an_offer_that_somebody_changed_is_not_confirmed_for_a_key(
    erp: Connector[Tryton], tryton: Tryton
) -> None:
    key = str(uuid4())
    sale = await offer(tryton, key, "draft", 3.0)
    with pytest.raises(FailedError) as error:
        await act(erp, tryton, "create_order", key, **ORDER)
    assert error.value.code == "stale"
    assert await sales.sale_numbered(tryton, sale.number) == sale


async def test_a_draft_of_the_same_key_that_turns_up_late_never_becomes_a_second_order(
    erp: Connector[Tryton], tryton: Tryton
) -> None:
    key = str(uuid4())
    late = await offer(tryton, key, "draft")  # older, as where its request was the first to begin
    order = await offer(tryton, key, "quotation")
    await tryton.push("sale.sale", "confirm", order.number, seen=order.seen)
    placed = await act(erp, tryton, "create_order", key, **ORDER)
    assert placed["order_id"] == f"O-{order.name}"
    assert (await sales.sale_numbered(tryton, late.number)).state == "draft"


async def test_two_attempts_at_once_with_one_key_end_with_one_order(
    erp: Connector[Tryton], tryton: Tryton
) -> None:
    key, before = str(uuid4()), await available(erp, tryton)
    attempts = (act(erp, tryton, "create_order", key, **ORDER) for _ in range(3))
    ended = await asyncio.gather(*attempts, return_exceptions=True)
    orders = [each for each in ended if isinstance(each, dict)]
    order = await act(erp, tryton, "create_order", key, **ORDER)
    assert orders == [order] * len(orders)
    assert [type(each) for each in ended if not isinstance(each, dict | ActionError)] == []
    assert await available(erp, tryton) == before - 2
    confirmed = [sale for sale in await sales.sales_with(tryton, key) if sale.standing == "confirmed"]
    assert len(confirmed) == 1


async def test_cases_are_complaints_with_notes_resolved_and_opened_again(
    crm: Connector[Tryton], tryton: Tryton
) -> None:
    case = await act(crm, tryton, "get_case", case_ref="K-1000")
    assert case == {
        "case_ref": "K-1000",
        "customer_id": "C-100",
        "order_id": "O-1000",
        "subject": "One of two lamps arrived broken",
        "status": "open",
        "resolution": None,
        "notes": [],
    }
    note, settle = str(uuid4()), str(uuid4())
    noted = {**case, "notes": ["Called back."]}
    for _ in range(2):
        said = await act(crm, tryton, "add_case_note", note, case_ref="K-1000", text="Called back.")
        assert said == noted
    for _ in range(2):
        done = await act(crm, tryton, "resolve_case", settle, case_ref="K-1000", resolution="A new lamp.")
        assert done == {**noted, "status": "resolved", "resolution": "A new lamp."}
    with pytest.raises(FailedError) as error:
        await act(crm, tryton, "resolve_case", case_ref="K-1000", resolution="Money back.")
    assert error.value.code == "already_resolved"
    for _ in range(2):
        assert await act(crm, tryton, "reopen_case", case_ref="K-1000") == noted


async def test_a_case_is_opened_once_for_a_key(crm: Connector[Tryton], tryton: Tryton) -> None:
    key = str(uuid4())
    asked: dict[str, Any] = {
        "customer_id": "C-100",
        "subject": "The second lamp as well",
        "order_id": "O-1000",
    }
    opened = await act(crm, tryton, "open_case", key, **asked)
    assert opened == await act(crm, tryton, "open_case", key, **asked)
    assert opened["case_ref"] != "K-1000"
    with pytest.raises(FailedError) as error:
        await act(crm, tryton, "open_case", **{**asked, "customer_id": "C-200"})
    assert error.value.code == "other_customer"
