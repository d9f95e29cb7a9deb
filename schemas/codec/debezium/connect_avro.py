"""Values of Confluent's Avro converter: Connect's logical types stand in attributes of the Avro schema. Pure."""

import base64
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

from schemas.codec.debezium.logical import unpacked
from schemas.errors import UnreadableError
from schemas.registry.avro_schema import AvroSchema, avro_schema
from schemas.registry.named_types import named_types


def connect_values(payload: Mapping[str, Any], schema: AvroSchema) -> dict[str, Any]:
    """Return a decoded record with the values that Connect's types mean; other bytes become base64, as in JSON.

    Raises:
        UnreadableError: a value is none of its type; names the field.
    """
    return cast("dict[str, Any]", _read(payload, schema.parsed, _named_in(schema.text), ""))


@lru_cache(maxsize=256)
def _named_in(text: str) -> Mapping[str, Any]:
    """Return the named types of a schema that has been linted before."""
    return named_types(avro_schema(text).parsed)


def _read(value: Any, node: Any, named: Mapping[str, Any], at: str) -> Any:
    if isinstance(node, list):  # Connect makes unions of null and one type only; others are passed on
        inner = [branch for branch in cast("list[Any]", node) if branch != "null"]
        return _read(value, inner[0], named, at) if len(inner) == 1 else _plain(value)
    if isinstance(node, str):
        return _read(value, named[node], named, at) if node in named else _plain(value)
    if value is None:
        return None
    schema = cast("dict[str, Any]", node)
    logical = schema.get("connect.name")
    if isinstance(logical, str):
        parameters = schema.get("connect.parameters")
        try:
            found = unpacked(logical, value, parameters if isinstance(parameters, Mapping) else {})
        except UnreadableError as error:
            raise UnreadableError(f"field {at or 'payload'}: {error}") from error
        if found is not value:
            return found
    return _inside(value, schema, named, at)


def _inside(value: Any, schema: dict[str, Any], named: Mapping[str, Any], at: str) -> Any:
    kind = schema["type"]
    if not isinstance(kind, str):
        return _read(value, kind, named, at)
    if kind == "record":
        return {
            field["name"]: _read(
                value[field["name"]], field["type"], named, f"{at}.{field['name']}".lstrip(".")
            )
            for field in schema["fields"]
        }
    if kind == "array":
        return [_read(item, schema["items"], named, f"{at}[{number}]") for number, item in enumerate(value)]
    if kind == "map":
        return {
            name: _read(item, schema["values"], named, f"{at}.{name}".lstrip("."))
            for name, item in value.items()
        }
    return _plain(value)


def _plain(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
