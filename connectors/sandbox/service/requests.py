"""The bodies the service accepts."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from connectors.sandbox.records import Priority

Id = Annotated[str, Field(min_length=1, max_length=40)]
Quantity = Annotated[int, Field(ge=1, le=100_000)]
Text = Annotated[str, Field(min_length=1, max_length=4_000)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Nothing(_Request):
    """The path says it all."""


class NewOrder(_Request):
    """Orders and backorders ask for the same things."""

    customer_id: Id
    product_id: Id
    quantity: Quantity
    priority: Priority = "standard"


class OfOrder(_Request):
    """Something that belongs to an order: a shipment, an invoice."""

    order_id: Id


class NewRefund(_Request):
    """Money to give back, in euro."""

    amount: Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]


class NewCase(_Request):
    """A case to open."""

    customer_id: Id
    subject: Text
    order_id: Id | None = None


class NewNote(_Request):
    """A note on a case."""

    text: Text


class Resolution(_Request):
    """How a case was resolved."""

    resolution: Text
