"""The lint: refuses schemas with which a few bytes become very many values, or the decoder never ends.

A body is only as harmless as the schema it is read with. A recursive record overflows the decoder's stack; an
array of items that take no bytes (`null`, an empty record) makes a hundred million values out of five bytes; records
that name each other twice, level by level, do the same without an array.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, cast

from schemas.errors import SchemaError

DEPTH: Final = 64
"""Levels of nesting, after names are replaced by what they stand for."""
FREE_VALUES: Final = 64
"""Values that take no bytes, in one record and all it holds."""
DECIMAL_DIGITS: Final = 1000
"""The most digits of a decimal; written out, one of a few bytes could have two billion."""

_BYTES: Final[Mapping[str, int]] = {
    "null": 0,
    "boolean": 1,
    "int": 1,
    "long": 1,
    "float": 4,
    "double": 8,
    "bytes": 1,
    "string": 1,
    "enum": 1,
}
"""The fewest bytes of a value."""


class _Size(NamedTuple):
    """What one value of a type needs at least."""

    min_bytes: int
    free_values: int
    depth: int


def lint_source(source: object, *, depth: int = 0) -> None:
    """Check the JSON of a schema before it is parsed.

    Raises:
        SchemaError: it is nested too deeply, or holds members that only the parser itself may set.
    """
    if depth > 3 * DEPTH:  # one level of types is up to three levels of JSON
        raise SchemaError(f"the schema's JSON is nested deeper than {3 * DEPTH} levels")
    if isinstance(source, dict):
        for name, value in cast("dict[str, object]", source).items():
            if name.startswith("__"):  # fastavro takes a marked schema as parsed already, whatever it holds
                raise SchemaError(
                    f"the schema has a member {name!r}; names with two underscores are reserved"
                )
            lint_source(value, depth=depth + 1)
    elif isinstance(source, list):
        for item in cast("list[object]", source):
            lint_source(item, depth=depth + 1)


def lint(parsed: Mapping[str, Any]) -> None:
    """Check a parsed schema: no recursion, no items without bytes, bounded depth, free values and decimals.

    Raises:
        SchemaError: naming the type and what is wrong with it.
    """
    _Lint().size(parsed)


def has_logical_types(parsed: object) -> bool:
    """Say whether a parsed schema uses logical types anywhere."""
    if isinstance(parsed, dict):
        node = cast("dict[str, object]", parsed)
        if "logicalType" in node:
            return True
        return any(has_logical_types(node.get(part)) for part in ("type", "fields", "items", "values"))
    if isinstance(parsed, list):
        return any(has_logical_types(item) for item in cast("list[object]", parsed))
    return False


@dataclass(slots=True)
class _Lint:
    """One pass over a parsed schema; each named type is sized once."""

    sizes: dict[str, _Size] = field(default_factory=dict[str, _Size])
    open: set[str] = field(default_factory=set[str])

    def size(self, node: object) -> _Size:
        if isinstance(node, str):
            return self._named(node)
        if isinstance(node, list):
            return self._union(cast("list[object]", node))
        schema = cast("dict[str, Any]", node)
        if schema.get("logicalType") == "decimal":
            _check_decimal(schema)
        size = self._complex(schema)
        if size.depth > DEPTH:
            raise SchemaError(f"the schema is nested deeper than {DEPTH} levels")
        if size.free_values > FREE_VALUES:
            raise SchemaError(
                f"the schema has more than {FREE_VALUES} values that take no bytes in one record"
            )
        return size

    def _named(self, name: str) -> _Size:
        if name in _BYTES:
            return _flat(_BYTES[name])
        if name in self.open:
            raise SchemaError(f"the schema is recursive: {name} holds itself")
        return self.sizes[name]

    def _union(self, branches: list[object]) -> _Size:
        sizes = [self.size(branch) for branch in branches]
        # The branch's index takes a byte, so a null in a union is not free.
        free = max((size.free_values for size in sizes if size.min_bytes or size.depth > 1), default=0)
        return _Size(1, free, max((size.depth for size in sizes), default=0))

    def _complex(self, schema: dict[str, Any]) -> _Size:
        kind = schema["type"]
        if kind == "record":
            return self._record(schema)
        if kind == "array":
            items = self.size(schema["items"])
            if items.min_bytes == 0:
                raise SchemaError("the schema has an array whose items take no bytes")
            return _Size(1, items.free_values, items.depth + 1)
        if kind == "map":
            values = self.size(schema["values"])
            return _Size(1, values.free_values, values.depth + 1)
        if kind == "fixed":
            return self._remember(schema, _flat(_fixed_bytes(schema)))
        if kind == "enum":
            return self._remember(schema, _flat(1))
        if kind not in _BYTES:
            raise SchemaError(
                f"the schema has a type {kind}; events are made of records, and `error` is for calls"
            )
        return self.size(kind)

    def _record(self, schema: dict[str, Any]) -> _Size:
        name = str(schema["name"])
        members = [member["name"] for member in schema["fields"]]
        if not all(isinstance(member, str) for member in members):
            raise SchemaError(f"the schema has a record {name} with a field whose name is no text")
        if len(set(members)) < len(members):
            raise SchemaError(f"the schema has a record {name} with two fields of one name")
        self.open.add(name)
        sizes = [self.size(member["type"]) for member in schema["fields"]]
        self.open.discard(name)
        min_bytes = sum(size.min_bytes for size in sizes)
        free = sum(size.free_values for size in sizes) + (min_bytes == 0)
        depth = 1 + max((size.depth for size in sizes), default=0)
        return self._remember(schema, _Size(min(min_bytes, 2**31), min(free, 2**31), depth))

    def _remember(self, schema: dict[str, Any], size: _Size) -> _Size:
        self.sizes[str(schema["name"])] = size
        return size


def _check_decimal(schema: Mapping[str, Any]) -> None:
    for part in ("precision", "scale"):
        digits = schema.get(part, 0)
        if not isinstance(digits, int) or digits > DECIMAL_DIGITS:
            raise SchemaError(f"the schema has a decimal of {part} {digits}, the limit is {DECIMAL_DIGITS}")


def _fixed_bytes(schema: Mapping[str, Any]) -> int:
    size = schema["size"]
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise SchemaError(
            f"the schema has a fixed {schema['name']} of {size} bytes, which is no number of bytes"
        )
    return size


def _flat(min_bytes: int) -> _Size:
    return _Size(min_bytes, int(min_bytes == 0), 1)
