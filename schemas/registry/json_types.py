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

_FORMATS: Final[Mapping[str, str]] = {
    "timestamp-millis": "date-time",
    "timestamp-micros": "date-time",
    "local-timestamp-millis": "date-time",
    "local-timestamp-micros": "date-time",
    "date": "date",
    "time-millis": "time",
    "time-micros": "time",
    "uuid": "uuid",
    "decimal": "number",
}


def payload_types(schema: AvroSchema) -> dict[str, Any]:
    """Return the JSON Schema of the payloads that this Avro schema describes, after `schemas.codec.values.plain`.

    Times, decimals and UUIDs are strings there. Of a field's own attributes, `pattern`, `trust` and `pii` are kept: what its
    text looks like, whether it is to be relied on (`consumers.policy.labels`), whether it is personal (`schemas.personal`).
    """
    return _types(schema.parsed, {})


def _types(node: Any, named: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if isinstance(node, list):
        return {"anyOf": [_types(branch, named) for branch in cast("list[Any]", node)]}
    if isinstance(node, str):
        return named[node] if node in named else dict(_PLAIN.get(node, {}))
    schema = cast("dict[str, Any]", node)
    logical = schema.get("logicalType")
    if isinstance(logical, str) and logical in _FORMATS:  # any other is ignored, as Avro asks, whatever it is
        return {"type": "string", "format": _FORMATS[logical]}
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
    members = {member["name"]: _member(member, named) for member in schema["fields"]}
    return {
        "type": "object",
        "properties": members,
        "required": list(members),
        "additionalProperties": False,
    }


def _member(member: Mapping[str, Any], named: dict[str, dict[str, Any]]) -> dict[str, Any]:
    said = {name: member[name] for name in ("pattern", "trust", "pii") if name in member}
    types = _types(member["type"], named)
    return {**types, **said} if said else types
