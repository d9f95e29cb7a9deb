"""The actions of `tryton-erp`: the sandbox ERP's, by name, argument and result."""

# ruff: noqa: D417 - docstrings document what the model sends; the call is not its to set

from typing import Annotated

from pydantic import Field

from connectors.action import Call
from connectors.sandbox.records import Backorder, Order, Priority, Shipment, Stock
from connectors.tryton import shipping
from connectors.tryton.looking import find_product, stock_of
from connectors.tryton.placing import Wanted, place
from connectors.tryton.sales import backorder_of, checked, find_sale, order_of
from connectors.tryton.system import Tryton
from connectors.tryton.undoing import undo

Quantity = Annotated[int, Field(ge=1, le=100_000)]


async def check_stock(call: Call[Tryton], product_id: str) -> Stock:
    """Look up how many of a product can be ordered now, and its price.

    Args:
        product_id: the product, such as P-100.
    """
    tryton = call.client.within(call.timeout_s)
    return stock_of(await find_product(tryton, product_id))


async def get_order(call: Call[Tryton], order_id: str) -> Order:
    """Look up an order: what was ordered, its status and its total.

    Args:
        order_id: the order, such as O-1000.
    """
    tryton = call.client.within(call.timeout_s)
    return order_of(await find_sale(tryton, "O", order_id))


async def create_order(
    call: Call[Tryton],
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
    tryton = call.client.within(call.timeout_s)
    wanted = Wanted("O", customer_id, product_id, quantity, priority)
    return order_of(await place(tryton, wanted, call.key))


async def cancel_order(call: Call[Tryton], order_id: str) -> Order:
    """Cancel an order and give its quantity back to the stock.

    Args:
        order_id: the order, such as O-1000.
    """
    tryton = call.client.within(call.timeout_s)
    sale = await find_sale(tryton, "O", order_id)
    checked(sale)
    return order_of(await undo(tryton, sale))


async def create_backorder(
    call: Call[Tryton],
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
    tryton = call.client.within(call.timeout_s)
    wanted = Wanted("B", customer_id, product_id, quantity, priority)
    return backorder_of(await place(tryton, wanted, call.key))


async def cancel_backorder(call: Call[Tryton], backorder_id: str) -> Backorder:
    """Cancel a backorder.

    Args:
        backorder_id: the backorder, such as B-1001.
    """
    tryton = call.client.within(call.timeout_s)
    sale = await find_sale(tryton, "B", backorder_id)
    checked(sale)
    return backorder_of(await undo(tryton, sale))


async def schedule_shipment(call: Call[Tryton], order_id: str) -> Shipment:
    """Schedule the delivery of an order to its customer's address.

    Args:
        order_id: the order, such as O-1001.
    """
    tryton = call.client.within(call.timeout_s)
    return await shipping.schedule(tryton, order_id)


async def cancel_shipment(call: Call[Tryton], shipment_id: str) -> Shipment:
    """Take the schedule of a shipment back; it waits then.

    Args:
        shipment_id: the shipment, such as S-1.
    """
    tryton = call.client.within(call.timeout_s)
    return await shipping.cancel(tryton, shipment_id)
