"""XML-RPC: requests and answers, with nil, big integers and decimals as extensions. Pure.

The parser is Python's own. What makes XML dangerous is what a document may declare, so one that declares anything is refused
unread; the size of a body is bounded by whoever received it.
"""

import re
import xmlrpc.client as xml
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from typing import Any, Final, cast
from xml.parsers.expat import ExpatError

from connectors.errors import FailedError
from connectors.rpc.answer import Answer, Fault, UnreadableAnswerError, Value

CONTENT_TYPE: Final = "text/xml"
_LARGEST: Final = 2**31 - 1
_DEEPEST: Final = 64
_NO_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def write_request(method: str, parameters: Sequence[Any]) -> bytes:
    """Return the body of a call.

    Raises:
        FailedError: code `invalid_arguments`: there is something in the parameters that the protocol cannot say.
    """
    try:
        sent = tuple(_sendable(each, _DEEPEST) for each in parameters)
        return xml.dumps(sent, method, allow_none=True).encode()
    except (TypeError, OverflowError, ValueError) as error:
        raise FailedError(f"{method}: no XML-RPC: {error}", code="invalid_arguments") from error


def read_answer(body: bytes) -> Answer:
    """Return what a body says.

    Raises:
        UnreadableAnswerError: it is no answer to a call, or it declares something.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise UnreadableAnswerError("not in UTF-8") from None
    if "<!" in text:
        raise UnreadableAnswerError("it has a declaration, a comment or a CDATA section")
    try:
        values, _ = xml.loads(text, use_builtin_types=True)
    except xml.Fault as fault:
        # Tryton joins message and description with a hyphen, also where there is no description.
        return Fault(str(fault.faultCode), str(fault.faultString).rstrip(" -"))
    except (xml.Error, ExpatError, ValueError, TypeError, IndexError, ArithmeticError, LookupError) as error:
        raise UnreadableAnswerError(f"no XML-RPC we can use ({type(error).__name__})") from error
    if len(values) != 1:
        raise UnreadableAnswerError(f"{len(values)} values instead of one")
    return Value(values[0])


def _sendable(value: Any, deeper: int) -> Any:
    if deeper == 0:
        raise ValueError(f"nested more than {_DEEPEST} deep")
    match value:
        case bool() | None | bytes() | datetime():
            return value
        case str() | float() | int():
            return _checked(value)
        case Decimal():
            # The extension has a tag of its own, which the library reads and does not write; a struct is understood as well.
            return {"__class__": "Decimal", "decimal": str(value)}
        case date():
            return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
        case dict():
            members = cast("dict[str, Any]", value)
            if "__class__" in members:
                raise ValueError("an argument has a member __class__")
            return {name: _sendable(inner, deeper - 1) for name, inner in members.items()}
        case list() | tuple():
            return [_sendable(inner, deeper - 1) for inner in cast("Sequence[Any]", value)]
        case _:
            raise TypeError(f"{type(value).__name__} has no XML-RPC")


def _checked(value: str | float) -> str | float:
    if isinstance(value, str) and _NO_XML.search(value):
        raise ValueError("a text has a character that XML does not allow")
    if isinstance(value, float) and not isfinite(value):
        raise ValueError(f"{value} is no number")
    if isinstance(value, int) and not -_LARGEST - 1 <= value <= _LARGEST:
        raise OverflowError("an integer has more than 32 bits")
    return value
