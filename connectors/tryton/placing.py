"""Placing an order or a backorder: a sale is made once for a key, and pushed from draft to processed.

The key is the sale's reference, which nothing in Tryton keeps unique: it is looked for before a sale is made and before each step.
Where two attempts made one each, the sale that has come furthest goes on, of equal ones the older; the other stays a draft, or is
deleted. Whoever repeats the call goes on where the last attempt stopped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from connectors.errors import FailedError, InDoubtError
from connectors.sandbox.records import Priority
from connectors.tryton.afterwards import after_a_change
from connectors.tryton.looking import find_party, find_product, stock_of
from connectors.tryton.numbers import Letter, missing
from connectors.tryton.once import make_once
from connectors.tryton.sales import MODEL, Sale, description_of, sale_numbered, sales_with
from connectors.tryton.system import Row, Tryton
from connectors.tryton.undoing import next_step, take, undo

_MOST_STEPS: Final = 20
_BUTTONS: Final = {"draft": "quote", "quotation": "confirm", "confirmed": "process"}
_RANK: Final = {"cancelled": 1, "quotation": 2, "draft": 3}
_OF_PARTY: Final = (
    *("invoice_party", "invoice_address", "shipment_party", "shipment_address"),
    *("payment_term", "currency", "invoice_method"),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a sale is to say.

    Attributes:
        letter: an order, or a backorder: invoiced with its shipment, which waits for stock.
        customer_id: code of the party.
        product_id: code of the product.
        quantity: how many.
        priority: how fast it shall be handled.
    """

    letter: Letter
    customer_id: str
    product_id: str
    quantity: int
    priority: Priority


async def place(tryton: Tryton, wanted: Wanted, key: str) -> Sale:
    """Return the processed sale of a key.

    Raises:
        FailedError: Tryton refuses it, and what was made of it is taken back; code `out_of_stock`; `cancelled` where the sale
            of this key has been taken back; `stale` where somebody made something else of it.
        InDoubtError: it is there, and goes no further for now.
    """
    await make_once(
        tryton,
        MODEL,
        find=lambda: _numbers(tryton, key),
        values=lambda: values_of(tryton, wanted, key),
    )
    for _ in range(_MOST_STEPS):
        sale = await _furthest(tryton, key)
        _check(sale, wanted)
        button = _BUTTONS.get(sale.state)
        if button is None:
            return sale
        try:
            await tryton.push(MODEL, button, sale.number, seen=sale.seen)
        except FailedError:
            with after_a_change(str(sale)):
                as_seen = await sale_numbered(tryton, sale.number) == sale
            if as_seen:
                await _take_back(tryton, sale)
                raise
            # An earlier attempt is still under way, or a colleague: how it stands now says what is next.
    raise InDoubtError(f"the sale of {key} is made, and {_MOST_STEPS} steps did not confirm it")


async def _furthest(tryton: Tryton, key: str) -> Sale:
    with after_a_change(f"the sale of {key}"):
        sales = await sales_with(tryton, key)
        if not sales:
            raise missing("sale with the reference", key)
        return furthest(sales)[0]


def furthest(sales: Sequence[Sale]) -> list[Sale]:
    """Return the sales of one key, the one first that goes on: a draft that turns up late must not become a second order."""
    return sorted(sales, key=lambda sale: (_RANK.get(sale.state, 0), sale.number))


async def _take_back(tryton: Tryton, sale: Sale) -> None:
    """Take back a sale that Tryton refuses, if it is still as it was seen: nobody else's work is to be undone with it."""
    with after_a_change(str(sale)):
        step = next_step(sale)
        assert step is not None
        await take(tryton, sale, step)
        await undo(tryton, await sale_numbered(tryton, sale.number))


def _check(sale: Sale, wanted: Wanted) -> None:
    if sale.standing == "cancelled":
        raise FailedError(f"{sale} has been cancelled.", code="cancelled")
    line = sale.line
    # Exactly: of a quantity that was made 2.5 nobody asked for 2.
    said = line and (sale.letter, sale.customer_id, line.product_id, line.quantity, sale.priority)
    if said != (wanted.letter, wanted.customer_id, wanted.product_id, wanted.quantity, wanted.priority):
        raise FailedError(f"{sale} was changed by somebody else, who has it now.", code="stale")


async def _numbers(tryton: Tryton, key: str) -> list[int]:
    return [sale.number for sale in furthest(await sales_with(tryton, key))]


async def values_of(tryton: Tryton, wanted: Wanted, key: str) -> Row:
    """Return what a new sale is made of, as Tryton's own form fills it in.

    Raises:
        FailedError: code `not_found`, `out_of_stock`, `no_price`, `other_unit`.
    """
    party = await find_party(tryton, wanted.customer_id)
    product = await find_product(tryton, wanted.product_id)
    available = stock_of(product).available
    if wanted.letter == "O" and available < wanted.quantity:
        # Tryton itself would sell what is not there.
        raise FailedError(f"Only {available} of {wanted.product_id} are available.", code="out_of_stock")
    premises = await tryton.premises()
    start = {
        "company": premises.company,
        "currency": premises.currency,
        "warehouse": premises.warehouse,
        "party": party["id"],
    }
    known = await tryton.filled_in(MODEL, start, ["party"])
    sale: Row = {**start, **{name: known[name] for name in _OF_PARTY if name in known}}
    parent = {f"_parent_sale.{name}": sale[name] for name in ("company", "currency", "warehouse", "party")}
    line: Row = {"type": "line", "product": product["id"], "quantity": float(wanted.quantity)}
    priced = await tryton.filled_in("sale.line", {**line, **parent}, ["product", "quantity"])
    if priced.get("unit_price") is None:
        message = f"{wanted.product_id} has no price for {wanted.customer_id}."
        raise FailedError(message, code="no_price")
    line |= {"unit": priced["unit"], "unit_price": priced["unit_price"], "taxes": _added(priced.get("taxes"))}
    return {
        **sale,
        **({"invoice_method": "fulfillment"} if wanted.letter == "B" else {}),
        "shipment_method": "order",  # it is the shipment that takes the quantity from the stock
        "reference": key,
        "description": description_of(wanted.letter, wanted.priority),
        "lines": [["create", [line]]],
    }


def _added(change: Any) -> list[Any]:
    """Return how a new record gets the members that a form would add."""
    added = change.get("add", []) if isinstance(change, dict) else []
    return [["add", [member["id"] for _, member in added]]]
