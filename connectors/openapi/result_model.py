"""What is known of a result before it comes, for rules, labels and compensations: from the document's schema. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo
from pydantic_core import core_schema

from connectors.json_type import JsonType
from connectors.kept_fields import Tree, tree_of
from connectors.openapi.references import JsonObject
from connectors.openapi.results import Fields, steps_of
from connectors.plain_schema import JsonSchemaError, Plain, Reader
from connectors.returns import describe_returns
from connectors.schema_keywords import as_bytes
from connectors.schema_model import SchemaModel, new_model

_LEVELS: Final = 4
"""Of an answer that are described; what lies deeper may be anything."""
_KEPT: Final = {"enum": list, "pattern": str, "format": str, "description": str, "pii": bool}
"""What is taken over from a schema, and its form; no document decides how far its own values are trusted."""
_ANYTHING: Final = JsonType(core_schema.any_schema(), {})


@dataclass(frozen=True, slots=True)
class Result:
    """What is known of a result.

    Attributes:
        model: says what it holds; None where nothing is known.
        returns: the same in words, as `connectors.returns` has them.
    """

    model: type[BaseModel] | None
    returns: tuple[str, ...]


class Results:
    """What the operations of one document return, for rules, labels and compensations; its models validate nothing.

    Operations that return the same share a model.
    """

    def __init__(self, name: str, document: JsonObject) -> None:
        """Take the name of the models and what references refer to."""
        self._name = name
        self._document = document
        self._made: dict[bytes, Result] = {}

    def result(self, schema: Any, fields: Fields, *, paged: bool) -> Result:
        """Return what a result holds.

        Args:
            schema: JSON Schema of the answer, or None where nothing is known.
            fields: what is kept of it.
            paged: whether `schema` and `fields` are those of an item, and the result is a list of some.
        """
        key = as_bytes((schema, fields, paged))
        known = self._made.get(key)
        if known is not None:
            return known
        said = _said(Reader(self._document), schema, fields, paged=paged)
        model = _model(self._name, said) if said else None
        made = Result(model, describe_returns(model, ""))
        if key:
            self._made[key] = made
        return made


class _Result(SchemaModel):
    """A result that a document describes."""

    model_config = ConfigDict(protected_namespaces=(), serialize_by_alias=True)


def _model(name: str, said: JsonObject) -> type[BaseModel]:
    known: dict[str, tuple[JsonType, FieldInfo]] = {}
    if said.get("type") == "object":
        said = {"type": "object", "properties": said.get("properties", {})}
        for each in said["properties"]:
            info: Any = Field(default=None, alias=each)
            known[_field_name(each, known)] = _ANYTHING, info
    return new_model(name, _Result, known, said)


def _said(reader: Reader, schema: Any, fields: Fields, *, paged: bool) -> JsonObject:
    """Return the JSON Schema of what is left of an answer; an empty one says nothing."""
    said: dict[str, Any] = _described(reader, schema)
    if isinstance(fields, Mapping):
        properties = {new: _schema_at(said, steps_of(old)) for new, old in fields.items()}
        said = {"type": "object", "properties": properties}
    elif fields is not None:
        said = _kept_schema(said, tree_of(map(steps_of, fields)))
    if paged:
        listed = {"type": "array", "items": said}
        said = {"type": "object", "properties": {"items": listed, "more": {"type": "boolean"}}}
    return said


def items_schema(document: JsonObject, schema: Any, steps: Sequence[str]) -> Any:
    """Return the schema of what a list in an answer holds, or None where nothing is known of it."""
    reader = Reader(document)
    try:
        for step in steps:
            schema = reader.read(schema, step).said.get("properties", {}).get(step)
            if schema is None:
                return None
        return reader.read(schema, "").said.get("items")
    except JsonSchemaError:
        return None


def _described(reader: Reader, schema: Any) -> dict[str, Any]:
    """Return a schema without references, as far as it can be read; an empty one says nothing."""
    if schema is None:
        return {}
    try:
        return _plainly(reader, reader.read(schema, ""), 0)
    except JsonSchemaError:
        return {}


def _plainly(reader: Reader, plain: Plain, level: int) -> dict[str, Any]:
    said = {key: plain.said[key] for key, form in _KEPT.items() if isinstance(plain.said.get(key), form)}
    if len(plain.kinds) == 1:
        said["type"] = plain.kinds[0]
    if plain.kinds == ("object",) and level < _LEVELS:
        said["properties"] = dict(_members(reader, plain, level))
    if plain.kinds == ("array",) and level < _LEVELS:
        try:
            inner = reader.read(plain.said.get("items", True), "", plain.inside, level + 1)
            said["items"] = _plainly(reader, inner, level + 1)
        except JsonSchemaError:
            pass  # the list is known, what it holds is not
    return {"anyOf": [said, {"type": "null"}]} if plain.nullable else said


def _members(reader: Reader, plain: Plain, level: int) -> Iterator[tuple[str, Any]]:
    for name, inner in plain.said.get("properties", {}).items():
        try:
            read = reader.read(inner, name, plain.inside, level + 1)
            yield name, _plainly(reader, read, level + 1)
        except JsonSchemaError:
            yield name, {}


def _kept_schema(schema: JsonObject, tree: Tree) -> dict[str, Any]:
    if not tree:
        return dict(schema)
    branches = schema.get("anyOf", ())
    if branches:
        return {"anyOf": [_kept_schema(branches[0], tree), *branches[1:]]}
    if schema.get("type") == "array":
        return {**schema, "items": _kept_schema(schema.get("items", {}), tree)}
    properties = schema.get("properties", {})
    kept = {name: _kept_schema(properties.get(name, {}), inner) for name, inner in tree.items()}
    return {**schema, "type": "object", "properties": kept}


def _schema_at(schema: JsonObject, steps: Sequence[str]) -> dict[str, Any]:
    """Return the schema of what such a path leads to."""
    if not steps:
        return dict(schema)
    branches = schema.get("anyOf", ())
    if branches:
        return _schema_at(branches[0], steps)
    if schema.get("type") == "array":
        return {"type": "array", "items": _schema_at(schema.get("items", {}), steps)}
    return _schema_at(schema.get("properties", {}).get(steps[0], {}), steps[1:])


def _field_name(name: str, taken: Mapping[str, Any]) -> str:
    """Return a name for the field that is nobody else's; pydantic keeps some for itself."""
    plain = name.lstrip("_") or "field"
    while hasattr(SchemaModel, plain) or plain in taken:
        plain += "_"
    return plain
