"""Customers and products as Tryton has them."""

from decimal import Decimal

from connectors.errors import FailedError
from connectors.sandbox.records import CreditStatus, Customer, Stock
from connectors.tryton.numbers import checked_code, missing
from connectors.tryton.settings import Categories, TrytonSettings
from connectors.tryton.system import Row, Tryton


async def find_party(tryton: Tryton, customer_id: str) -> Row:
    """Return the party with a code.

    Raises:
        FailedError: code `not_found` or `not_usable`.
    """
    checked_code("C", customer_id)
    limit = tryton.settings.credit_limit_field
    fields = ["code", "name", "categories.name", "addresses.full_address", *([limit] if limit else [])]
    found = await tryton.read("party.party", [["code", "=", customer_id]], fields)
    if not found:
        raise missing("customer", customer_id)
    return found[0]


def customer_of(party: Row, settings: TrytonSettings) -> Customer:
    """Return a customer; an address is written on one line."""
    limit = party.get(settings.credit_limit_field) if settings.credit_limit_field else None
    names = {each["name"] for each in party["categories."]}
    addresses = [on_one_line(each["full_address"]) for each in party["addresses."]]
    return Customer(
        customer_id=party["code"],
        name=party["name"],
        tier="vip" if settings.categories.vip in names else "standard",
        credit_status=_credit(names, settings.categories),
        credit_limit=float(limit or 0),
        address=addresses[0] if addresses else "",
    )


def on_one_line(address: str | None) -> str:
    """Return an address of several lines, and of several commas, on one."""
    lines = (line.strip() for line in (address or "").splitlines())
    return ", ".join(filter(None, lines))


def _credit(names: set[str], categories: Categories) -> CreditStatus:
    """Nobody's credit is approved by what is not said."""
    if categories.blocked in names:
        return "blocked"
    return "approved" if categories.approved in names else "review"


async def find_product(tryton: Tryton, product_id: str) -> Row:
    """Return the product with a code that is for sale.

    Raises:
        FailedError: code `not_found`, `not_usable`, `other_unit` or `no_price`.
    """
    checked_code("P", product_id)
    premises = await tryton.premises()
    context = {"locations": [premises.warehouse], "currency": premises.currency}
    fields = ["code", "name", "quantity", "forecast_quantity", "sale_price_uom", "sale_uom", "default_uom"]
    where = [["code", "=", product_id], ["salable", "=", True]]
    found = await tryton.read("product.product", where, fields, context)
    if not found:
        raise missing("product", product_id)
    product = found[0]
    if product["sale_uom"] != product["default_uom"]:
        message = f"{product_id} is sold in another unit than it is stored in: its stock cannot be compared."
        raise FailedError(message, code="other_unit")
    if product["sale_price_uom"] is None:
        raise FailedError(f"{product_id} has no price in Tryton.", code="no_price")
    return product


def stock_of(product: Row) -> Stock:
    """Return a product's stock: whole pieces, never less than none.

    Available is the lesser of what lies in the warehouse and of what will after all that is planned: neither what is promised
    to others is counted, nor what is only expected.
    """
    available = min(product["quantity"] or 0, product["forecast_quantity"] or 0)
    return Stock(
        product_id=product["code"],
        name=product["name"],
        available=max(0, int(available)),
        unit_price=float(Decimal(product["sale_price_uom"])),
    )
