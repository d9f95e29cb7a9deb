"""The types of an event's payload, as JSON Schema: what a payload holds once Avro's richer values are plain."""

from collections.abc import Mapping
from typing import Any, Final, cast

from schemas.registry.avro_schema import AvroSchema

_PLAIN: Final[Mapping[str, Mapping[str, Any]]] = {
    "null": {"type": "null"},
    "boolean": {"type": "boolean"},
    "int": {"type": "integer"},
    "long": {"type": "integer"},
    "float": {"type": "number"},
    "double": {"type": "number"},
    "string": {"type": "string"},
}


def payload_types(schema: AvroSchema) -> dict[str, Any]:
    """Return the JSON Schema of the payloads that this Avro schema describes, after `schemas.codec.values.plain`.

    Times, decimals and UUIDs are strings there. Only what says a type is kept, with documentation: no defaults.
    """
    return _types(schema.parsed, {})


def _types(node: Any, named: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if isinstance(node, list):
        return {"anyOf": [_types(branch, named) for branch in cast("list[Any]", node)]}
    if isinstance(node, str):
        return named[node] if node in named else dict(_PLAIN.get(node, {}))
    schema = cast("dict[str, Any]", node)
    if "logicalType" in schema:
        return {"type": "string"}
    kind = schema["type"]
    if kind == "array":
        return {"type": "array", "items": _types(schema["items"], named)}
    if kind == "map":
        return {"type": "object", "additionalProperties": _types(schema["values"], named)}
    if kind == "enum":
        return named.setdefault(schema["name"], {"type": "string", "enum": list(schema["symbols"])})
    if kind == "record":
        return named.setdefault(schema["name"], _record(schema, named))
    return _types(kind, named) if kind != "fixed" else {}


def _record(schema: Mapping[str, Any], named: dict[str, dict[str, Any]]) -> dict[str, Any]:
    members = {member["name"]: _types(member["type"], named) for member in schema["fields"]}
    return {
        "type": "object",
        "properties": members,
        "required": list(members),
        "additionalProperties": False,
    }
