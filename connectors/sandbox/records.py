"""What the sandbox says: the bodies of its answers, shared by the service and its connectors.

Amounts are in euro with two decimals. Every field is always there; one that says nothing is null.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Priority = Literal["standard", "expedited"]
Tier = Literal["standard", "vip"]
CreditStatus = Literal["approved", "blocked", "review"]
Standing = Literal["confirmed", "cancelled"]
"""Of orders, invoices, shipments and backorders."""
CaseStatus = Literal["open", "resolved"]

CustomerId = Annotated[str, Field(pattern=r"^C-[A-Za-z0-9-]+$")]
ProductId = Annotated[str, Field(pattern=r"^P-[A-Za-z0-9-]+$")]
OrderId = Annotated[str, Field(pattern=r"^O-[A-Za-z0-9-]+$")]
BackorderId = Annotated[str, Field(pattern=r"^B-[A-Za-z0-9-]+$")]
ShipmentId = Annotated[str, Field(pattern=r"^S-[A-Za-z0-9-]+$")]
InvoiceId = Annotated[str, Field(pattern=r"^I-[A-Za-z0-9-]+$")]
CaseRef = Annotated[str, Field(pattern=r"^[A-Z]+-[0-9]+$")]
"""Ids say what they look like: what looks otherwise is free text, which no protected argument may come from."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Stock(_Record):
    """A product and how many of it can be ordered now."""

    product_id: ProductId
    name: str
    available: int
    unit_price: float


class Order(_Record):
    """An order of one product."""

    order_id: OrderId
    customer_id: CustomerId
    product_id: ProductId
    quantity: int
    priority: Priority
    status: Standing
    unit_price: float
    total: float
    refunded: float


class Backorder(_Record):
    """A wish for a product that is out of stock."""

    backorder_id: BackorderId
    customer_id: CustomerId
    product_id: ProductId
    quantity: int
    priority: Priority
    status: Standing


class Shipment(_Record):
    """A scheduled delivery of one order."""

    shipment_id: ShipmentId
    order_id: OrderId
    address: str
    status: Standing


class Invoice(_Record):
    """An invoice over the total of one order."""

    invoice_id: InvoiceId
    order_id: OrderId
    total: float
    status: Standing


class Refund(_Record):
    """Money given back on an order."""

    order_id: OrderId
    amount: float
    refunded: float
    """Everything given back on this order so far."""


class Customer(_Record):
    """A customer as sales knows them."""

    customer_id: CustomerId
    name: str
    tier: Tier
    credit_status: CreditStatus
    credit_limit: float
    address: Annotated[str, Field(json_schema_extra={"pii": True})]


class Case(_Record):
    """A customer's question or complaint."""

    case_ref: CaseRef
    customer_id: CustomerId
    order_id: OrderId | None
    subject: str
    status: CaseStatus
    resolution: str | None
    notes: list[str]
