"""Numbers of JSON as they are written: a decimal of many digits is no double. Pure."""

from decimal import Decimal
from typing import Final

from schemas.errors import UnreadableError

_DIGITS: Final = 100
"""Characters of a number; no business number has so many, and work on long ones is slow."""


def exact(text: str) -> Decimal:
    """Return the number that a JSON text writes, for `json.loads(…, parse_float=exact)`.

    Raises:
        UnreadableError: it is longer than any number of a business.
    """
    if len(text) > _DIGITS:
        raise UnreadableError(f"a number has {len(text)} characters, the limit is {_DIGITS}")
    return Decimal(text)
