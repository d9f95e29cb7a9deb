"""The table of everything the service does. Routes, ledger and OpenAPI document are made from it."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from connectors.sandbox import records
from connectors.sandbox.service import fulfilment, orders, relations, requests

Handler = Callable[[sqlite3.Connection, str, Any], BaseModel]
"""`handle(connection, subject, body)`: the subject is the path's one parameter, or empty."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the table.

    Attributes:
        method: a GET reads, a POST is an effect and goes through the ledger.
        path: with at most one parameter, `{subject}`.
        handle: does it.
        answer: model of the answer.
        body: model of the request's body.
    """

    method: Literal["GET", "POST"]
    path: str
    handle: Handler
    answer: type[BaseModel]
    body: type[BaseModel] = requests.Nothing

    @property
    def name(self) -> str:
        """Its name in ledger and OpenAPI document."""
        return self.handle.__name__

    @property
    def summary(self) -> str:
        """First line of the handler's docstring."""
        return (self.handle.__doc__ or "").split("\n", 1)[0]


def _get(path: str, handle: Handler, answer: type[BaseModel]) -> Operation:
    return Operation("GET", path, handle, answer)


def _post(
    path: str, handle: Handler, answer: type[BaseModel], body: type[BaseModel] = requests.Nothing
) -> Operation:
    return Operation("POST", path, handle, answer, body)


OPERATIONS: tuple[Operation, ...] = (
    # ERP
    _get("/products/{subject}", orders.get_stock, records.Stock),
    _get("/orders/{subject}", orders.get_order, records.Order),
    _post("/orders", orders.create_order, records.Order, requests.NewOrder),
    _post("/orders/{subject}/cancel", orders.cancel_order, records.Order),
    _post("/orders/{subject}/refund", orders.refund_order, records.Refund, requests.NewRefund),
    _post("/backorders", fulfilment.create_backorder, records.Backorder, requests.NewOrder),
    _post("/backorders/{subject}/cancel", fulfilment.cancel_backorder, records.Backorder),
    _post("/shipments", fulfilment.schedule_shipment, records.Shipment, requests.OfOrder),
    _post("/shipments/{subject}/cancel", fulfilment.cancel_shipment, records.Shipment),
    _post("/invoices", fulfilment.create_invoice, records.Invoice, requests.OfOrder),
    _post("/invoices/{subject}/cancel", fulfilment.cancel_invoice, records.Invoice),
    # CRM
    _get("/customers/{subject}", relations.get_customer, records.Customer),
    _get("/cases/{subject}", relations.get_case, records.Case),
    _post("/cases", relations.open_case, records.Case, requests.NewCase),
    _post("/cases/{subject}/notes", relations.add_note, records.Case, requests.NewNote),
    _post("/cases/{subject}/resolve", relations.resolve_case, records.Case, requests.Resolution),
    _post("/cases/{subject}/reopen", relations.reopen_case, records.Case),
)
