"""What an operation returns: an element that fits its schema, as JSON, and what is known of that before. Pure.

- An object has its elements and attributes by name; an element that may be there several times is a list, also an empty one.
- What is not there is left out; what is said to be nil is null.
- Values become JSON as `connectors.soap.simple_types` says; an element with attributes has its text under `value`.
- What a wildcard, a substitution or `anyType` lets in beside plain text, and text between elements, is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, cast

from pydantic import BaseModel, ConfigDict, RootModel, WithJsonSchema, create_model
from pydantic import Field as PydanticField

from connectors.kept_fields import Tree, at, kept, renamed, tree_of
from connectors.soap.fields import TEXT, Complex, Field
from connectors.soap.simple_types import Simple, read, schema_of
from connectors.soap.xml import XSI, Element, elements, resolved
from connectors.soap.xml_types import XmlTypes

Kept = tuple[str, ...] | dict[str, str] | None
"""Dotted paths, which lead through lists as well and keep the form; or new names for such paths, which make one flat object; None
keeps everything."""

_LEVELS: Final = 4
"""Of a result that are described; what lies deeper may be anything."""
_MEMBERS: Final = 1_000
"""Of a result that are described; where there are more, fewer levels are."""


def result_of(types: XmlTypes, element: Element, kind: Simple | Complex | None) -> Any:
    """Return an element's content as JSON. It fits its schema."""
    if element.get(f"{{{XSI}}}nil") in {"true", "1"}:
        return None
    named = element.get(f"{{{XSI}}}type")
    if named is not None:
        kind = types.type(resolved(element, named))
    if isinstance(kind, Complex):
        return members_of(types, element, types.fields(kind))
    if kind is None:
        return None if len(element) else element.text
    return read(kind, element.text or "")


def members_of(types: XmlTypes, element: Element, fields: Sequence[Field]) -> dict[str, Any]:
    """Return the members of an object: what an element has of these fields."""
    found: dict[str, Any] = {each.name: [] for each in fields if each.many}
    by_tag = {each.tag: each for each in fields if each.place == "element"}
    for child in elements(element):
        each = by_tag.get(child.tag)
        if each is None:
            continue
        value = result_of(types, child, each.type)
        if each.many:
            found[each.name].append(value)
        else:
            found[each.name] = value
    for each in fields:
        if each.place == "attribute" and (said := element.get(each.tag)) is not None:
            found[each.name] = read(cast("Simple", each.type), said)
        elif each.place == "text" and isinstance(each.type, Simple):
            found[each.name] = read(each.type, element.text or "")
    return found


def kept_of(result: Any, path: str | None, fields: Kept) -> Any:
    """Return the part of a result at a path, or None where there is none, and of it what is kept."""
    if path is not None:
        result = at(result, path.split("."))
    if result is None or fields is None:
        return result
    if isinstance(fields, dict):
        return renamed(result, {name: where.split(".") for name, where in fields.items()})
    return kept(result, tree_of(each.split(".") for each in fields))


def result_schema(types: XmlTypes, fields: Sequence[Field]) -> dict[str, Any]:
    """Return the JSON Schema of an object with these fields, to as many levels as are not too much to tell."""
    for levels in range(_LEVELS, 0, -1):
        described = _Described(types, levels)
        schema = described.object_of(fields, 0)
        if described.members <= _MEMBERS:
            return schema
    return _Described(types, 0).object_of(fields, 0)


def result_model(name: str, schema: Mapping[str, Any], path: str | None, kept: Kept) -> type[BaseModel]:
    """Return a model that says what a result holds, for rules, labels and compensations; it validates nothing.

    Raises:
        ValueError: a path leads nowhere; the message names it.
    """
    said: dict[str, Any] = dict(schema) if path is None else _schema_at(schema, path)
    if "anyOf" in said:
        said = said["anyOf"][0]  # that nothing is found is every result's own
    if isinstance(kept, dict):
        said = {"type": "object", "properties": {new: _schema_at(said, where) for new, where in kept.items()}}
    elif kept is not None:
        for each in kept:
            _schema_at(said, each)
        said = _kept_schema(said, tree_of(each.split(".") for each in kept))
    if said.get("type") != "object":
        return RootModel[Annotated[Any, WithJsonSchema(said)]]
    made: dict[str, Any] = {}
    for each, inner in said.get("properties", {}).items():
        made[_field_name(each, made)] = Annotated[Any, WithJsonSchema(inner)], PydanticField(None, alias=each)
    return create_model(name, __config__=ConfigDict(protected_namespaces=(), serialize_by_alias=True), **made)


@dataclass(slots=True)
class _Described:
    """Describes what a result holds, and counts it: types that hold types unfold to very many."""

    types: XmlTypes
    levels: int
    members: int = 0

    def object_of(self, fields: Sequence[Field], level: int) -> dict[str, Any]:
        self.members += len(fields)
        if level > self.levels or self.members > _MEMBERS:
            return {"type": "object"}
        return {"type": "object", "properties": {each.name: self._member(each, level) for each in fields}}

    def _member(self, each: Field, level: int) -> dict[str, Any]:
        if isinstance(each.type, Simple):
            said = schema_of(each.type)
        elif isinstance(each.type, Complex):
            said = self.object_of(self.types.fields(each.type), level + 1)
        else:
            said = {}
        if each.many:
            said = {"type": "array", "items": said}
        elif each.nillable:
            said = {"anyOf": [said, {"type": "null"}]}
        return {**said, "description": each.said} if each.said and each.name != TEXT else said


def _kept_schema(schema: Mapping[str, Any], tree: Tree) -> dict[str, Any]:
    if not tree:
        return dict(schema)
    if "anyOf" in schema:
        return {"anyOf": [_kept_schema(schema["anyOf"][0], tree), *schema["anyOf"][1:]]}
    if schema.get("type") == "array":
        return {**schema, "items": _kept_schema(schema["items"], tree)}
    properties = schema.get("properties", {})
    kept = {name: _kept_schema(properties.get(name, {}), inner) for name, inner in tree.items()}
    return {**schema, "properties": kept}


def _schema_at(schema: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return the schema of what `_at` finds; nothing is known of what lies deeper than is described."""
    first, _, rest = path.partition(".")
    if "anyOf" in schema:
        return _schema_at(schema["anyOf"][0], path)
    if schema.get("type") == "array":
        return {"type": "array", "items": _schema_at(schema["items"], path)}
    if schema.get("type", "object") == "object" and "properties" not in schema:
        return {}
    inner = schema.get("properties", {}).get(first)
    if inner is None:
        known = ", ".join(schema.get("properties", {}))
        raise ValueError(f"the result has no {first} there; it has {known or 'nothing inside'}")
    return _schema_at(inner, rest) if rest else dict(inner)


def _field_name(name: str, taken: Mapping[str, Any]) -> str:
    """Return a name for the field that is nobody else's; pydantic keeps some for itself."""
    plain = name.lstrip("_") or "field"
    while hasattr(BaseModel, plain) or plain in taken:
        plain += "_"
    return plain
