"""What the sandbox says: the bodies of its answers, shared by the service and its connectors.

Amounts are in euro with two decimals. Every field is always there; one that says nothing is null.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Priority = Literal["standard", "expedited"]
Tier = Literal["standard", "vip"]
CreditStatus = Literal["approved", "blocked", "review"]
Standing = Literal["confirmed", "cancelled"]
"""Of orders, invoices, shipments and backorders."""
CaseStatus = Literal["open", "resolved"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Stock(_Record):
    """A product and how many of it can be ordered now."""

    product_id: str
    name: str
    available: int
    unit_price: float


class Order(_Record):
    """An order of one product."""

    order_id: str
    customer_id: str
    product_id: str
    quantity: int
    priority: Priority
    status: Standing
    unit_price: float
    total: float
    refunded: float


class Backorder(_Record):
    """A wish for a product that is out of stock."""

    backorder_id: str
    customer_id: str
    product_id: str
    quantity: int
    priority: Priority
    status: Standing


class Shipment(_Record):
    """A scheduled delivery of one order."""

    shipment_id: str
    order_id: str
    address: str
    status: Standing


class Invoice(_Record):
    """An invoice over the total of one order."""

    invoice_id: str
    order_id: str
    total: float
    status: Standing


class Refund(_Record):
    """Money given back on an order."""

    order_id: str
    amount: float
    refunded: float
    """Everything given back on this order so far."""


class Customer(_Record):
    """A customer as sales knows them."""

    customer_id: str
    name: str
    tier: Tier
    credit_status: CreditStatus
    credit_limit: float
    address: str


class Case(_Record):
    """A customer's question or complaint."""

    case_ref: str
    customer_id: str
    order_id: str | None
    subject: str
    status: CaseStatus
    resolution: str | None
    notes: list[str]
