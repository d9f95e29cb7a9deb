"""What an error of DuckDB means for an action. Every action only reads, so nothing is ever in doubt. Pure."""

import re
from typing import Final

from connectors.errors import ActionError, BusyError, FailedError, NotSentError

_SAID: Final = 300
_ABOUT_THE_QUERY: Final = frozenset(("ParserException", "BinderException", "CatalogException"))
"""Errors whose messages speak of names and syntax. Others quote values of rows."""


def fault_of(error: Exception, *, opened: bool, what: str, free: bool) -> ActionError:
    """Return what an action raises for an error of the driver.

    Args:
        error: what the driver raised.
        opened: whether the file was open.
        what: the action, for the message.
        free: whether a model wrote the query. One that takes too much time or memory has then failed, and the model may
            ask for less; an operator's is late because the machine is busy.
    """
    kind = type(error).__name__
    if not opened:
        return NotSentError(f"{what}: the file cannot be opened: not there, no database, or being written")
    if kind in {"InterruptException", "OutOfMemoryException"}:
        code, lacking = ("too_slow", "time") if kind == "InterruptException" else ("too_large", "memory")
        if free:
            return FailedError(f"{what}: the query takes more {lacking} than it may: ask for less", code=code)
        return BusyError(f"{what}: the statement took more {lacking} than it may")
    if kind in _ABOUT_THE_QUERY:
        said = str(error).split("\n\n", 1)[0].replace("\n", " ")[:_SAID]
        return FailedError(f"{what}: {said}", code="invalid_query")
    code = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.removesuffix("Exception")).lower()
    return FailedError(f"{what}: refused by the database: {code}", code=f"duckdb_{code}")
