"""A JSON Schema that the configuration declares for the JSON values of a topic: checked by `jsonschema-rs`, never widened.

Nothing is fetched: references lead into the schema itself. Patterns are matched in linear time, so that no text can hold up
a worker; what such an engine cannot do, looking ahead and back-references, is refused when the schema is read. Formats are
checked. Numbers are compared as they are written, not as the nearest double.
"""

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, cast

import orjson

from schemas.codec.exact import exact
from schemas.codec.json import read_object
from schemas.errors import SchemaError, UnreadableError
from schemas.personal import TAG, only_tagged

SCHEMA_BYTES: Final = 256 * 1024
"""The longest schema text that is read."""
PROBLEMS: Final = 5
"""How many of a value's problems a message names."""

_LEVELS: Final = 64
_OBJECTS: Final = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_SCHEMAS: Final = frozenset({"items", "additionalProperties", "contains", "not", "if", "then", "else"})
_LISTS: Final = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_UNTAGGED: Final = frozenset(
    {
        *("patternProperties", "dependentSchemas", "dependencies", "not", "if", "then", "else", "contains"),
        *("prefixItems", "additionalItems", "unevaluatedItems", "unevaluatedProperties", "propertyNames"),
    }
)
"""Where nobody looks for what is tagged as personal; nor in `items` that are a list."""
_DEFINED: Final = re.compile(r"#/(\$defs|definitions)/[^/]+")
"""The references that are read: whatever else reads the schema, rules and labels, finds the same behind them."""


class JsonSchema:
    """What the JSON values of a topic must fit. Build it once; share it."""

    def __init__(self, name: str, text: str) -> None:
        """Read a schema.

        Args:
            name: what messages call it, such as its file's.
            text: JSON; draft 2020-12 unless `$schema` says another.

        Raises:
            SchemaError: it is too long, no JSON, no JSON Schema, or says what is refused.
        """
        import jsonschema_rs  # a tenth of a second, for those who declare a schema

        if len(text) > SCHEMA_BYTES:
            raise SchemaError(f"{name}: the schema has {len(text)} characters, the limit is {SCHEMA_BYTES}")
        try:
            source: object = json.loads(text, parse_float=Decimal)
            types: object = orjson.loads(text)
        except ValueError as error:
            raise SchemaError(f"{name}: the schema is no JSON: {error}") from error
        if not isinstance(source, dict):
            raise SchemaError(f"{name}: the schema is no JSON object")
        for problem in (*_refused(source, 0), *_unread_tags(source, source)):
            raise SchemaError(f"{name}: {problem}")
        try:
            self._validator = jsonschema_rs.validator_for(
                cast("dict[str, Any]", source),
                validate_formats=True,
                offline=True,
                pattern_options=jsonschema_rs.RegexOptions(),
                # A message never repeats what is in a record: it may be personal, and messages end in logs.
                mask="a value",
            )
        except ValueError as error:
            raise SchemaError(
                f"{name}: it is no JSON Schema that can be used: {_first_line(error)}"
            ) from error
        self.name = name
        self.types: Mapping[str, Any] = _with_one_place(name, _without_booleans(types))
        self.personal = only_tagged(self.types)

    def read(self, body: bytes, *, member: str | None = None) -> Mapping[str, Any]:
        """Return the object of a JSON body; see `Declared`."""
        payload, value = read_object(body), json.loads(body, parse_float=exact)
        if member is not None:
            payload, value = payload[member], value[member]
        problems: list[str] = []
        for error in self._validator.iter_errors(value):
            if len(problems) == PROBLEMS:
                problems.append("and more")
                break
            problems.append(f"field {_place(error.instance_path)}: {error.message[:200]}")
        if problems:
            raise UnreadableError(f"the value does not fit {self.name}: {'; '.join(problems)}")
        return payload


def _refused(node: Mapping[Any, Any], depth: int) -> Iterator[str]:
    """Yield what a schema says that is not read: what leads outside of it, and what could have no end."""
    if depth > _LEVELS:
        yield f"the schema is nested deeper than {_LEVELS} levels"
        return
    for word in ("$dynamicRef", "$recursiveRef"):
        if word in node:
            yield f"{word} is not read; refer to #/$defs/…"
    if depth and "$id" in node:
        yield "a schema inside of it has an `$id`, which changes what references mean; only the whole may have one"
    reference = node.get("$ref")
    if reference is not None and not (isinstance(reference, str) and _DEFINED.fullmatch(reference)):
        yield f"the reference {str(reference)[:100]!r} is not read; put what it means under $defs and refer to #/$defs/…"
    for inner in _inside(node):
        yield from _refused(inner, depth + 1)


def _unread_tags(node: Mapping[Any, Any], root: Mapping[Any, Any]) -> Iterator[str]:
    """Yield tags of personal data that would have no effect, for then what they are to keep would be seen by everybody."""
    for word, value in node.items():
        unread = word in _UNTAGGED or (word == "items" and isinstance(value, list))
        if unread and _is_tagged(value, root, set()):
            yield f"`{TAG}` below `{word}` is not read; tag a member of `properties`, `items` or `additionalProperties`"
    for inner in _inside(node):
        yield from _unread_tags(inner, root)


def _is_tagged(value: Any, root: Mapping[Any, Any], seen: set[str]) -> bool:
    if isinstance(value, list):
        return any(_is_tagged(each, root, seen) for each in cast("list[Any]", value))
    if not isinstance(value, Mapping):
        return False
    node = cast("Mapping[Any, Any]", value)
    reference = node.get("$ref")
    if isinstance(reference, str) and reference not in seen:
        seen.add(reference)
        _, _, place = reference.partition("#/")
        word, _, name = place.partition("/")
        if _is_tagged(root.get(word, {}).get(name), root, seen):
            return True
    return node.get(TAG) is True or any(_is_tagged(each, root, seen) for each in node.values())


def _inside(node: Mapping[Any, Any]) -> Iterator[Mapping[Any, Any]]:
    for word, value in node.items():
        inner: list[object] = []
        if word in _SCHEMAS:
            inner = [value]
        elif word in _LISTS and isinstance(value, list):
            inner = cast("list[object]", value)
        elif word in _OBJECTS and isinstance(value, dict):
            inner = list(cast("dict[str, object]", value).values())
        yield from (cast("Mapping[Any, Any]", each) for each in inner if isinstance(each, dict))


def _without_booleans(node: Any) -> dict[str, Any]:
    """Return a schema in which `true` and `false`, where they stand for a schema, say nothing."""
    if not isinstance(node, Mapping):
        return {}
    found: dict[str, Any] = {}
    for word, value in cast("Mapping[str, Any]", node).items():
        if word in _SCHEMAS and isinstance(value, Mapping):
            found[word] = _without_booleans(value)
        elif word == "items" and isinstance(value, bool):
            found[word] = {}
        elif word in _LISTS and isinstance(value, list):
            found[word] = [_without_booleans(each) for each in cast("list[Any]", value)]
        elif word in _OBJECTS and isinstance(value, Mapping):
            members = cast("Mapping[str, Any]", value).items()
            found[word] = {name: _without_booleans(each) for name, each in members}
        else:
            found[word] = value
    return found


def _with_one_place(name: str, types: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that has all its definitions under `$defs`, older drafts' `definitions` too."""
    older = types.pop("definitions", {})
    both = older.keys() & types.get("$defs", {}).keys()
    if both:
        raise SchemaError(
            f"{name}: {', '.join(sorted(both))} is defined under `$defs` and under `definitions`"
        )
    return {**types, "$defs": {**types.get("$defs", {}), **older}} if older else types


def _place(path: list[str | int]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.lstrip(".") or "payload"


def _first_line(error: ValueError) -> str:
    return str(error).partition("\n")[0][:300]
