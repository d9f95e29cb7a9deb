"""What Tryton says, read as what routes know: ids, orders, stock, notes."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import FailedError, InDoubtError, UnusableResultError
from connectors.tryton.afterwards import after_a_change
from connectors.tryton.looking import on_one_line, stock_of
from connectors.tryton.numbers import Letter, checked_code, id_of, number_of
from connectors.tryton.placing import furthest
from connectors.tryton.sales import Line, backorder_of, checked, description_of, order_of
from tests.connectors.tryton.test_tryton_undoing import SALE


def test_ids_are_numbers_behind_a_letter() -> None:
    assert number_of("O", id_of("O", "SO-12")) == "SO-12"
    assert number_of("K", id_of("K", "1000")) == "1000"
    others: tuple[tuple[Letter, str], ...] = (("K", "K-A1"), ("B", "O-1"), ("O", "K-1"))
    for letter, text in others:
        with pytest.raises(FailedError):
            number_of(letter, text)


@pytest.mark.parametrize("text", ["B-1", "O-", "O-1 OR 1", "O-%", "o-1", "O-" + "1" * 41, "", "O-1\n"])
def test_what_can_be_no_id_is_not_looked_for(text: str) -> None:
    with pytest.raises(FailedError) as error:
        number_of("O", text)
    assert error.value.code == "not_found"


@pytest.mark.parametrize("number", [None, "12/3", "12 3", ""])
def test_a_number_that_makes_no_id_says_so_and_does_not_undo_what_was_done(number: str | None) -> None:
    with pytest.raises(UnusableResultError) as error:
        id_of("O", number)
    assert error.value.executed


def test_only_a_confirmed_or_cancelled_sale_of_whole_pieces_of_one_product_is_an_order() -> None:
    assert order_of(SALE).status == "confirmed"
    for line in (None, Line("P-100", 1.5, 40.0)):
        with pytest.raises(FailedError) as error:
            order_of(replace(SALE, line=line))
        assert error.value.code == "not_one_product"
    with pytest.raises(FailedError) as error:
        backorder_of(replace(SALE, state="quotation", letter="B"))
    assert error.value.code == "not_confirmed"


@pytest.mark.parametrize("letter", ["O", "B"])
def test_orders_and_backorders_are_told_apart_by_what_is_written_into_them(letter: Letter) -> None:
    said = {description_of(letter, priority) for priority in ("standard", "expedited")}
    assert len(said) == 2
    assert not said & {description_of("B" if letter == "O" else "O", p) for p in ("standard", "expedited")}


@pytest.mark.parametrize(
    ("here", "later", "available"),
    [(5.0, 3.0, 3), (3.0, 5.0, 3), (5.0, -2.0, 0), (2.7, 9.0, 2), (None, 1.0, 0)],
)
def test_available_is_what_is_here_and_not_promised(here: float | None, later: float, available: int) -> None:
    row: dict[str, Any] = {"code": "P-100", "name": "Desk lamp", "sale_price_uom": Decimal("40.00")}
    assert stock_of({**row, "quantity": here, "forecast_quantity": later}).available == available


@pytest.mark.parametrize("code", ["1000", "C-", "C-1 2", "P-100", "", "C-1\n"])
def test_a_customer_whose_code_no_record_can_tell_is_refused_before_anything_is_done(code: str) -> None:
    for refused in (lambda: checked_code("C", code), lambda: checked(replace(SALE, customer_id=code))):
        with pytest.raises(FailedError) as error:
            refused()
        assert error.value.code == "not_usable"


def test_of_two_sales_of_one_key_the_one_goes_on_that_has_come_furthest() -> None:
    states = ["draft", "quotation", "cancelled", "processing", "done", "confirmed", "draft"]
    sales = [replace(SALE, number=number, state=state) for number, state in enumerate(states)]
    assert [sale.number for sale in furthest(sales)] == [3, 4, 5, 2, 1, 0, 6]


def test_an_address_is_written_on_one_line() -> None:
    assert on_one_line("12 Mill Lane\n\n Leeds ") == "12 Mill Lane, Leeds"
    assert on_one_line(None) == ""


def test_a_refusal_after_a_change_no_longer_says_that_nothing_was_done() -> None:
    with pytest.raises(InDoubtError, match="sale 7"), after_a_change("sale 7"):
        raise FailedError("no")
    with pytest.raises(FailedError, match="no"), after_a_change("sale 7", changed=False):
        raise FailedError("no")
