"""The sandbox's ERP as a connector: what a connector of one's own looks like."""

# ruff: noqa: D417 - docstrings document what the model sends; the call is not its to set

from typing import Annotated

from pydantic import Field

from connectors.action import Call
from connectors.connector import Connector
from connectors.http import HttpClient
from connectors.sandbox.records import Backorder, Invoice, Order, Priority, Refund, Shipment, Stock
from connectors.sandbox.settings import SandboxSettings, open_sandbox

erp = Connector[HttpClient](
    "erp",
    "Stock, orders, backorders, shipments and invoices.",
    settings=SandboxSettings,
    open=open_sandbox,
    rehearses=True,
)

Quantity = Annotated[int, Field(ge=1, le=100_000)]
Amount = Annotated[float, Field(gt=0, le=1_000_000)]


@erp.action(effect="read", examples=[{"product_id": "P-100"}])
async def check_stock(call: Call[HttpClient], product_id: str) -> Stock:
    """Look up how many of a product can be ordered now, and its price in euro.

    Args:
        product_id: the product, such as P-100.
    """
    answer = await call.client.get("products", product_id, timeout_s=call.timeout_s)
    return Stock.model_validate(answer)


@erp.action(effect="read", protected={"order_id"}, examples=[{"order_id": "O-1000"}])
async def get_order(call: Call[HttpClient], order_id: str) -> Order:
    """Look up an order: what was ordered, its status, its total and what was refunded.

    Args:
        order_id: the order, such as O-1000.
    """
    return Order.model_validate(await call.client.get("orders", order_id, timeout_s=call.timeout_s))


@erp.action(
    effect="write",
    idempotency="provider-key",
    window="24h",
    compensate="erp.cancel_order",
    protected={"customer_id"},
    constraints=[
        "Only for customers whose credit is approved.",
        "Only if enough of the product is available.",
    ],
    examples=[{"customer_id": "C-100", "product_id": "P-100", "quantity": 2, "priority": "standard"}],
)
async def create_order(
    call: Call[HttpClient],
    customer_id: str,
    product_id: str,
    quantity: Quantity,
    priority: Priority = "standard",
) -> Order:
    """Create a confirmed order and take its quantity from the stock.

    Args:
        customer_id: the customer who pays, such as C-100.
        product_id: the product, such as P-100.
        quantity: how many.
        priority: how fast it shall be handled.
    """
    body = {
        "customer_id": customer_id,
        "product_id": product_id,
        "quantity": quantity,
        "priority": priority,
    }
    answer = await call.client.post("orders", body=body, key=call.key, timeout_s=call.timeout_s)
    return Order.model_validate(answer)


@erp.action(effect="write", idempotency="provider-key", window="24h", protected={"order_id"})
async def cancel_order(call: Call[HttpClient], order_id: str) -> Order:
    """Cancel an order and give its quantity back to the stock.

    Args:
        order_id: the order, such as O-1000.
    """
    return Order.model_validate(await _cancel(call, "orders", order_id))


@erp.action(
    effect="write",
    idempotency="provider-key",
    window="24h",
    protected={"order_id"},
    constraints=["Never more than the order's total less what was refunded before."],
    examples=[{"order_id": "O-1000", "amount": 40.0}],
)
async def refund_order(call: Call[HttpClient], order_id: str, amount: Amount) -> Refund:
    """Give a customer money back on an order. It cannot be undone.

    Args:
        order_id: the order, such as O-1000.
        amount: how much, in euro.
    """
    answer = await call.client.post(
        "orders", order_id, "refund", body={"amount": amount}, key=call.key, timeout_s=call.timeout_s
    )
    return Refund.model_validate(answer)


@erp.action(
    effect="write",
    idempotency="provider-key",
    window="24h",
    compensate="erp.cancel_backorder",
    protected={"customer_id"},
    constraints=["Only for VIP customers, and only if the product is out of stock."],
    examples=[{"customer_id": "C-200", "product_id": "P-200", "quantity": 4, "priority": "standard"}],
)
async def create_backorder(
    call: Call[HttpClient],
    customer_id: str,
    product_id: str,
    quantity: Quantity,
    priority: Priority = "standard",
) -> Backorder:
    """Note what a customer wants as soon as it is in stock again.

    Args:
        customer_id: the customer who waits, such as C-200.
        product_id: the product, such as P-200.
        quantity: how many.
        priority: how fast it shall be handled once the product is there.
    """
    body = {
        "customer_id": customer_id,
        "product_id": product_id,
        "quantity": quantity,
        "priority": priority,
    }
    answer = await call.client.post("backorders", body=body, key=call.key, timeout_s=call.timeout_s)
    return Backorder.model_validate(answer)


@erp.action(effect="write", idempotency="provider-key", window="24h")
async def cancel_backorder(call: Call[HttpClient], backorder_id: str) -> Backorder:
    """Cancel a backorder.

    Args:
        backorder_id: the backorder, such as B-1001.
    """
    return Backorder.model_validate(await _cancel(call, "backorders", backorder_id))


@erp.action(
    effect="write",
    idempotency="provider-key",
    window="24h",
    compensate="erp.cancel_shipment",
    protected={"order_id"},
    constraints=["Only for a confirmed order that has no shipment yet."],
)
async def schedule_shipment(call: Call[HttpClient], order_id: str) -> Shipment:
    """Schedule the delivery of an order to its customer's address.

    Args:
        order_id: the order, such as O-1001.
    """
    answer = await call.client.post(
        "shipments", body={"order_id": order_id}, key=call.key, timeout_s=call.timeout_s
    )
    return Shipment.model_validate(answer)


@erp.action(effect="write", idempotency="provider-key", window="24h")
async def cancel_shipment(call: Call[HttpClient], shipment_id: str) -> Shipment:
    """Cancel a scheduled shipment.

    Args:
        shipment_id: the shipment, such as S-1001.
    """
    return Shipment.model_validate(await _cancel(call, "shipments", shipment_id))


@erp.action(effect="write", idempotency="provider-key", window="24h", compensate="erp.cancel_invoice")
async def create_invoice(call: Call[HttpClient], order_id: str) -> Invoice:
    """Invoice the total of a confirmed order.

    Args:
        order_id: the order, such as O-1001.
    """
    answer = await call.client.post(
        "invoices", body={"order_id": order_id}, key=call.key, timeout_s=call.timeout_s
    )
    return Invoice.model_validate(answer)


@erp.action(effect="write", idempotency="provider-key", window="24h")
async def cancel_invoice(call: Call[HttpClient], invoice_id: str) -> Invoice:
    """Cancel an invoice.

    Args:
        invoice_id: the invoice, such as I-1001.
    """
    return Invoice.model_validate(await _cancel(call, "invoices", invoice_id))


async def _cancel(call: Call[HttpClient], kind: str, subject: str) -> object:
    return await call.client.post(kind, subject, "cancel", key=call.key, timeout_s=call.timeout_s)
