"""From a pydantic model to the strict subset of JSON Schema that model APIs enforce while decoding. Pure.

The subset: every object closed and all its properties required, optional ones nullable, references inlined, texts,
integers and lists bounded, and only the keywords listed here; an endpoint answers 400 to others.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from connectors.bounds import INTEGER_LIMIT, ITEMS_LIMIT, TEXT_LIMIT, needs_integer_bounds, needs_text_bound

JSON_TEXT = "x-json-text"
"""Marks a free-form object in a model's JSON Schema: the model writes it as JSON in a text, and may send it as an object."""

_KEPT = frozenset(
    (
        *("type", "enum", "description", "pattern", "format", "minLength", "maxLength"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems"),
    )
)
_FORMATS = frozenset(
    ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"),
)

Schema = dict[str, Any]


class SchemaLimitError(ValueError):
    """A type that the strict subset cannot express; the message names it and what to write instead."""


def strict_schema(model: type[BaseModel]) -> Schema:
    """Return the strict JSON Schema of a model; the same model always gives the same bytes.

    Raises:
        SchemaLimitError: for recursive models, free-form objects and values of any type.
    """
    whole = model.model_json_schema()
    return _Inliner(whole.get("$defs", {})).convert({**whole, "description": None}, ())


class _Inliner:
    """Rewrites one document; holds its `$defs`."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions

    def convert(self, schema: Schema, path: tuple[str, ...]) -> Schema:
        """Rewrite one schema; `path` holds the definitions it is inside of."""
        if "$ref" in schema:
            return self._inlined(schema, path)
        for several in ("anyOf", "oneOf"):
            if several in schema:
                choices = [self.convert(choice, path) for choice in schema[several]]
                return {"anyOf": choices, **_kept(schema)}
        if "const" in schema:
            return {"type": _json_type(schema["const"]), **_kept(schema), "enum": [schema["const"]]}
        if "type" not in schema and "enum" not in schema:
            raise SchemaLimitError("a value of any type cannot be said in a strict schema; name its type")
        if schema.get(JSON_TEXT):
            return _json_text(schema)
        if schema.get("type") == "object":
            return self._closed_object(schema, path)
        if schema.get("type") == "array":
            return self._array(schema, path)
        return _bounded(_kept(schema), schema)

    def _inlined(self, schema: Schema, path: tuple[str, ...]) -> Schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        if name in path:
            raise SchemaLimitError(f"{name} contains itself; a strict schema has no recursion")
        target = self.convert(self._definitions[name], (*path, name))
        return {**target, **_kept(schema)}

    def _closed_object(self, schema: Schema, path: tuple[str, ...]) -> Schema:
        if schema.get("additionalProperties") not in (None, False):
            raise SchemaLimitError(
                "a free-form object cannot be said in a strict schema; use a list of models"
            )
        required = frozenset(schema.get("required", ()))
        properties = {
            name: self._property(inner, path, optional=name not in required)
            for name, inner in schema.get("properties", {}).items()
        }
        closed = {"properties": properties, "required": list(properties), "additionalProperties": False}
        return {**_kept(schema), **closed}

    def _property(self, schema: Schema, path: tuple[str, ...], *, optional: bool) -> Schema:
        converted = self.convert(schema, path)
        if not optional:
            return converted
        default = schema.get("default")
        if default is not None:
            said = converted.get("description", "")
            converted["description"] = f"{said} Default: {_plain(default)}.".strip()
        return _nullable(converted)

    def _array(self, schema: Schema, path: tuple[str, ...]) -> Schema:
        if "prefixItems" in schema or "items" not in schema:
            raise SchemaLimitError(
                "a fixed tuple or untyped list cannot be said in a strict schema; use list[T]"
            )
        return {"maxItems": ITEMS_LIMIT, **_kept(schema), "items": self.convert(schema["items"], path)}


def _bounded(kept: Schema, schema: Schema) -> Schema:
    """Add the bounds that hold where the author gave none."""
    if kept.get("type") == "string" and needs_text_bound(schema):
        return {**kept, "maxLength": TEXT_LIMIT}
    if kept.get("type") == "integer":
        low, high = needs_integer_bounds(schema)
        least = {"minimum": -INTEGER_LIMIT} if low else {}
        return {**kept, **least, **({"maximum": INTEGER_LIMIT} if high else {})}
    return kept


def _json_text(schema: Schema) -> Schema:
    said = f"{schema.get('description', '')} A JSON object, written as text.".strip()
    return {"type": "string", "description": said, "maxLength": TEXT_LIMIT}


def _kept(schema: Schema) -> Schema:
    kept = {key: value for key, value in schema.items() if key in _KEPT and value is not None}
    if kept.get("format") not in _FORMATS:
        kept.pop("format", None)
    if "(?" in kept.get("pattern", ""):
        # Grammar-based decoding has no look-around; pydantic still checks the value.
        del kept["pattern"]
    return kept


def _nullable(schema: Schema) -> Schema:
    if "anyOf" in schema:
        has_null = any(choice.get("type") == "null" for choice in schema["anyOf"])
        return schema if has_null else {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    if not isinstance(schema.get("type"), str) or schema["type"] == "object":
        said: Schema = {"description": schema.pop("description")} if "description" in schema else {}
        return {"anyOf": [schema, {"type": "null"}], **said}
    nullable = {**schema, "type": [schema["type"], "null"]}
    return {**nullable, "enum": [*schema["enum"], None]} if "enum" in schema else nullable


def _json_type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "integer" if isinstance(value, int) else "string"


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
