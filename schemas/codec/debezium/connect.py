"""Values of Kafka Connect's JSON converter: with `schemas.enable`, each carries its schema (`{schema, payload}`). Pure."""

from collections.abc import Mapping
from typing import Any, Final, cast

from schemas.codec.debezium.logical import raw_bytes, unpacked
from schemas.errors import UnreadableError

_WRAPPER: Final = {"schema", "payload"}


def is_wrapped(value: Mapping[str, Any]) -> bool:
    """Return whether an object is a value with its schema, and nothing else."""
    if len(value) != len(_WRAPPER) or set(value) != _WRAPPER:
        return False
    schema = value["schema"]
    return schema is None or (isinstance(schema, Mapping) and isinstance(schema.get("type"), str))


def unwrapped(value: Mapping[str, Any]) -> Any:
    """Return what a value means, with and without its schema; without one, numbers and base64 stay what they are.

    Raises:
        UnreadableError: the schema is none, or the value does not fit it; names the field.
    """
    if not is_wrapped(value):
        return value
    schema = value["schema"]
    return value["payload"] if schema is None else _read(value["payload"], schema, "")


def _read(value: Any, schema: Any, at: str) -> Any:
    """Return a value as its schema says; the depth of both is bounded by the JSON they came in."""
    if not isinstance(schema, Mapping):
        raise UnreadableError(f"field {at or 'payload'}: its Connect schema is no object")
    node = cast("Mapping[str, Any]", schema)
    if value is None:
        return None
    name, parameters = node.get("name"), node.get("parameters")
    try:
        found = unpacked(
            name if isinstance(name, str) else "",
            value,
            cast("Mapping[str, Any]", parameters) if isinstance(parameters, Mapping) else {},
        )
    except UnreadableError as error:
        raise UnreadableError(f"field {at or 'payload'}: {error}") from error
    if found is not value:
        return found
    return _inside(value, node, at)


def _inside(value: Any, node: Mapping[str, Any], at: str) -> Any:
    kind = node.get("type")
    if kind == "struct" and isinstance(value, Mapping):
        return _struct(cast("Mapping[str, Any]", value), node, at)
    if kind == "array" and isinstance(value, list):
        items = node.get("items")
        return [_read(item, items, f"{at}[{n}]") for n, item in enumerate(cast("list[Any]", value))]
    if kind == "map" and isinstance(value, Mapping):
        values = node.get("values")
        members = cast("Mapping[str, Any]", value).items()
        return {name: _read(member, values, f"{at}.{name}".lstrip(".")) for name, member in members}
    _check(kind, value, at)
    return value


def _struct(value: Mapping[str, Any], node: Mapping[str, Any], at: str) -> dict[str, Any]:
    fields = node.get("fields")
    if not isinstance(fields, list):
        raise UnreadableError(f"field {at or 'payload'}: its Connect schema is a struct without fields")
    known = {
        str(cast("Mapping[str, Any]", field).get("field")): cast("Mapping[str, Any]", field)
        for field in cast("list[Any]", fields)
        if isinstance(field, Mapping)
    }
    read: dict[str, Any] = {}
    for name, member in value.items():
        place = f"{at}.{name}".lstrip(".")
        if name not in known:
            raise UnreadableError(f"field {place}: its Connect schema does not know it")
        read[name] = _read(member, known[name], place)
    return read


_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "int8": (int,),
    "int16": (int,),
    "int32": (int,),
    "int64": (int,),
    "float": (int, float),
    "float32": (int, float),
    "float64": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "string": (str,),
    "bytes": (str,),
    "struct": (dict,),
    "array": (list,),
    "map": (dict, list),
}


def _check(kind: Any, value: Any, at: str) -> None:
    expected = _KINDS.get(kind) if isinstance(kind, str) else None
    if expected is None:
        raise UnreadableError(f"field {at or 'payload'}: its Connect schema has a type that there is not")
    if not isinstance(value, expected) or (isinstance(value, bool) and kind != "boolean"):
        raise UnreadableError(f"field {at or 'payload'} is no {kind}, as its Connect schema says")
    if kind == "bytes":
        try:
            raw_bytes(value)
        except ValueError as error:
            raise UnreadableError(f"field {at or 'payload'} is no base64, as bytes are in JSON") from error
