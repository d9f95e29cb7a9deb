"""A sale as Tryton has it, read with all that hangs on it, and as what orders and backorders are."""

from dataclasses import dataclass
from typing import Any, Final

from connectors.errors import FailedError
from connectors.sandbox.records import Backorder, Order, Priority, Standing
from connectors.tryton.numbers import Letter, checked_code, id_of, missing, number_of
from connectors.tryton.system import Row, Tryton

MODEL: Final = "sale.sale"
SHIPMENT: Final = "stock.shipment.out"
INVOICE: Final = "account.invoice"
_FIELDS: Final = (
    *("number", "reference", "description", "state", "shipment_state", "invoice_state", "total_amount"),
    *("party.code", "lines.type", "lines.quantity", "lines.unit_price", "lines.product.code", "_timestamp"),
    *(f"shipments.{name}" for name in ("number", "state", "outgoing_moves.origin", "_timestamp")),
    *(f"invoices.{name}" for name in ("state", "lines.origin", "_timestamp")),
)
_KINDS: Final[dict[str, tuple[Letter, Priority]]] = {
    "Order": ("O", "standard"),
    "Order, expedited": ("O", "expedited"),
    "Backorder": ("B", "standard"),
    "Backorder, expedited": ("B", "expedited"),
}
"""What a sale's description says; of any other it is an order like all others."""


@dataclass(frozen=True, slots=True)
class Part:
    """A shipment or an invoice of a sale.

    Attributes:
        number: of the record.
        name: its number for people, which a draft may not have.
        state: as Tryton calls it.
        shared: whether it is another sale's as well.
        seen: its `_timestamp`.
    """

    number: int
    name: str | None
    state: str
    shared: bool
    seen: str


@dataclass(frozen=True, slots=True)
class Line:
    """The one line of a sale: which product, how many, and for how much each."""

    product_id: str
    quantity: float
    unit_price: float


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale, whole.

    Attributes:
        number: of the record.
        name: its number for people, given with the quotation.
        state: as Tryton calls it; `shipment_state` and `invoice_state` as well.
        customer_id: code of the party.
        letter: whether it is an order or a backorder.
        priority: how fast it shall be handled.
        line: what is sold; None where that is not one product.
        total: with taxes.
        shipments: of it, also cancelled ones.
        invoices: of it, also cancelled ones.
        seen: its `_timestamp`.
    """

    number: int
    name: str | None
    state: str
    shipment_state: str
    invoice_state: str
    customer_id: str
    letter: Letter
    priority: Priority
    line: Line | None
    total: float
    shipments: tuple[Part, ...]
    invoices: tuple[Part, ...]
    seen: str

    @property
    def standing(self) -> Standing | None:
        """Whether it is confirmed or cancelled; None while it is an offer.

        Tryton calls one done that was cancelled while it was processed: nothing is left of it then.
        """
        if self.state in {"draft", "quotation"}:
            return None
        left = any(part.state != "cancelled" for part in (*self.shipments, *self.invoices))
        return (
            "cancelled" if self.state == "cancelled" or (self.state == "done" and not left) else "confirmed"
        )

    def __str__(self) -> str:
        return id_of(self.letter, self.name) if self.name else f"sale {self.number}"


def description_of(letter: Letter, priority: Priority) -> str:
    """Return what is written into a sale so that it is known again."""
    return next(text for text, kind in _KINDS.items() if kind == (letter, priority))


async def sales_with(tryton: Tryton, reference: str) -> list[Sale]:
    """Return the sales with a reference, oldest first: it is not unique in Tryton."""
    return await _read(tryton, [["reference", "=", reference]])


async def sale_numbered(tryton: Tryton, number: int) -> Sale:
    """Return a sale by the number of its record."""
    found = await _read(tryton, [["id", "=", number]])
    if not found:
        raise missing("sale", str(number))
    return found[0]


async def find_sale(tryton: Tryton, letter: Letter, text: str) -> Sale:
    """Return the order or backorder with an id.

    Raises:
        FailedError: code `not_found`.
    """
    found = await _read(tryton, [["number", "=", number_of(letter, text)]])
    if not found or found[0].letter != letter:
        raise missing("order" if letter == "O" else "backorder", text)
    return found[0]


def checked(sale: Sale) -> Line:
    """Return the line of a sale that can be told as an order or a backorder. To be called before anything is done with it.

    Raises:
        FailedError: code `not_one_product` or `not_usable`.
    """
    line = sale.line
    if line is None or line.quantity != int(line.quantity):
        raise FailedError(f"{sale} is not of whole pieces of one product.", code="not_one_product")
    checked_code("C", sale.customer_id)
    checked_code("P", line.product_id)
    return line


def order_of(sale: Sale) -> Order:
    """Return a sale as an order.

    Raises:
        FailedError: as `checked`; code `not_confirmed`.
    """
    line = checked(sale)
    return Order(
        order_id=id_of("O", sale.name),
        customer_id=sale.customer_id,
        product_id=line.product_id,
        quantity=int(line.quantity),
        priority=sale.priority,
        status=_standing(sale),
        unit_price=line.unit_price,
        total=sale.total,
        refunded=0.0,
    )


def backorder_of(sale: Sale) -> Backorder:
    """Return a sale as a backorder; raises like `order_of`."""
    line = checked(sale)
    return Backorder(
        backorder_id=id_of("B", sale.name),
        customer_id=sale.customer_id,
        product_id=line.product_id,
        quantity=int(line.quantity),
        priority=sale.priority,
        status=_standing(sale),
    )


def _standing(sale: Sale) -> Standing:
    if sale.standing is None:
        raise FailedError(f"{sale} is a {sale.state} and no order yet.", code="not_confirmed")
    return sale.standing


async def _read(tryton: Tryton, where: list[Any]) -> list[Sale]:
    company = (await tryton.premises()).company
    rows = await tryton.read(MODEL, [*where, ["company", "=", company]], _FIELDS)
    return [_sale(row) for row in rows]


def _sale(row: Row) -> Sale:
    lines = row["lines."]
    own = {f"sale.line,{line['id']}" for line in lines}
    letter, priority = _KINDS.get(row["description"] or "", ("O", "standard"))
    return Sale(
        number=row["id"],
        name=row["number"],
        state=row["state"],
        shipment_state=row["shipment_state"],
        invoice_state=row["invoice_state"],
        customer_id=row["party."]["code"] or "",
        letter=letter,
        priority=priority,
        line=_line(lines[0]) if len(lines) == 1 else None,
        total=float(row["total_amount"] or 0),
        shipments=tuple(_part(each, each["outgoing_moves."], own) for each in row["shipments."]),
        invoices=tuple(_part(each, each["lines."], own) for each in row["invoices."]),
        seen=row["_timestamp"],
    )


def _line(row: Row) -> Line | None:
    product = row.get("product.")
    if row["type"] != "line" or not product:
        return None
    return Line(product["code"] or "", row["quantity"], float(row["unit_price"] or 0))


def _part(row: Row, inner: list[Row], own: set[str]) -> Part:
    origins = {each["origin"] for each in inner if (each["origin"] or "").startswith("sale.line,")}
    return Part(row["id"], row.get("number"), row["state"], bool(origins - own), row["_timestamp"])
