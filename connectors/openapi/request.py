"""From an operation and its arguments to the request: whatever an argument says, it stays in its place. Pure."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast
from urllib.parse import urlencode

import orjson

from connectors.errors import FailedError
from connectors.http import HttpRequest
from connectors.openapi.operations import Operation, Parameter

_HEADER: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_PLACES: Final = re.compile(r"\{([^{}]*)\}")
_BETWEEN: Final[Mapping[str, str]] = {"spaceDelimited": " ", "pipeDelimited": "|"}


def build_request(
    operation: Operation, arguments: Mapping[str, Any], *, changes: bool, key: tuple[str, str] | None = None
) -> HttpRequest:
    """Return the request.

    Args:
        operation: what is asked for.
        arguments: validated, by argument name; what was left out is not there.
        changes: whether it is a write.
        key: name and value of the header that carries the idempotency key.

    Raises:
        FailedError: code `invalid_argument`: a value cannot be written where it belongs. Nothing was sent.
    """
    given = [(each, arguments[each.argument]) for each in operation.parameters if each.argument in arguments]
    in_path = {each.name: _joined(value, ",") for each, value in given if each.place == "path"}
    whole = operation.path.strip("/")
    path = tuple(
        _PLACES.sub(lambda found: in_path[found[1]], segment) for segment in whole.split("/") if whole
    )
    query = tuple(pair for each, value in given if each.place == "query" for pair in _query(each, value))
    headers = [(each.name, _header(each, value)) for each, value in given if each.place == "header"]
    data, content_type = _body(operation, [pair for pair in given if pair[0].place == "body"])
    if content_type is not None:
        headers.append(("Content-Type", content_type))
    if key is not None:
        headers.append(key)
    slash = operation.path.endswith("/") and bool(path)
    return HttpRequest(operation.method, path, query, tuple(headers), data, changes=changes, slash=slash)


def _query(parameter: Parameter, value: Any) -> Iterator[tuple[str, str]]:
    name = parameter.name
    if parameter.style == "json":
        yield name, orjson.dumps(value).decode()
    elif isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        if parameter.style == "deepObject":
            yield from ((f"{name}[{key}]", _text(each)) for key, each in members.items())
        elif parameter.explode:
            yield from ((key, _text(each)) for key, each in members.items())
        else:
            yield name, _joined(members, ",")
    elif isinstance(value, list) and parameter.explode:
        yield from ((name, _text(each)) for each in cast("list[Any]", value))
    else:
        yield name, _joined(value, _BETWEEN.get(parameter.style, ","))


def _header(parameter: Parameter, value: Any) -> str:
    text = orjson.dumps(value).decode() if parameter.style == "json" else _joined(value, ",")
    if not _HEADER.fullmatch(text):
        raise FailedError(
            f"{parameter.argument}: a header holds printable ASCII on one line, without spaces around it",
            code="invalid_argument",
        )
    return text


def _body(operation: Operation, given: list[tuple[Parameter, Any]]) -> tuple[bytes | None, str | None]:
    content_type = operation.content_type
    if content_type is None or not given:
        return None, None
    if not given[0][0].name:
        return orjson.dumps(given[0][1]), content_type
    fields = {each.name: value for each, value in given}
    if content_type == "multipart/form-data":
        return _multipart(fields)
    if content_type == "application/x-www-form-urlencoded":
        return urlencode(list(_form(fields))).encode(), content_type
    return orjson.dumps(fields), content_type


def _form(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the fields of a form: a list's items each for itself, an object as JSON."""
    for name, value in fields.items():
        for each in cast("list[Any]", value) if isinstance(value, list) else [value]:
            yield name, _text(each)


def _multipart(fields: Mapping[str, Any]) -> tuple[bytes, str]:
    parts = list(_form(fields))
    # Of the contents, so that a repeated request has the same bytes, and no content can hold it.
    boundary = hashlib.sha256(orjson.dumps(parts)).hexdigest()
    lines: list[str] = []
    for name, value in parts:
        quoted = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        lines += [f"--{boundary}", f'Content-Disposition: form-data; name="{quoted}"', "", value]
    lines += [f"--{boundary}--", ""]
    return "\r\n".join(lines).encode(), f"multipart/form-data; boundary={boundary}"


def _joined(value: Any, between: str) -> str:
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        return between.join(part for key, each in pairs for part in (key, _text(each)))
    if isinstance(value, list):
        return between.join(_text(each) for each in cast("list[Any]", value))
    return _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
