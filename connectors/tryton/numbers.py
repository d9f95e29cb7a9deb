"""Ids as routes know them, and the numbers of Tryton's records behind them. Pure."""

import re
from typing import Final, Literal

from connectors.errors import FailedError, UnusableResultError

Letter = Literal["O", "B", "S", "K"]
"""Of orders, backorders, shipments and cases: `O-1000` is the sale with number 1000. Customers and products go by their codes."""

_WHAT: Final = {"O": "order", "B": "backorder", "S": "shipment", "K": "case"}
_CODE: Final = {"C": re.compile(r"C-[A-Za-z0-9-]+"), "P": re.compile(r"P-[A-Za-z0-9-]+")}
_ID: Final = re.compile(r"(?:([OBS])-([A-Za-z0-9-]{1,40})|(K)-([0-9]{1,40}))")


def id_of(letter: Letter, number: str | None) -> str:
    """Return the id of a record with a number.

    Raises:
        UnusableResultError: the number cannot be said in an id; what has it is there.
    """
    made = f"{letter}-{number}"
    if number is None or not _ID.fullmatch(made):
        raise UnusableResultError(
            f"Tryton numbers a {_WHAT[letter]} {number!r}: its id takes letters, digits and hyphens, that of a case digits",
            executed=True,
        )
    return made


def number_of(letter: Letter, text: str) -> str:
    """Return the number behind an id.

    Raises:
        FailedError: code `not_found`: there can be no such id.
    """
    found = _ID.fullmatch(text)
    if found is None or (found[1] or found[3]) != letter:
        raise missing(_WHAT[letter], text)
    return found[2] or found[4]


def checked_code(letter: Literal["C", "P"], text: str) -> str:
    """Return the code of a customer or a product, as it is.

    Raises:
        FailedError: code `not_usable`: routes, events and records know no such codes, so nothing could be said of it.
    """
    if not _CODE[letter].fullmatch(text):
        what = "customer" if letter == "C" else "product"
        raise FailedError(
            f"The {what} {text[:60]!r} has no code that begins with {letter}-.", code="not_usable"
        )
    return text


def missing(what: str, text: str) -> FailedError:
    """Return what is to be raised where there is no such thing."""
    return FailedError(f"There is no {what} {text[:60]}.", code="not_found")
