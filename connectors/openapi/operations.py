"""The operations of an OpenAPI document, and what each is called with. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from connectors.plain_schema import JsonSchemaError, Reader

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch")
IGNORED: Final = frozenset(("accept", "content-type", "authorization"))
"""Headers that a document may not describe as parameters (OpenAPI 3.1, section 4.8.12.2)."""
_FOLLOWED: Final = 10
_NAME: Final = re.compile(r"[^A-Za-z0-9_]+")

Place = Literal["path", "query", "header", "body"]
JsonObject = Mapping[str, Any]


class OperationError(ValueError):
    """An operation that cannot be called; the message says why."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument and where it goes.

    Attributes:
        argument: what the model calls it.
        name: what the system calls it; empty where it is the whole body.
        place: where it goes.
        schema: its JSON Schema.
        required: whether the request cannot be without it.
        style: how lists and objects are written.
        explode: whether each item is written for itself.
    """

    argument: str
    name: str
    place: Place
    schema: Any
    required: bool
    style: str = "simple"
    explode: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, read.

    Attributes:
        method: in capitals.
        path: as in the document, with `{name}` for parameters.
        description: its summary, or the first sentence of its description.
        parameters: in the order path, query, header, body.
        content_type: of the body; None where there is none.
    """

    method: str
    path: str
    description: str
    parameters: tuple[Parameter, ...]
    content_type: str | None


def names(document: JsonObject) -> dict[str, tuple[str, str]]:
    """Return method and path of each operation by its `operationId`, if no other has it, and by `GET /path`."""
    found: dict[str, tuple[str, str]] = {}
    ids: dict[str, list[tuple[str, str]]] = {}
    paths = document.get("paths")
    for path, said in (cast("JsonObject", paths) if isinstance(paths, Mapping) else {}).items():
        try:
            item = _object(document, said)
        except OperationError:
            continue  # a broken path breaks nothing but itself
        for method in METHODS:
            if isinstance(operation := item.get(method), Mapping):
                found[f"{method.upper()} {path}"] = method, path
                ids.setdefault(str(cast("JsonObject", operation).get("operationId")), []).append(
                    (method, path)
                )
    return found | {name: places[0] for name, places in ids.items() if len(places) == 1 and name != "None"}


def read_operation(document: JsonObject, method: str, path: str) -> Operation:
    """Return one operation.

    Raises:
        OperationError: it cannot be called: a reference that leads nowhere, a body nobody here can write, …
    """
    item = _object(document, document["paths"][path])
    said = _object(document, item[method])
    taken: dict[str, None] = {}
    parameters = [*_parameters(document, item, said, taken)]
    in_path = {each.name for each in parameters if each.place == "path"}
    if set("?#") & set(path) or "//" in path:
        raise OperationError(f"path {path} has a query, a fragment or an empty segment")
    if set(re.findall(r"\{([^{}]*)\}", path)) != in_path:
        raise OperationError(f"path {path} and its parameters {sorted(in_path)} do not name the same")
    body, content_type = _body(document, said.get("requestBody"), taken)
    words = said.get("summary") or str(said.get("description") or "").partition("\n")[0]
    return Operation(
        method.upper(), path, " ".join(str(words).split())[:500], (*parameters, *body), content_type
    )


def _parameters(
    document: JsonObject, item: JsonObject, operation: JsonObject, taken: dict[str, None]
) -> Iterator[Parameter]:
    both: dict[tuple[str, str], JsonObject] = {}
    for holder in (item, operation):
        for each in _list(holder.get("parameters")):
            said = _object(document, each)
            both[str(said.get("in")), str(said.get("name"))] = said
    for place in ("path", "query", "header", "cookie"):
        for (where, name), said in both.items():
            if where != place or (place == "header" and name.lower() in IGNORED):
                continue
            required = said.get("required") is True or place == "path"
            if place == "cookie":
                if required:
                    raise OperationError(f"cookie {name} is required; only an API key goes by cookie")
                continue
            schema = said.get("schema")
            style = str(said.get("style") or ("form" if place == "query" else "simple"))
            if schema is None and (content := said.get("content")):
                schema, style = next(iter(_object(document, content).values()), {}).get("schema", {}), "json"
            known = (
                ("form", "spaceDelimited", "pipeDelimited", "deepObject", "json")
                if place == "query"
                else ("simple", "json")
            )
            if style not in known:
                raise OperationError(
                    f"{place} parameter {name} has style {style}; known are {', '.join(known)}"
                )
            described = (
                {**schema, "description": said["description"]}
                if said.get("description") and isinstance(schema, dict)
                else schema
            )
            yield Parameter(
                _argument(name, place, taken),
                name,
                place,
                {} if described is None else described,
                required,
                style,
                bool(said.get("explode", style == "form")),
            )


def _body(document: JsonObject, said: Any, taken: dict[str, None]) -> tuple[list[Parameter], str | None]:
    if said is None:
        return [], None
    body = _object(document, said)
    content = _object(document, body.get("content") or {})
    content_type = next(filter(None, map(_writable, content)), None)
    required = body.get("required") is True
    if content_type is None:
        if required:
            raise OperationError(
                f"its body is {', '.join(content) or 'nothing'}; JSON and forms can be written"
            )
        return [], None
    key = next(each for each in content if _writable(each) == content_type)
    schema = _object(document, content[key]).get("schema") or {}
    try:
        plain = Reader(document).read(schema, "body")
    except JsonSchemaError as error:
        raise OperationError(str(error)) from error
    properties = plain.said.get("properties")
    if plain.kinds == ("object",) and properties and not plain.said.keys() & {"anyOf", "oneOf", "enum"}:
        needed = plain.said.get("required", ())
        inner = [
            Parameter(_argument(name, "body", taken), name, "body", each, name in needed)
            for name, each in properties.items()
            if not (isinstance(each, dict) and each.get("readOnly") is True)
        ]
        return inner, content_type
    if not content_type.endswith("json"):
        raise OperationError("a form whose fields nobody declared cannot be written")
    return [Parameter(_argument("body", "body", taken), "", "body", schema, required)], content_type


def _writable(said: str) -> str | None:
    """Return how a body of this type is written, or None."""
    kind = said.partition(";")[0].strip().lower()
    if kind == "*/*":
        return "application/json"
    if kind == "application/json" or kind.endswith("+json"):
        return kind
    return kind if kind in {"application/x-www-form-urlencoded", "multipart/form-data"} else None


def _argument(name: str, place: str, taken: dict[str, None]) -> str:
    """Return the argument's name: letters, digits, underscores; the second one of a name says its place."""
    plain = _NAME.sub("_", name).strip("_") or place
    found = plain if plain not in taken else f"{plain}_in_{place}"
    while found in taken:
        found += "_"
    taken[found] = None
    return found


def _object(document: JsonObject, said: Any) -> JsonObject:
    """Return an object of the document, its references followed; they stay inside the document."""
    for _ in range(_FOLLOWED):
        if not isinstance(said, Mapping):
            break
        reference = cast("JsonObject", said).get("$ref")
        if reference is None:
            return cast("JsonObject", said)
        if not isinstance(reference, str) or not reference.startswith("#/"):
            raise OperationError(f"$ref {reference!r:.100} leads outside the document; copy it in")
        said = document
        for part in reference.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            said = cast("JsonObject", said).get(name) if isinstance(said, Mapping) else None
    raise OperationError("something that should be an object is none, or a reference leads nowhere")


def _list(said: Any) -> list[Any]:
    return cast("list[Any]", said) if isinstance(said, list) else []
