"""What the demo's story needs of the sandbox, through its connectors."""

from dataclasses import replace

import pytest

from connectors.action import Call
from connectors.errors import FailedError
from connectors.http import HttpClient
from connectors.sandbox import crm, erp


def again(call: Call[HttpClient], key: str) -> Call[HttpClient]:
    return replace(call, key=key)


async def test_an_order_takes_its_quantity_from_the_stock(call: Call[HttpClient]) -> None:
    before = await erp.check_stock(call, "P-300")
    order = await erp.create_order(call, "C-100", "P-300", 3, "expedited")

    assert (order.order_id, order.status, order.priority) == ("O-1001", "confirmed", "expedited")
    assert order.total == 3 * before.unit_price
    assert (await erp.check_stock(call, "P-300")).available == before.available - 3
    assert await erp.get_order(call, order.order_id) == order


async def test_what_is_out_of_stock_can_be_backordered_not_ordered(call: Call[HttpClient]) -> None:
    customer = await crm.get_customer(call, "C-200")
    assert (customer.tier, customer.credit_status) == ("vip", "approved")
    assert (await erp.check_stock(call, "P-200")).available == 0

    with pytest.raises(FailedError) as raised:
        await erp.create_order(call, "C-200", "P-200", 4)
    backorder = await erp.create_backorder(call, "C-200", "P-200", 4)

    assert raised.value.code == "out_of_stock"
    assert (backorder.backorder_id, backorder.status) == ("B-1001", "confirmed")


async def test_more_than_the_stock_is_refused_and_takes_nothing(call: Call[HttpClient]) -> None:
    with pytest.raises(FailedError) as raised:
        await erp.create_order(call, "C-100", "P-300", 6)

    assert raised.value.code == "out_of_stock"
    assert (await erp.check_stock(call, "P-300")).available == 5


async def test_credit_is_known_to_sales_and_not_checked_by_the_erp(call: Call[HttpClient]) -> None:
    standings = {
        ref: (await crm.get_customer(call, ref)).credit_status for ref in ("C-100", "C-300", "C-400")
    }

    assert standings == {"C-100": "approved", "C-300": "blocked", "C-400": "review"}
    assert (await erp.create_order(call, "C-300", "P-100", 1)).status == "confirmed"


@pytest.mark.parametrize(("customer", "product"), [("C-100", "P-900"), ("C-600", "P-100")])
async def test_an_order_no_carrier_delivers_gets_half_way_and_can_be_undone(
    call: Call[HttpClient], customer: str, product: str
) -> None:
    before = await erp.check_stock(call, product)
    order = await erp.create_order(call, customer, product, 1)
    with pytest.raises(FailedError) as raised:
        await erp.schedule_shipment(again(call, "ship"), order.order_id)
    cancelled = await erp.cancel_order(again(call, "cancel"), order.order_id)

    assert raised.value.code == "no_carrier"
    assert cancelled.status == "cancelled"
    assert await erp.check_stock(call, product) == before


async def test_a_shipped_order_is_cancelled_only_after_its_shipment(call: Call[HttpClient]) -> None:
    shipment = await erp.schedule_shipment(again(call, "ship"), "O-1000")
    with pytest.raises(FailedError) as raised:
        await erp.cancel_order(again(call, "too early"), "O-1000")
    await erp.cancel_shipment(again(call, "unship"), shipment.shipment_id)

    assert raised.value.code == "order_shipped"
    assert (await erp.cancel_order(again(call, "cancel"), "O-1000")).status == "cancelled"


async def test_a_second_shipment_or_one_of_a_cancelled_order_is_refused(call: Call[HttpClient]) -> None:
    order = await erp.create_order(call, "C-100", "P-100", 1)
    shipment = await erp.schedule_shipment(again(call, "1"), order.order_id)
    with pytest.raises(FailedError) as second:
        await erp.schedule_shipment(again(call, "2"), order.order_id)
    await erp.cancel_shipment(again(call, "3"), shipment.shipment_id)
    await erp.cancel_order(again(call, "4"), order.order_id)
    with pytest.raises(FailedError) as late:
        await erp.schedule_shipment(again(call, "5"), order.order_id)

    assert (second.value.code, late.value.code) == ("already_there", "order_cancelled")


async def test_an_order_is_invoiced_once_and_the_invoice_cancelled(call: Call[HttpClient]) -> None:
    order = await erp.create_order(call, "C-100", "P-100", 2)
    invoice = await erp.create_invoice(again(call, "1"), order.order_id)
    with pytest.raises(FailedError) as raised:
        await erp.create_invoice(again(call, "2"), order.order_id)

    assert (invoice.total, invoice.status) == (80.0, "confirmed")
    assert raised.value.code == "already_there"
    assert (await erp.cancel_invoice(again(call, "3"), invoice.invoice_id)).status == "cancelled"


async def test_refunds_add_up_to_the_orders_total_and_no_further(call: Call[HttpClient]) -> None:
    first = await erp.refund_order(again(call, "1"), "O-1000", 30.1)
    second = await erp.refund_order(again(call, "2"), "O-1000", 49.9)
    with pytest.raises(FailedError) as raised:
        await erp.refund_order(again(call, "3"), "O-1000", 0.01)

    assert (first.refunded, second.refunded) == (30.1, 80.0)
    assert raised.value.code == "refund_too_large"


async def test_a_case_is_worked_in_both_systems(call: Call[HttpClient]) -> None:
    case = await crm.get_case(call, "K-1000")
    order = await erp.get_order(call, case.order_id or "")
    await crm.add_case_note(again(call, "note"), case.case_ref, f"{order.order_id} is {order.status}.")
    resolved = await crm.resolve_case(again(call, "resolve"), case.case_ref, "Replaced.")

    assert (case.status, case.customer_id, order.customer_id) == ("open", "C-100", "C-100")
    assert (resolved.status, resolved.resolution) == ("resolved", "Replaced.")
    assert resolved.notes == ["O-1000 is confirmed."]
    assert (await crm.reopen_case(again(call, "reopen"), case.case_ref)).resolution is None


async def test_what_is_not_there_is_refused_by_name(call: Call[HttpClient]) -> None:
    with pytest.raises(FailedError, match=r"no product P-7\.") as product:
        await erp.check_stock(call, "P-7")
    with pytest.raises(FailedError) as customer:
        await crm.open_case(call, "C-7", "Who am I?")

    assert (product.value.code, customer.value.code) == ("unknown_product", "unknown_customer")
