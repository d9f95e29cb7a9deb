"""The order in which a sale is taken back: from any state it ends with nothing left, or is refused before anything is done."""

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import FailedError
from connectors.tryton.sales import Line, Part, Sale
from connectors.tryton.undoing import Step, next_step

LINE: Final = Line("P-100", 2.0, 40.0)
SALE: Final = Sale(1, "1000", "processing", "none", "none", "C-100", "O", "standard", LINE, 80.0, (), (), "1")


def part(state: str, number: int = 1, *, shared: bool = False) -> Part:
    return Part(number, str(number), state, shared, "1")


def done(sale: Sale, step: Step) -> Sale:
    """What Tryton makes of a sale when a step is taken."""
    match step.what:
        case "cancel":
            return replace(sale, state="cancelled")
        case "draft":
            return replace(sale, state="draft")
        case "cancel_shipment":
            shipments = tuple(replace(p, state="cancelled") if p == step.part else p for p in sale.shipments)
            return replace(sale, shipments=shipments, shipment_state="exception")
        case "cancel_invoice":
            invoices = tuple(replace(p, state="cancelled") if p == step.part else p for p in sale.invoices)
            return replace(sale, invoices=invoices, invoice_state="exception")
        case "ignore_moves":
            return replace(sale, shipment_state="none")
        case "ignore_invoices":
            return replace(sale, invoice_state="none")
        case "process":
            return replace(sale, state="done")


def parts(states: list[str]) -> st.SearchStrategy[tuple[Part, ...]]:
    return st.lists(st.sampled_from(states), max_size=3).map(
        lambda found: tuple(part(state, number) for number, state in enumerate(found, start=1))
    )


@given(
    st.sampled_from(["draft", "quotation", "confirmed", "processing"]),
    parts(["draft", "waiting", "assigned", "picked", "packed", "cancelled"]),
    parts(["draft", "validated", "cancelled"]),
)
def test_whatever_has_not_left_or_been_billed_is_taken_back_to_the_last_part(
    state: str, shipments: tuple[Part, ...], invoices: tuple[Part, ...]
) -> None:
    sale = replace(SALE, state=state, shipments=shipments, invoices=invoices)
    taken: list[str] = []
    while (step := next_step(sale)) is not None:
        sale = done(sale, step)
        taken.append(step.what)
        assert len(taken) < 20
    assert sale.standing == "cancelled"
    assert taken == sorted(taken, key=_place)


def _place(what: str) -> int:
    order = [
        "draft",
        "cancel",
        "cancel_shipment",
        "ignore_moves",
        "cancel_invoice",
        "ignore_invoices",
        "process",
    ]
    return order.index(what)


@pytest.mark.parametrize(
    ("shipment", "invoice", "code"),
    [
        (part("done"), part("draft"), "shipped"),
        (part("shipped"), part("draft"), "shipped"),
        (part("waiting"), part("posted"), "invoiced"),
        (part("waiting"), part("paid"), "invoiced"),
        (part("waiting", shared=True), part("draft"), "shared"),
        (part("waiting"), part("draft", shared=True), "shared"),
    ],
)
@pytest.mark.parametrize("state", ["processing", "done"])
def test_what_cannot_be_taken_back_whole_is_refused_before_the_first_step(
    shipment: Part, invoice: Part, code: str, state: str
) -> None:
    with pytest.raises(FailedError) as error:
        next_step(replace(SALE, state=state, shipments=(part("cancelled", 9), shipment), invoices=(invoice,)))
    assert error.value.code == code


def test_a_sale_is_cancelled_when_nothing_is_left_of_it_whatever_tryton_calls_it() -> None:
    gone = (part("cancelled"),)
    assert replace(SALE, state="done", shipments=gone, invoices=gone).standing == "cancelled"
    assert replace(SALE, state="cancelled").standing == "cancelled"
    assert replace(SALE, state="done", shipments=(part("done"),)).standing == "confirmed"
    assert replace(SALE, state="processing", shipments=gone).standing == "confirmed"
    assert replace(SALE, state="quotation").standing is None
