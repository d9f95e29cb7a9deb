"""The named types of a parsed schema: what its other parts refer to by name. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, cast


def named_types(parsed: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the records, enumerations and fixed types of a schema by their full names."""
    return dict(_named(parsed))


def _named(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, list):
        for branch in cast("list[Any]", node):
            yield from _named(branch)
    elif isinstance(node, Mapping):
        schema = cast("Mapping[str, Any]", node)
        if "name" in schema:
            yield schema["name"], schema
        for field in schema.get("fields", ()):
            yield from _named(field["type"])
        for part in ("type", "items", "values"):
            yield from _named(schema.get(part))
