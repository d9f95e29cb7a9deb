"""JSON Schema in its dialects (draft 2020-12, OpenAPI 3.0 and 3.1) to one plain form: references and `allOf` resolved. Pure.

In the plain form a schema has no `$ref`, `allOf`, `nullable` or `const`; its bounds are numbers; `type` is one word or
absent, and whether null is allowed stands beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from connectors.schema_keywords import JsonSchema, misuse
from connectors.strict_schema import SchemaLimitError

Reason = Literal[
    "invalid",
    "reference",
    "recursion",
    "contradiction",
    "too large",
    "keyword",
    "pattern",
    "type",
    "name",
    "default",
]
"""Why a schema is refused, for counting: the message says it in words."""

DEPTH_LIMIT: Final = 10
"""Levels of objects and lists inside each other; strict endpoints take no more."""
SCHEMAS_LIMIT: Final = 2_000
"""Schemas in one document once references are followed: a small document of references can unfold to a huge one."""
ENUM_LIMIT: Final = 1_000
"""Values of an enum."""
_LEVELS: Final = 50
"""Schemas that one is all of, one inside the other."""

_LEAST: Final = frozenset(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"))
_GREATEST: Final = frozenset(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"))
_SAYS_TYPE: Final[Mapping[str, str]] = {
    **dict.fromkeys(("properties", "additionalProperties", "required"), "object"),
    **dict.fromkeys(("items", "minItems", "maxItems", "uniqueItems"), "array"),
    **dict.fromkeys(("pattern", "minLength", "maxLength"), "string"),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), "number"),
}
_TYPES: Final = frozenset(("string", "integer", "number", "boolean", "object", "array", "null"))


class JsonSchemaError(SchemaLimitError):
    """A JSON Schema that cannot become arguments; the message names the place, the reason and, where there is one, a way out.

    Attributes:
        at: where, such as `order.lines[].sku`, or an empty string for the whole.
        reason: one word, for counting.
    """

    def __init__(self, at: str, reason: Reason, message: str) -> None:
        super().__init__(f"{at or 'the schema'}: {message}")
        self.at = at
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class Plain:
    """One schema in plain form.

    Attributes:
        at: where it stands, for messages.
        said: its keywords, without those that were resolved.
        kinds: the types it allows, without null; empty for any.
        nullable: whether null is allowed.
        inside: the references that led here.
        depth: how many objects and lists it is inside of.
    """

    at: str
    said: JsonSchema
    kinds: tuple[str, ...]
    nullable: bool
    inside: tuple[str, ...]
    depth: int


@dataclass(slots=True)
class Reader:
    """Reads the schemas of one document, and counts them.

    Attributes:
        document: what `#/…` refers to.
        schemas: how many were read.
    """

    document: JsonSchema
    schemas: int = field(default=0, init=False)

    def count(self, schemas: int, at: str) -> None:
        """Count so many; raises JsonSchemaError where they are too many."""
        self.schemas += schemas
        if self.schemas > SCHEMAS_LIMIT:
            raise JsonSchemaError(
                at,
                "too large",
                f"the document unfolds to more than {SCHEMAS_LIMIT} schemas; select less of it",
            )

    def read(self, schema: Any, at: str, inside: tuple[str, ...] = (), depth: int = 0) -> Plain:
        """Return the plain form of a schema; raises JsonSchemaError."""
        said, inside = self._resolved(schema, at, inside)
        if depth > DEPTH_LIMIT:
            raise JsonSchemaError(at, "too large", f"is nested deeper than {DEPTH_LIMIT} levels; flatten it")
        said = _exclusive(said)
        if "const" in said:
            said = {**said, "enum": [said["const"]]}
            del said["const"]
        kinds = _kinds(said, at)
        nullable = "null" in kinds or said.get("nullable") is True
        if "enum" in said:
            values = _enum(said["enum"], at)
            nullable = None in values and (nullable or not kinds)
            said = {**said, "enum": [value for value in values if value is not None]}
        return Plain(at, said, tuple(kind for kind in kinds if kind != "null"), nullable, inside, depth)

    def _resolved(
        self, schema: Any, at: str, inside: tuple[str, ...], level: int = 0
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Return a schema with what it refers to and what it is all of, and the references that were followed."""
        if level > _LEVELS:
            raise JsonSchemaError(at, "too large", f"has allOf inside allOf, or references, {_LEVELS} times")
        self.count(1, at)
        if schema is True:
            return {}, inside
        if not isinstance(schema, Mapping):
            raise JsonSchemaError(at, "invalid", "is no schema; a schema is an object")
        said = dict(cast("JsonSchema", schema))
        wrong = misuse(said)
        if wrong is not None:
            raise JsonSchemaError(at, "invalid", wrong)
        if "allOf" not in said and "$ref" not in said:
            return said, inside
        parts: list[Any] = [*said.pop("allOf", ())]
        reference = said.pop("$ref", None)
        if reference is not None:
            # A member may refer once more to what it is inside of by `allOf`; what goes on for ever does so again.
            if inside.count(reference) > 1:
                raise JsonSchemaError(
                    at, "recursion", f"{reference} contains itself; a strict schema has no recursion"
                )
            inside = (*inside, str(reference))
            parts.insert(0, _target(self.document, reference, at))
        followed = dict.fromkeys(inside)
        for part in parts:
            resolved, through = self._resolved(part, at, inside, level + 1)
            followed |= dict.fromkeys(through)
            said = merged(said, resolved, at)
        return said, (*inside, *(each for each in followed if each not in inside))


def merged(first: JsonSchema, second: JsonSchema, at: str) -> dict[str, Any]:
    """Return the schema that holds a value to both; what only describes is the first one's."""
    result = dict(second) | dict(first)
    for key in first.keys() & second.keys():
        mine, theirs = first[key], second[key]
        if key == "required":
            result[key] = [*mine, *(name for name in theirs if name not in mine)]
        elif key == "properties":
            both = {name: {"allOf": [mine[name], theirs[name]]} for name in mine if name in theirs}
            result[key] = {**mine, **theirs, **both}
        elif key == "items":
            result[key] = {"allOf": [mine, theirs]}
        elif key == "enum":
            result[key] = [value for value in mine if value in theirs]
        elif key in _LEAST and not isinstance(mine, bool):
            result[key] = min(mine, theirs)
        elif key in _GREATEST and not isinstance(mine, bool):
            result[key] = max(mine, theirs)
        elif key == "type":
            result[key] = _common(mine, theirs, at)
        elif key in {"pattern", "format", "multipleOf", "const", "anyOf", "oneOf"} and mine != theirs:
            raise JsonSchemaError(
                at, "contradiction", f"allOf has two different {key}; write one schema that says both"
            )
    return result


def _common(first: Any, second: Any, at: str) -> list[str]:
    mine, theirs = _words(first, at), _words(second, at)
    both = [kind for kind in mine if kind in theirs or (kind == "integer" and "number" in theirs)]
    both += [kind for kind in theirs if kind == "integer" and "number" in mine and kind not in both]
    if not both:
        raise JsonSchemaError(at, "contradiction", f"allOf wants {first} and {second} at once")
    return both


def _words(kind: Any, at: str) -> list[str]:
    if isinstance(kind, str) and kind in _TYPES:
        return [kind]
    words: list[Any] = [kind] if isinstance(kind, str) else list(kind)
    unknown = [word for word in words if word not in _TYPES]
    if unknown or not words:
        raise JsonSchemaError(at, "invalid", f"type {kind!r} is none of {', '.join(sorted(_TYPES))}")
    return words


def _kinds(said: JsonSchema, at: str) -> list[str]:
    if "type" in said:
        words = _words(said["type"], at)
        return words if len(words) == 1 else [w for w in words if w != "integer" or "number" not in words]
    if "enum" in said:
        return []
    return list(dict.fromkeys(kind for key, kind in _SAYS_TYPE.items() if key in said))[:1]


def _exclusive(said: dict[str, Any]) -> dict[str, Any]:
    """OpenAPI 3.0 says `exclusiveMinimum: true` beside `minimum`; later drafts say the number itself."""
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(said.get(exclusive), bool):
            is_exclusive = said.pop(exclusive)
            if is_exclusive and bound in said:
                said[exclusive] = said.pop(bound)
    return said


def _enum(values: Any, at: str) -> list[Any]:
    listed = list(values)
    if not listed or len(listed) > ENUM_LIMIT:
        raise JsonSchemaError(
            at, "invalid", f"an enum has between 1 and {ENUM_LIMIT} values, not {len(listed)}"
        )
    if any(isinstance(value, dict | list) for value in listed):
        raise JsonSchemaError(at, "type", "an enum of objects or lists cannot be told to a model")
    return listed


def _target(document: JsonSchema, reference: Any, at: str) -> Any:
    """Follow a JSON pointer inside the document; nothing is ever fetched."""
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        raise JsonSchemaError(at, "reference", f"$ref {reference!r} leads outside the document; copy it in")
    found: Any = document
    for part in reference.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or name not in found:
            raise JsonSchemaError(at, "reference", f"$ref {reference} leads nowhere")
        found = cast("JsonSchema", found)[name]
    return found
