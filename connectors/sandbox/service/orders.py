"""Products, orders and refunds. Each function runs inside the caller's transaction."""

import sqlite3
from typing import Any

from connectors.sandbox.records import Order, Refund, Stock
from connectors.sandbox.service.refusal import RefusedError
from connectors.sandbox.service.requests import NewOrder, NewRefund, Nothing
from connectors.sandbox.service.store import find, new_id

_ORDER = "SELECT * FROM orders WHERE order_id = ?"
_PRODUCT = "SELECT * FROM products WHERE product_id = ?"
_CUSTOMER = "SELECT * FROM customers WHERE customer_id = ?"


def get_stock(connection: sqlite3.Connection, product_id: str, _body: Nothing) -> Stock:
    """Return a product and its stock."""
    row = find(connection, _PRODUCT, product_id, "product")
    return Stock(
        product_id=row["product_id"],
        name=row["name"],
        available=row["available"],
        unit_price=row["unit_cents"] / 100,
    )


def get_order(connection: sqlite3.Connection, order_id: str, _body: Nothing) -> Order:
    """Return an order."""
    return _order(find(connection, _ORDER, order_id, "order"))


def create_order(connection: sqlite3.Connection, _subject: str, body: NewOrder) -> Order:
    """Confirm an order and take its quantity from the stock; refuses with `out_of_stock`.

    Credit is not looked at: in this house sales decides about it, not the ERP.
    """
    product = known_product(connection, body)
    taken = connection.execute(
        "UPDATE products SET available = available - ? WHERE product_id = ? AND available >= ?",
        (body.quantity, body.product_id, body.quantity),
    )
    if taken.rowcount == 0:
        raise RefusedError(
            409,
            "out_of_stock",
            f"{product['available']} of {body.product_id} are in stock, {body.quantity} wanted.",
        )
    row = connection.execute(
        "INSERT INTO orders (order_id, customer_id, product_id, quantity, priority, unit_cents)"
        " VALUES (?, ?, ?, ?, ?, ?) RETURNING *",
        (
            new_id(connection, "O"),
            body.customer_id,
            body.product_id,
            body.quantity,
            body.priority,
            product["unit_cents"],
        ),
    ).fetchone()
    return _order(row)


def cancel_order(connection: sqlite3.Connection, order_id: str, _body: Nothing) -> Order:
    """Cancel an order and give its quantity back; an order that is cancelled already stays so."""
    order = find(connection, _ORDER, order_id, "order")
    if order["status"] == "cancelled":
        return _order(order)
    shipped = connection.execute(
        "SELECT shipment_id FROM shipments WHERE order_id = ? AND status = 'confirmed'", (order_id,)
    ).fetchone()
    if shipped:
        raise RefusedError(
            409, "order_shipped", f"Shipment {shipped[0]} of {order_id} must be cancelled first."
        )
    connection.execute(
        "UPDATE products SET available = available + ? WHERE product_id = ?",
        (order["quantity"], order["product_id"]),
    )
    connection.execute("UPDATE orders SET status = 'cancelled' WHERE order_id = ?", (order_id,))
    return _order({**order, "status": "cancelled"})


def refund_order(connection: sqlite3.Connection, order_id: str, body: NewRefund) -> Refund:
    """Give money back, at most what the order cost; refuses with `refund_too_large`."""
    order = find(connection, _ORDER, order_id, "order")
    cents = round(body.amount * 100)
    refunded = order["refunded_cents"] + cents
    left = order["quantity"] * order["unit_cents"] - order["refunded_cents"]
    if not 0 < cents <= left:
        raise RefusedError(422, "refund_too_large", f"Between 0.01 and {left / 100:.2f} can be refunded.")
    connection.execute("UPDATE orders SET refunded_cents = ? WHERE order_id = ?", (refunded, order_id))
    return Refund(order_id=order_id, amount=cents / 100, refunded=refunded / 100)


def known_product(connection: sqlite3.Connection, body: NewOrder) -> dict[str, Any]:
    """Return the product's row; refuses an unknown customer or product."""
    find(connection, _CUSTOMER, body.customer_id, "customer")
    return find(connection, _PRODUCT, body.product_id, "product")


def _order(row: sqlite3.Row | dict[str, Any]) -> Order:
    return Order(
        order_id=row["order_id"],
        customer_id=row["customer_id"],
        product_id=row["product_id"],
        quantity=row["quantity"],
        priority=row["priority"],
        status=row["status"],
        unit_price=row["unit_cents"] / 100,
        total=row["quantity"] * row["unit_cents"] / 100,
        refunded=row["refunded_cents"] / 100,
    )
