"""Taking back a sale in whichever state it is: one step after the other, each chosen by how it stands then.

Tryton cancels offers, and refuses that once a sale is processed: then its shipments are cancelled, their exception ignored,
its draft invoices cancelled, their exception ignored, and it ends as done with nothing left of it. A worker that dies between
two steps leaves a sale whose next step is the same for whoever comes after it.
"""

from dataclasses import dataclass
from typing import Final, Literal

from connectors.errors import FailedError, InDoubtError
from connectors.tryton.afterwards import after_a_change
from connectors.tryton.sales import INVOICE, MODEL, SHIPMENT, Part, Sale, sale_numbered
from connectors.tryton.system import Tryton

_MOST_STEPS: Final = 40
_GONE: Final = frozenset(("shipped", "done"))
_BILLED: Final = frozenset(("posted", "paid"))
_WIZARDS: Final = {
    "ignore_moves": ("sale.handle.shipment.exception", "moves"),
    "ignore_invoices": ("sale.handle.invoice.exception", "invoices"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do.

    Attributes:
        what: a button of the sale, `cancel_shipment` or `cancel_invoice` of a part, or a wizard.
        part: which shipment or invoice.
    """

    what: Literal[
        "cancel", "draft", "process", "cancel_shipment", "ignore_moves", "cancel_invoice", "ignore_invoices"
    ]
    part: Part | None = None


def next_step(sale: Sale) -> Step | None:
    """Return what is to be done next, or None where nothing is left of it.

    Raises:
        FailedError: code `shipped`, `invoiced` or `shared`: it cannot be taken back any more; nothing is done.
    """
    match sale.state:
        case "cancelled":
            return None
        case "draft" | "quotation":
            return Step("cancel")
        case "confirmed":
            return Step("draft")
        case _:
            return _while_processed(sale)


def _while_processed(sale: Sale) -> Step | None:
    _check(sale)
    shipment = next((each for each in sale.shipments if each.state != "cancelled"), None)
    if shipment is not None:
        return Step("cancel_shipment", shipment)
    if sale.shipment_state == "exception":
        return Step("ignore_moves")
    invoice = next((each for each in sale.invoices if each.state != "cancelled"), None)
    if invoice is not None:
        return Step("cancel_invoice", invoice)
    if sale.invoice_state == "exception":
        return Step("ignore_invoices")
    # Tryton's queue may not have looked at it since the last step.
    return None if sale.state == "done" else Step("process")


def _check(sale: Sale) -> None:
    if any(each.state in _GONE for each in sale.shipments):
        raise FailedError(f"{sale} has left the warehouse: it takes a return.", code="shipped")
    if any(each.state in _BILLED for each in sale.invoices):
        raise FailedError(f"{sale} is invoiced: it takes a credit note.", code="invoiced")
    parts = (*sale.shipments, *sale.invoices)
    if any(each.shared for each in parts if each.state != "cancelled"):
        raise FailedError(f"{sale} shares a shipment or an invoice with another sale.", code="shared")


async def undo(tryton: Tryton, sale: Sale) -> Sale:
    """Take back a sale and return how it stands then; does nothing where that is done already.

    Raises:
        FailedError: it cannot be taken back, and nothing was done.
        InDoubtError: it is taken back in part, and goes no further for now.
    """
    began = False
    for _ in range(_MOST_STEPS):
        before = sale
        with after_a_change(str(sale), changed=began):
            step = next_step(sale)
            if step is None:
                return sale
            try:
                await take(tryton, sale, step)
            except FailedError:
                sale = await sale_numbered(tryton, sale.number)
                if sale == before:
                    raise
                continue  # somebody else was faster; how it stands now says what is next
        began = True
        with after_a_change(str(sale)):
            sale = await sale_numbered(tryton, sale.number)
    raise InDoubtError(f"{sale} is taken back in part, and {_MOST_STEPS} steps were not enough")


async def take(tryton: Tryton, sale: Sale, step: Step) -> None:
    """Take a step, if what it is about is still as it was seen.

    Raises:
        FailedError: it was not taken: code `stale`, or what Tryton says of a button that does not fit any more.
    """
    if step.what in _WIZARDS:
        wizard, ignored = _WIZARDS[step.what]
        await tryton.answer(wizard, ignored, MODEL, sale.number, seen=sale.seen)
    elif step.part is not None:
        model = SHIPMENT if step.what == "cancel_shipment" else INVOICE
        await tryton.push(model, "cancel", step.part.number, seen=step.part.seen)
    else:
        await tryton.push(MODEL, step.what, sale.number, seen=sale.seen)
