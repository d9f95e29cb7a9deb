"""Scheduling an order's shipment: Tryton makes it with the order, and its goods are reserved for it here."""

from typing import Any, Final

from connectors.errors import FailedError, InDoubtError
from connectors.sandbox.records import Shipment, Standing
from connectors.tryton.afterwards import after_a_change
from connectors.tryton.looking import on_one_line
from connectors.tryton.numbers import id_of, missing, number_of
from connectors.tryton.sales import SHIPMENT, Sale, find_sale
from connectors.tryton.system import Row, Tryton

_FIELDS: Final = (
    *("number", "state", "delivery_address.full_address", "outgoing_moves.origin"),
    "_timestamp",
)
_MOST_STEPS: Final = 10
_RESERVED: Final = frozenset(("assigned", "picked", "packed", "shipped", "done"))


async def schedule(tryton: Tryton, order_id: str) -> Shipment:
    """Reserve the goods of an order's shipment; does nothing where they are.

    Raises:
        FailedError: code `order_cancelled`, `no_shipment`, `several_shipments`; `not_assigned` where the goods are not in
            the warehouse's storage. Nothing stays reserved then.
    """
    sale = await find_sale(tryton, "O", order_id)
    number = _shipment(sale)
    for _ in range(_MOST_STEPS):
        row = await _read(tryton, [["id", "=", number]], order_id)
        if row["state"] in _RESERVED:
            return _record(row, order_id, "confirmed")
        try:
            if row["state"] == "draft":
                await tryton.push(SHIPMENT, "wait", number, seen=row["_timestamp"])
                continue
            await tryton.push(SHIPMENT, "assign_try", number, seen=row["_timestamp"])
        except FailedError:
            if (await _read(tryton, [["id", "=", number]], order_id))["_timestamp"] == row["_timestamp"]:
                raise
            continue  # somebody else was faster; how it stands now says what is next
        with after_a_change(f"the shipment of {order_id}"):
            after = await _read(tryton, [["id", "=", number]], order_id)
            if after["state"] not in _RESERVED:
                # What there is of it may have been reserved; nobody is to find half a reservation.
                await tryton.push(SHIPMENT, "wait", number, seen=after["_timestamp"])
        if after["state"] not in _RESERVED:
            message = f"The goods of {order_id} are not in the storage of the warehouse."
            raise FailedError(message, code="not_assigned")
    raise InDoubtError(f"the shipment of {order_id} is changed by others again and again")


async def cancel(tryton: Tryton, shipment_id: str) -> Shipment:
    """Give back what is reserved for a shipment, which waits then; does nothing where it waits.

    Raises:
        FailedError: code `picked`: its goods have been taken out already. `stale`: somebody works on it.
    """
    where = [["number", "=", number_of("S", shipment_id)]]
    row = await _read(tryton, where, shipment_id)
    order_id = await _order_of(tryton, row)
    if row["state"] == "assigned":
        await tryton.push(SHIPMENT, "wait", row["id"], seen=row["_timestamp"])
    elif row["state"] in _RESERVED:
        raise FailedError(f"{shipment_id} is {row['state']}: its goods have been taken out.", code="picked")
    return _record(row, order_id, "cancelled")


def _shipment(sale: Sale) -> int:
    if sale.standing != "confirmed":
        raise FailedError(f"{sale} is not confirmed.", code="order_cancelled")
    live = [part for part in sale.shipments if part.state != "cancelled"]
    if len(live) != 1:
        code = "several_shipments" if live else "no_shipment"
        raise FailedError(f"{sale} has {len(live)} shipments.", code=code)
    return live[0].number


async def _read(tryton: Tryton, where: list[Any], text: str) -> Row:
    company = (await tryton.premises()).company
    found = await tryton.read(SHIPMENT, [*where, ["company", "=", company]], _FIELDS)
    if not found:
        raise missing("shipment", text)
    return found[0]


async def _order_of(tryton: Tryton, row: Row) -> str:
    lines = [
        int(each["origin"].partition(",")[2])
        for each in row["outgoing_moves."]
        if (each["origin"] or "").startswith("sale.line,")
    ]
    found = await tryton.read("sale.line", [["id", "in", lines]], ["sale.number"])
    if not found:
        raise missing("order of shipment", id_of("S", row["number"]))
    return id_of("O", found[0]["sale."]["number"])


def _record(row: Row, order_id: str, status: Standing) -> Shipment:
    address = row["delivery_address."] or {}
    return Shipment(
        shipment_id=id_of("S", row["number"]),
        order_id=order_id,
        address=on_one_line(address.get("full_address")),
        status=status,
    )
