"""The parameters of an operation: which of them are arguments, what they are called, how they are written. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from connectors.http_auth import Withheld
from connectors.http_headers import HEADER_NAME, NEVER_SENT, SENT_ANYWAY
from connectors.openapi.references import JsonObject, OperationError, list_of, object_of
from connectors.plain_schema import JsonSchemaError, Reader

_STYLES: Final = {
    "path": ("simple", "json"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject", "json"),
    "header": ("simple", "json"),
}
_NO_OBJECTS: Final = ("array", "boolean", "integer", "number", "string")
_INDIRECT: Final = frozenset(("$ref", "allOf", "properties"))
_NAME: Final = re.compile(r"[^A-Za-z0-9_]+")

Place = Literal["path", "query", "header", "body"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument and where it goes.

    Attributes:
        argument: what the model calls it.
        name: what the system calls it; empty where it is the whole body.
        place: where it goes.
        schema: its JSON Schema.
        required: whether the request cannot be without it.
        style: how its value is written: a style of OpenAPI, `json`, or `file` for a part of a form.
        explode: whether each item and each member is written for itself.
        members: members of an object that are query parameters of their own.
    """

    argument: str
    name: str
    place: Place
    schema: Any
    required: bool
    style: str = "simple"
    explode: bool = False
    members: frozenset[str] = frozenset()


def read_parameters(
    document: JsonObject, item: JsonObject, operation: JsonObject, taken: dict[str, None], withheld: Withheld
) -> Iterator[Parameter]:
    """Yield the parameters of an operation in the order path, query, header.

    Args:
        document: what references refer to.
        item: the path's item, whose parameters every operation of it has.
        operation: the operation; its own parameters count more.
        taken: names of arguments that are taken; the new ones are added.
        withheld: what is left out.

    Raises:
        OperationError: one that is required cannot be written.
    """
    both: dict[tuple[str, str], JsonObject] = {}
    for holder in (item, operation):
        for each in list_of(holder.get("parameters")):
            said = object_of(document, each)
            both[str(said.get("in")), str(said.get("name"))] = said
    queries = {name.lower() for where, name in (*both, *withheld) if where == "query"}
    for place in ("path", "query", "header", "cookie"):
        for (where, name), said in both.items():
            if where != place or (place, name.lower()) in withheld or _is_no_argument(place, name, said):
                continue
            made = _parameter(document, place, name, said, taken)
            if {each.lower() for each in made.members} & (queries - {name.lower()}):
                raise OperationError(
                    f"query parameter {name} has members that are parameters themselves", "parameter"
                )
            yield made


def new_argument(name: str, place: str, taken: dict[str, None]) -> str:
    """Return an argument's name: letters, digits, underscores; the second one of a name says its place."""
    plain = _NAME.sub("_", name).strip("_") or place
    found = plain if plain not in taken else f"{plain}_in_{place}"
    while found in taken:
        found += "_"
    taken[found] = None
    return found


def _is_no_argument(place: str, name: str, said: JsonObject) -> bool:
    """Whether the model never sets it; raises OperationError where the operation cannot be without it."""
    required = said.get("required") is True
    if place == "cookie":
        if required:
            raise OperationError(f"cookie {name} is required; only an API key goes by cookie", "parameter")
        return True
    if place != "header":
        return False
    if name.lower() in SENT_ANYWAY:
        return True
    if "idempotency" in name.lower():
        if required:
            raise OperationError(f"header {name} is required: name it as key_header", "parameter")
        return True
    if name.lower() in NEVER_SENT or not HEADER_NAME.fullmatch(name):
        if required:
            raise OperationError(
                f"header {name!r:.100} is required, and no operation may set it", "parameter"
            )
        return True
    return False


def _parameter(
    document: JsonObject, place: Any, name: str, said: JsonObject, taken: dict[str, None]
) -> Parameter:
    style = str(said.get("style") or ("form" if place == "query" else "simple"))
    schema = said.get("schema")
    if schema is None and (content := said.get("content")):
        kind, media = next(iter(object_of(document, content).items()), ("nothing", {}))
        if not kind.partition(";")[0].strip().endswith("json"):
            raise OperationError(f"{place} parameter {name} is {kind}; only JSON can be written", "parameter")
        schema, style = object_of(document, media).get("schema"), "json"
    if style not in _STYLES[place]:
        known = ", ".join(_STYLES[place])
        raise OperationError(f"{place} parameter {name} has style {style}; known are {known}", "parameter")
    explode = bool(said.get("explode", style == "form"))
    words = said.get("description")
    described: Any = {} if schema is None else schema
    members = frozenset[str]()
    if style == "form" and explode:
        members = _members(document, name, described)
    if words and isinstance(described, dict):
        described = {**described, "description": words}
    required = said.get("required") is True or place == "path"
    argument = new_argument(name, place, taken)
    return Parameter(argument, name, place, described, required, style, explode, members)


def _members(document: JsonObject, name: str, schema: Any) -> frozenset[str]:
    """Return the members of an object that become query parameters themselves."""
    if isinstance(schema, dict) and schema.get("type") in _NO_OBJECTS and not schema.keys() & _INDIRECT:
        return frozenset()
    try:
        plain = Reader(document).read(schema, name)
    except JsonSchemaError:
        return frozenset()  # it is refused with its reason, where it is declared
    members = frozenset(plain.said.get("properties", ()))
    if plain.kinds == ("object",) and not members and not plain.said.keys() & {"anyOf", "oneOf"}:
        # Whoever chooses the names chooses parameters that nobody listed.
        raise OperationError(
            f"query parameter {name} is an object whose members are parameters of any name", "parameter"
        )
    return members
