"""From an operation and its arguments to the request: whatever an argument says, it stays in its place. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

import orjson

from connectors.http import HttpRequest
from connectors.openapi.bodies import FORM, MULTIPART, is_json
from connectors.openapi.operations import PLACES, Operation
from connectors.openapi.parameters import Parameter
from connectors.openapi.written import multipart, pairs, refused, simple, text

_HEADER: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


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
    in_path = {each.name: _segment(each, value) for each, value in given if each.place == "path"}
    query = (pair for each, value in given if each.place == "query" for pair in pairs(each, value))
    headers = [("Accept", operation.answers.accept)]
    headers += [(each.name, _header(each, value)) for each, value in given if each.place == "header"]
    data, content_type = _body(operation, [pair for pair in given if pair[0].place == "body"])
    if content_type is not None:
        headers.append(("Content-Type", content_type))
    if key is not None:
        headers.append(key)
    return HttpRequest(
        operation.method,
        tuple(PLACES.sub(lambda found: in_path[found[1]], each) for each in operation.segments),
        (*operation.query, *query),
        tuple(headers),
        data,
        changes=changes,
        slash=operation.slash,
        quoted=True,
    )


def _segment(parameter: Parameter, value: Any) -> str:
    written = simple(parameter, value)
    if not written:
        raise refused(parameter, "is empty, and would leave its place in the path empty")
    return quote(written, safe="")


def _header(parameter: Parameter, value: Any) -> str:
    written = simple(parameter, value)
    if not _HEADER.fullmatch(written):
        raise refused(
            parameter, "a header holds printable ASCII on one line, without spaces around it, and not nothing"
        )
    return written


def _body(operation: Operation, given: list[tuple[Parameter, Any]]) -> tuple[bytes | None, str | None]:
    body = operation.body
    if body is None or not (given or body.required):
        return None, None
    kind = body.content_type
    if given and not given[0][0].name:
        whole = given[0][1]
        return (orjson.dumps(whole) if is_json(kind) else text(whole).encode()), _with_charset(kind)
    if kind == MULTIPART:
        data, boundary = multipart(given)
        return data, f"{kind}; boundary={boundary}"
    if kind == FORM:
        return urlencode([pair for each, value in given for pair in pairs(each, value)]).encode(), kind
    return orjson.dumps({each.name: value for each, value in given}), kind


def _with_charset(kind: str) -> str:
    return kind if is_json(kind) else f"{kind}; charset=utf-8"
