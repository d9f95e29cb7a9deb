"""The operations of an OpenAPI document, and what each is called with. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import parse_qsl, quote, unquote

from connectors.http_auth import Withheld
from connectors.openapi.answers import Answers, read_answers
from connectors.openapi.bodies import Body, read_body
from connectors.openapi.parameters import Parameter, new_argument, read_parameters
from connectors.openapi.references import JsonObject, OperationError, object_of, object_or_nothing

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch")
PLACES: Final = re.compile(r"\{([^{}]*)\}")
"""A parameter's place in a path."""

_SPLIT: Final = re.compile(r"(\{[^{}]*\})")
_KEPT_IN_PATH: Final = "!$&'()*+,;=:@"
"""Signs that the literal parts of a path are sent with as they are (RFC 3986, `pchar`)."""
_LONGEST: Final = 500
_DESCRIBED: Final = 3
"""References and `allOf` in which a description is looked for."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, read.

    Attributes:
        method: in capitals.
        path: as in the document.
        segments: of the path, with `{name}` for parameters and all else quoted.
        slash: whether the path ends with one.
        query: what the path says of the query, always sent.
        description: its summary, or the first line of its description.
        parameters: in the order path, query, header, body.
        body: how its body is written; None where it has none.
        answers: what its successes look like.
    """

    method: str
    path: str
    segments: tuple[str, ...]
    slash: bool
    query: tuple[tuple[str, str], ...]
    description: str
    parameters: tuple[Parameter, ...]
    body: Body | None
    answers: Answers


def names(document: JsonObject) -> dict[str, tuple[str, str]]:
    """Return method and path of each operation by its `operationId`, if no other has it, and by `GET /path`."""
    found: dict[str, tuple[str, str]] = {}
    ids: dict[str, list[tuple[str, str]]] = {}
    for path, said in object_or_nothing(document, document.get("paths")).items():
        item = object_or_nothing(document, said)  # a broken path breaks nothing but itself
        for method in METHODS:
            operation = item.get(method)
            if not isinstance(operation, Mapping):
                continue
            found[f"{method.upper()} {path}"] = method, path
            given = cast("JsonObject", operation).get("operationId")
            if isinstance(given, str):
                ids.setdefault(given, []).append((method, path))
    return found | {name: places[0] for name, places in ids.items() if len(places) == 1 and name not in found}


def read_operation(
    document: JsonObject, method: str, path: str, *, withheld: Withheld = frozenset()
) -> Operation:
    """Return one operation.

    Args:
        document: the whole document.
        method: one of METHODS that the path has.
        path: a path of the document.
        withheld: what is no argument.

    Raises:
        OperationError: it cannot be called: a reference that leads nowhere, a body nobody here can write, …
    """
    item = object_of(document, document["paths"][path])
    said = object_of(document, item[method])
    where, _, query = path.partition("#")[0].partition("?")
    if "//" in where or PLACES.search(query):
        raise OperationError(f"path {path} has an empty segment, or a parameter in its query", "path")
    segments = tuple(map(_quoted, filter(None, where.split("/"))))
    if any(unquote(each) in {".", ".."} for each in segments):
        raise OperationError(f"path {path} has a dotted segment", "path")
    taken: dict[str, None] = {}
    wanted = list(dict.fromkeys(PLACES.findall(where)))
    parameters = [
        each
        for each in read_parameters(document, item, said, taken, withheld)
        if each.place != "path" or each.name in wanted
    ]
    parameters[:0] = _undescribed(wanted, parameters, taken)
    inner, body = read_body(document, said.get("requestBody"), taken)
    words = said.get("summary") or str(said.get("description") or "").strip().partition("\n")[0]
    return Operation(
        method=method.upper(),
        path=path,
        segments=segments,
        slash=where.endswith("/"),
        query=tuple(parse_qsl(query, keep_blank_values=True)),
        description=" ".join(str(words).split())[:_LONGEST],
        parameters=(*parameters, *inner),
        body=body,
        answers=read_answers(document, said.get("responses")),
    )


def _undescribed(
    wanted: list[str], parameters: list[Parameter], taken: dict[str, None]
) -> Iterator[Parameter]:
    """Yield the parameters that a path has and nobody describes: texts."""
    described = {each.name for each in parameters if each.place == "path"}
    for name in wanted:
        if name not in described:
            yield Parameter(
                new_argument(name, "path", taken), name, "path", {"type": "string"}, required=True
            )


def _quoted(segment: str) -> str:
    """Quote what is no parameter's place, once: a document may have it quoted already."""
    return "".join(
        part if PLACES.fullmatch(part) else quote(unquote(part), safe=_KEPT_IN_PATH)
        for part in _SPLIT.split(segment)
    )


def described(document: JsonObject, parameter: Parameter) -> Any:
    """Return the schema of a parameter with a description: where the document has none, its name in words and its place."""
    if _says(document, parameter.schema, 0):
        return parameter.schema
    words = f"{parameter.argument.replace('_', ' ')} ({parameter.place})"
    return {"allOf": [parameter.schema], "description": words}


def _says(document: JsonObject, schema: Any, level: int) -> bool:
    """Whether a schema describes itself, or what it refers to or is all of does."""
    if not isinstance(schema, Mapping) or level > _DESCRIBED:
        return False
    own = cast("JsonObject", schema)
    if own.get("description") or own.get("title"):
        return True
    parts = own.get("allOf")
    inner = [*(cast("list[Any]", parts) if isinstance(parts, list) else ())]
    if "$ref" in own:
        inner.append(object_or_nothing(document, own))
    return any(_says(document, each, level + 1) for each in inner)
