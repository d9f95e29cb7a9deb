"""Control numbers of an interchange: the same for the same key, so that a partner knows a file that it got twice. Pure."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from connectors.errors import FailedError
from connectors.files.places import Check, fill

_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""32 of them, none that looks like another."""
_REFERENCE: Final = 14
"""Characters of an interchange's reference in EDIFACT."""
_NUMBER: Final = 9
"""Digits of an interchange's number in X12."""


def control_reference(template: str | None, arguments: Mapping[str, Any], key: str, check: Check) -> str:
    """Return the reference of an EDIFACT interchange: 14 letters and digits made of the key, or what the template says."""
    if template is None:
        number = int.from_bytes(_digest(key))
        return "".join(_LETTERS[number >> 5 * place & 31] for place in range(_REFERENCE))
    reference = fill(template, arguments, check)
    if not 1 <= len(reference) <= _REFERENCE:
        raise FailedError(
            f"control: {reference[:40]!r} has not 1 to {_REFERENCE} characters", code="not_representable"
        )
    return reference


def control_number(template: str | None, arguments: Mapping[str, Any], key: str) -> str:
    """Return the control number of an X12 interchange: nine digits made of the key, or of what the template says.

    Nine digits made of a key are not unique: of 10,000 files, two share one with a probability of 5%.
    """
    if template is None:
        return f"{int.from_bytes(_digest(key)) % (10**_NUMBER - 1) + 1:0{_NUMBER}}"
    number = fill(template, arguments)
    if not (number.isascii() and number.isdigit() and len(number) <= _NUMBER and int(number)):
        raise FailedError(f"control: {number[:40]!r} is no number of 1 to 9 digits", code="not_representable")
    return number.zfill(_NUMBER)


def _digest(key: str) -> bytes:
    return hashlib.sha256(f"control\n{key}".encode()).digest()
