"""Parameters as the configuration writes them, filled with what an action is called with. Pure.

Anything is sent as it is written, but for two kinds of object: `{argument: NAME}` stands for an argument (null where it was left
out), with `as: decimal`, `date` or `datetime` for systems that tell these from text; `{key: true}` for the idempotency key.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, cast

from connectors.errors import FailedError

AS: Final = ("decimal", "date", "datetime")
_MARKS: Final = (frozenset(("argument",)), frozenset(("argument", "as")))
_KEY: Final = {"key": True}


def filled(template: Any, arguments: Mapping[str, Any], key: str) -> Any:
    """Return what is sent.

    Raises:
        FailedError: code `invalid_arguments`: an argument is no decimal, date or time.
    """
    if isinstance(template, Mapping):
        members = cast("Mapping[str, Any]", template)
        if members == _KEY:
            return key
        if frozenset(members) in _MARKS:
            return _converted(arguments.get(members["argument"]), members.get("as"), members["argument"])
        return {name: filled(inner, arguments, key) for name, inner in members.items()}
    if isinstance(template, list):
        return [filled(inner, arguments, key) for inner in cast("list[Any]", template)]
    return template


def says_key(template: Any) -> bool:
    """Whether the idempotency key is sent."""
    return any(each == _KEY for each in _objects(template))


def mistakes(template: Any, known: frozenset[str]) -> Iterator[str]:
    """Yield what is wrong with a template, for an action that takes the arguments `known`."""
    for each in _objects(template):
        if frozenset(each) not in _MARKS:
            continue
        if each["argument"] not in known:
            yield f"there is no argument {each['argument']!r}"
        if each.get("as", AS[0]) not in AS:
            yield f"an argument cannot be sent as {each['as']!r}: only as {', '.join(AS)}"


def _objects(template: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(template, Mapping):
        members = cast("Mapping[str, Any]", template)
        yield members
        for inner in members.values():
            yield from _objects(inner)
    elif isinstance(template, list):
        for inner in cast("list[Any]", template):
            yield from _objects(inner)


def _converted(value: Any, wanted: str | None, name: str) -> Any:
    if value is None or wanted is None:
        return value
    try:
        match wanted:
            case "decimal":
                return _finite(Decimal(str(value)))
            case "date":
                return date.fromisoformat(value)
            case _:
                return datetime.fromisoformat(value)
    except (ValueError, TypeError, InvalidOperation) as error:
        raise FailedError(f"{name} is no {wanted}", code="invalid_arguments") from error


def _finite(number: Decimal) -> Decimal:
    if not number.is_finite():
        raise ValueError("it is no finite number")
    return number
