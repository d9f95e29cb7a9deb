"""What follows an order: shipments, invoices, backorders. Each function runs inside the caller's transaction."""

import sqlite3
from typing import Any

from connectors.sandbox.records import Backorder, Invoice, Shipment
from connectors.sandbox.service.orders import known_product
from connectors.sandbox.service.refusal import RefusedError
from connectors.sandbox.service.requests import NewOrder, Nothing, OfOrder
from connectors.sandbox.service.store import find, new_id

_DELIVERY = """
SELECT orders.status, quantity * orders.unit_cents AS total_cents, address, deliverable, has_carrier, product_id
FROM orders JOIN customers USING (customer_id) JOIN products USING (product_id)
WHERE order_id = ?
"""


def schedule_shipment(connection: sqlite3.Connection, _subject: str, body: OfOrder) -> Shipment:
    """Schedule the delivery of a confirmed order; refuses with `no_carrier` where nobody delivers it."""
    order = _confirmed(connection, body.order_id)
    if not order["has_carrier"]:
        raise RefusedError(422, "no_carrier", f"No carrier takes {order['product_id']}.")
    if not order["deliverable"]:
        raise RefusedError(422, "no_carrier", f"No carrier delivers to {order['address']}.")
    _refuse_second(connection, "shipments", body.order_id)
    row = connection.execute(
        "INSERT INTO shipments (shipment_id, order_id, address) VALUES (?, ?, ?) RETURNING *",
        (new_id(connection, "S"), body.order_id, order["address"]),
    ).fetchone()
    return Shipment(**dict(row))


def cancel_shipment(connection: sqlite3.Connection, shipment_id: str, _body: Nothing) -> Shipment:
    """Cancel a shipment; one that is cancelled already stays so."""
    row = find(connection, "SELECT * FROM shipments WHERE shipment_id = ?", shipment_id, "shipment")
    connection.execute("UPDATE shipments SET status = 'cancelled' WHERE shipment_id = ?", (shipment_id,))
    return Shipment.model_validate({**row, "status": "cancelled"})


def create_invoice(connection: sqlite3.Connection, _subject: str, body: OfOrder) -> Invoice:
    """Invoice a confirmed order; refuses a second invoice."""
    order = _confirmed(connection, body.order_id)
    _refuse_second(connection, "invoices", body.order_id)
    row = connection.execute(
        "INSERT INTO invoices (invoice_id, order_id, total_cents) VALUES (?, ?, ?) RETURNING *",
        (new_id(connection, "I"), body.order_id, order["total_cents"]),
    ).fetchone()
    return _invoice(dict(row))


def cancel_invoice(connection: sqlite3.Connection, invoice_id: str, _body: Nothing) -> Invoice:
    """Cancel an invoice; one that is cancelled already stays so."""
    row = find(connection, "SELECT * FROM invoices WHERE invoice_id = ?", invoice_id, "invoice")
    connection.execute("UPDATE invoices SET status = 'cancelled' WHERE invoice_id = ?", (invoice_id,))
    return _invoice({**row, "status": "cancelled"})


def create_backorder(connection: sqlite3.Connection, _subject: str, body: NewOrder) -> Backorder:
    """Note what a customer wants as soon as it is there; takes nothing from the stock."""
    known_product(connection, body)
    row = connection.execute(
        "INSERT INTO backorders (backorder_id, customer_id, product_id, quantity, priority)"
        " VALUES (?, ?, ?, ?, ?) RETURNING *",
        (new_id(connection, "B"), body.customer_id, body.product_id, body.quantity, body.priority),
    ).fetchone()
    return Backorder(**dict(row))


def cancel_backorder(connection: sqlite3.Connection, backorder_id: str, _body: Nothing) -> Backorder:
    """Cancel a backorder; one that is cancelled already stays so."""
    row = find(connection, "SELECT * FROM backorders WHERE backorder_id = ?", backorder_id, "backorder")
    connection.execute("UPDATE backorders SET status = 'cancelled' WHERE backorder_id = ?", (backorder_id,))
    return Backorder.model_validate({**row, "status": "cancelled"})


def _confirmed(connection: sqlite3.Connection, order_id: str) -> dict[str, Any]:
    order = find(connection, _DELIVERY, order_id, "order")
    if order["status"] != "confirmed":
        raise RefusedError(409, "order_cancelled", f"Order {order_id} is cancelled.")
    return order


def _refuse_second(connection: sqlite3.Connection, table: str, order_id: str) -> None:
    statement = f"SELECT 1 FROM {table} WHERE order_id = ? AND status = 'confirmed'"  # noqa: S608 - our own names
    if connection.execute(statement, (order_id,)).fetchone():
        raise RefusedError(409, "already_there", f"Order {order_id} has one of the {table} already.")


def _invoice(row: dict[str, Any]) -> Invoice:
    total = row.pop("total_cents") / 100
    return Invoice(**row, total=total)
