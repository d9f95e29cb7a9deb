"""JSON-RPC: requests and answers, of version 2.0 and of what came before, also with Tryton's types that JSON lacks. Pure.

Tryton answers with an envelope only to a request that has `id`, `method` and `params` and nothing else, and writes a decimal
as `{"__class__": "Decimal", "decimal": "9.90"}`; dates, times and bytes likewise.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final, cast

from connectors.errors import FailedError
from connectors.rpc.answer import Answer, Fault, UnreadableAnswerError, Value

CONTENT_TYPE: Final = "application/json"
_CLASS: Final = "__class__"
_PAIR: Final = 2


def write_request(
    method: str, parameters: Sequence[Any] | Mapping[str, Any], *, version: str | None, typed: bool
) -> bytes:
    """Return the body of a call.

    Args:
        method: name of the procedure.
        parameters: a list, or an object where the server takes names.
        version: what `jsonrpc` says, or None where it is left out.
        typed: whether decimals, dates, times and bytes can be said.

    Raises:
        FailedError: code `invalid_arguments`: there is something in them that the protocol cannot say, or that would be taken
            for one of its own types on the other side.
    """
    request: dict[str, Any] = {"id": 1, "method": method, "params": _plain(parameters)}
    if version is not None:
        request = {"jsonrpc": version, **request}
    try:
        default = _typed if typed else None
        return json.dumps(request, default=default, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise FailedError(f"{method}: no JSON: {error}", code="invalid_arguments") from error


def read_answer(body: bytes, *, typed: bool) -> Answer:
    """Return what a body says.

    Args:
        body: all of it.
        typed: whether objects with a `__class__` stand for decimals, dates, times and bytes.

    Raises:
        UnreadableAnswerError: it is no answer to a call.
    """
    try:
        said = json.loads(body, object_hook=_untyped if typed else None, parse_constant=_no_constant)
    except (ValueError, RecursionError, InvalidOperation, KeyError, TypeError) as error:
        raise UnreadableAnswerError(f"no JSON we can use ({type(error).__name__})") from error
    if not isinstance(said, dict):
        raise UnreadableAnswerError("no object")
    answer = cast("dict[str, Any]", said)
    if answer.get("error") is not None:
        return _fault(answer["error"])
    if "result" not in answer:
        # Odoo leaves the result out where it is null, Tryton never does; an empty object is neither.
        if answer.get("jsonrpc") and "id" in answer:
            return Value(None)
        raise UnreadableAnswerError("an object with neither result nor error")
    return Value(answer["result"])


def _fault(error: Any) -> Fault:
    match error:
        case {"data": {"name": str(name), "message": str(message)}}:  # Odoo
            return Fault(name, message)
        case {"code": int(code), "message": str(message)}:
            return Fault(str(code), message)
        case [str(name), str(message)] if name.isidentifier():  # Tryton: ConcurrencyException
            return Fault(name, message)
        case [str(name), [*said]] if name.isidentifier():  # Tryton: UserError and its like
            texts = [text for text in said if isinstance(text, str) and text]
            # A warning and a login name the question first, and then ask it.
            shown = texts[1:] if name in {"UserWarning", "LoginException"} else texts
            return Fault(name, " - ".join(shown[:_PAIR]))
        case [str(message), *_]:  # Tryton: any other exception, and its traceback
            return Fault("", message)
        case str(message):
            return Fault("", message)
        case _:
            return Fault("", "an error that says nothing")


def _plain(value: Any) -> Any:
    """Refuse objects that the other side would read as something else than an object."""
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Any]", value)
        if _CLASS in members:
            raise FailedError(f"an argument has a member {_CLASS}", code="invalid_arguments")
        return {name: _plain(inner) for name, inner in members.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_plain(inner) for inner in cast("Sequence[Any]", value)]
    return value


def _typed(value: Any) -> dict[str, Any]:
    match value:
        case Decimal():
            return {_CLASS: "Decimal", "decimal": str(value)}
        case datetime():
            return {_CLASS: "datetime", **_parts(value, _DATE + _TIME)}
        case date():
            return {_CLASS: "date", **_parts(value, _DATE)}
        case time():
            return {_CLASS: "time", **_parts(value, _TIME)}
        case timedelta():
            return {_CLASS: "timedelta", "seconds": value.total_seconds()}
        case bytes():
            return {_CLASS: "bytes", "base64": b64encode(value).decode()}
        case _:
            raise TypeError(f"{type(value).__name__} has no JSON")


_DATE: Final = ("year", "month", "day")
_TIME: Final = ("hour", "minute", "second", "microsecond")


def _parts(value: date | time, names: tuple[str, ...]) -> dict[str, int]:
    return {name: getattr(value, name) for name in names}


_READERS: Final[Mapping[str, Callable[[dict[str, Any]], Any]]] = {
    "Decimal": lambda said: Decimal(said["decimal"]),
    "datetime": lambda said: datetime(*(said[name] for name in _DATE + _TIME)),  # noqa: DTZ001 - they are naive there
    "date": lambda said: date(*(said[name] for name in _DATE)),
    "time": lambda said: time(*(said[name] for name in _TIME)),
    "timedelta": lambda said: timedelta(seconds=said["seconds"]),
    "bytes": lambda said: b64decode(said["base64"]),
}


def _untyped(said: dict[str, Any]) -> Any:
    reader = _READERS.get(str(said.get(_CLASS)))
    return said if reader is None else reader(said)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
