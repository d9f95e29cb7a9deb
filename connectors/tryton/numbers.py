"""Ids as routes know them, and the numbers of Tryton's records behind them. Pure."""

import re
from typing import Final, Literal

from connectors.errors import FailedError, UnusableResultError

Letter = Literal["O", "B", "S", "K"]
"""Of orders, backorders, shipments and cases: `O-1000` is the sale with number 1000. Customers and products go by their codes."""

_WHAT: Final = {"O": "order", "B": "backorder", "S": "shipment", "K": "case"}
_ID: Final = re.compile(r"([OBSK])-([A-Za-z0-9-]{1,40})")


def id_of(letter: Letter, number: str | None) -> str:
    """Return the id of a record with a number.

    Raises:
        UnusableResultError: the number cannot be said in an id; what has it is there.
    """
    made = f"{letter}-{number}"
    if number is None or not _ID.fullmatch(made):
        raise UnusableResultError(
            f"Tryton numbers a {_WHAT[letter]} {number!r}: an id takes letters, digits and hyphens only",
            executed=True,
        )
    return made


def number_of(letter: Letter, text: str) -> str:
    """Return the number behind an id.

    Raises:
        FailedError: code `not_found`: there can be no such id.
    """
    found = _ID.fullmatch(text)
    if found is None or found[1] != letter:
        raise missing(_WHAT[letter], text)
    return found[2]


def missing(what: str, text: str) -> FailedError:
    """Return what is to be raised where there is no such thing."""
    return FailedError(f"There is no {what} {text[:60]}.", code="not_found")
