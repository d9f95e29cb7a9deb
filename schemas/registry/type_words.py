"""Avro types in words, as a publisher would name them. Pure; for parsed schemas."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

_SHOWN: Final = 8
"""So many of a list are named."""

_LOGICAL: Final[Mapping[str, frozenset[str]]] = {
    "int": frozenset({"date", "time-millis"}),
    "long": frozenset(
        {
            "time-micros",
            *(
                f"{where}timestamp-{unit}"
                for where in ("", "local-")
                for unit in ("millis", "micros", "nanos")
            ),
        }
    ),
    "bytes": frozenset({"decimal", "big-decimal"}),
    "string": frozenset({"uuid"}),
    "fixed": frozenset({"decimal", "duration", "uuid"}),
}
"""Logical types of Avro 1.12 by what may be below them; any other is no more than what is below it."""


def kind_of(node: Any) -> str:
    """Return what a type is: `int`, `record`, `union`."""
    if isinstance(node, list):
        return "union"
    return str(cast("Mapping[str, Any]", node)["type"]) if isinstance(node, Mapping) else str(node)


def logical_type(node: Any) -> str:
    """Return a type's logical type, a decimal's with precision and scale; empty where it has none that the specification knows."""
    if not isinstance(node, Mapping):
        return ""
    schema = cast("Mapping[str, Any]", node)
    logical = schema.get("logicalType")
    if not isinstance(logical, str) or logical not in _LOGICAL.get(kind_of(schema), ()):
        return ""
    if logical != "decimal":
        return logical
    # Without a precision it is no decimal, says the specification.
    return f"decimal({schema['precision']}, {schema.get('scale', 0)})" if "precision" in schema else ""


def type_words(node: Any) -> str:
    """Return a type in a few words: `array of string`, `record shop.Order`, `long (timestamp-millis)`."""
    if isinstance(node, list):
        return f"union of {listed([type_words(each) for each in cast('list[Any]', node)])}"
    kind = kind_of(node)
    if not isinstance(node, Mapping):
        return kind
    schema = cast("Mapping[str, Any]", node)
    logical = f" ({logical_type(schema)})" if logical_type(schema) else ""
    match kind:
        case "array":
            return f"array of {_inner(schema['items'])}"
        case "map":
            return f"map of {_inner(schema['values'])}"
        case "record" | "enum" | "fixed":
            return f"{kind} {schema['name']}{logical}"
        case _:
            return kind + logical


def listed(words: Iterable[str]) -> str:
    """Return words with commas between them, the first few of many."""
    every = list(words)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more


def _inner(node: Any) -> str:
    """One level is enough to tell types apart, and a schema may be deep."""
    return "unions" if isinstance(node, list) else kind_of(node)
