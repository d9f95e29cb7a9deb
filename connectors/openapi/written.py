"""How values are written: the styles of OpenAPI, and forms. A value stays in its pair or part, whatever it says. Pure."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

import orjson

from connectors.errors import FailedError
from connectors.openapi.parameters import Parameter

_BETWEEN: Final[Mapping[str, str]] = {"spaceDelimited": " ", "pipeDelimited": "|"}
_DEPTH: Final = 8

Pair = tuple[str, str]


def refused(parameter: Parameter, why: str) -> FailedError:
    """Return the error for an argument that cannot be written where it belongs; nothing was sent."""
    return FailedError(f"{parameter.argument}: {why}", code="invalid_argument")


def simple(parameter: Parameter, value: Any) -> str:
    """Return a value in style `simple`, as in paths and headers."""
    if parameter.style == "json":
        return orjson.dumps(value).decode()
    return _joined(parameter, value, ",", "=" if parameter.explode else ",")


def pairs(parameter: Parameter, value: Any) -> Iterator[Pair]:
    """Yield names and values, as in queries and forms; not encoded yet.

    Raises:
        FailedError: it would be more than one item, or a pair of another name.
    """
    name = parameter.name
    if parameter.style == "json":
        yield name, orjson.dumps(value).decode()
    elif parameter.style == "deepObject":
        yield from _deep(parameter, name, value, 0)
    elif isinstance(value, dict) and parameter.explode and parameter.place == "query":
        for key, each in cast("dict[str, Any]", value).items():
            if key not in parameter.members:
                raise refused(parameter, f"{key!r:.60} is no member that may be sent")
            yield key, text(each)
    elif isinstance(value, dict) and parameter.place == "body":
        yield name, text(value)
    elif isinstance(value, list) and parameter.explode:
        yield from ((name, text(each)) for each in cast("list[Any]", value))
    else:
        between = _BETWEEN.get(parameter.style, ",")
        yield name, _joined(parameter, value, between, between)


def multipart(given: Sequence[tuple[Parameter, Any]]) -> tuple[bytes, str]:
    """Return the body of a form in parts, and its boundary: the same for the same contents, so that a repeat is one."""
    parts = [(each, one) for each, value in given for one in (value if isinstance(value, list) else [value])]
    said = [(each.name, text(value)) for each, value in parts]
    # Of the contents, so that no content can hold it.
    boundary = hashlib.sha256(orjson.dumps(said)).hexdigest()
    lines: list[str] = []
    for (parameter, value), (name, written) in zip(parts, said, strict=True):
        quoted = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        disposition = f'Content-Disposition: form-data; name="{quoted}"'
        lines.append(f"--{boundary}")
        if parameter.style == "file":
            lines += [f'{disposition}; filename="{quoted}"', "Content-Type: application/octet-stream"]
        elif isinstance(value, dict | list):
            lines += [disposition, "Content-Type: application/json"]
        else:
            lines.append(disposition)
        lines += ["", written]
    return "\r\n".join((*lines, f"--{boundary}--", "")).encode(), boundary


def text(value: Any) -> str:
    """Return a scalar as text, anything else as JSON."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _deep(parameter: Parameter, name: str, value: Any, depth: int) -> Iterator[Pair]:
    """Yield members as `name[member]`, items as `name[0]`; OpenAPI leaves open what is inside them."""
    if depth > _DEPTH:
        raise refused(parameter, f"is nested deeper than {_DEPTH} levels")
    if isinstance(value, dict):
        for key, each in cast("dict[str, Any]", value).items():
            if "[" in key or "]" in key:
                raise refused(parameter, f"{key!r:.60} has a bracket in it")
            yield from _deep(parameter, f"{name}[{key}]", each, depth + 1)
    elif isinstance(value, list):
        for number, each in enumerate(cast("list[Any]", value)):
            yield from _deep(parameter, f"{name}[{number}]", each, depth + 1)
    else:
        yield name, text(value)


def _joined(parameter: Parameter, value: Any, between: str, equals: str) -> str:
    """Return items or members in one text; one that holds what stands between them would be two."""
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value).items()
        parts = [(key, text(each)) for key, each in members]
        _check(parameter, [part for pair in parts for part in pair], {between, equals})
        return between.join(f"{key}{equals}{each}" for key, each in parts)
    if isinstance(value, list):
        items = [text(each) for each in cast("list[Any]", value)]
        _check(parameter, items, {between})
        return between.join(items)
    return text(value)


def _check(parameter: Parameter, parts: list[str], signs: set[str]) -> None:
    for part in parts:
        if any(sign in part for sign in signs):
            raise refused(parameter, f"{part!r:.60} holds what stands between items")
