"""The types of a JSON Schema's values, objects and choices; which rules `connectors.json_schema` states. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from connectors.json_schema_values import ANY_VALUE, choice, free_form, integer, listed, number, text
from connectors.json_type import BOOLEAN, JsonType, closed, nullable, tagged, union
from connectors.plain_schema import JsonSchemaError, Plain, Reader
from connectors.schema_keywords import JsonSchema

LEFT_TO_THE_SERVICE: Final = frozenset(
    (
        "not",
        "if",
        "then",
        "else",
        "dependentRequired",
        "dependentSchemas",
        "contains",
        "minContains",
        "maxContains",
    )
)
"""Keywords that are not checked here: the service refuses what breaks them, and nothing has happened then."""
_REFUSED: Final[Mapping[str, str]] = {
    "prefixItems": "a tuple cannot be said in a strict schema",
    "propertyNames": "names of properties cannot be checked",
    "$dynamicRef": "dynamic references are not followed",
    "$recursiveRef": "dynamic references are not followed",
}
_NAME_LIMIT: Final = 64
_EXAMPLE_LIMIT: Final = 60
_RELATIONS: Final = frozenset(("required", "title", "description")) | LEFT_TO_THE_SERVICE
"""A choice of only these says which properties go together; that is left to the service."""
_SAID_BESIDE: Final = frozenset(
    ("anyOf", "oneOf", "description", "title", "default", "example", "examples", "discriminator", "nullable")
)
"""What stands beside a choice and says nothing of its branches."""


class Types:
    """Builds types of one action's arguments.

    Attributes:
        definitions: the JSON Schema of each object inside them, as `#/$defs/…` refers to it.
    """

    def __init__(self, names: Iterator[str], reader: Reader) -> None:
        """Take names for definitions, and what reads the document."""
        self.definitions: dict[str, JsonSchema] = {}
        self._names = names
        self._reader = reader

    def properties(self, plain: Plain) -> list[tuple[str, Plain, bool]]:
        """Return name, schema and whether it is required, of each property that may be sent."""
        read = [
            (name, self._reader.read(inner, f"{plain.at}.{name}", plain.inside, plain.depth + 1), required)
            for name, inner, required in named(plain)
        ]
        return [each for each in read if each[1].said.get("readOnly") is not True]

    def member(self, plain: Plain, *, required: bool) -> JsonType:
        """Return the type of a property or item, described; it takes null only where null is no "left out"."""
        made, takes_null = self._value(plain)
        if takes_null and required:
            made = nullable(made)
        description = _description(plain.said)
        return made.saying(description=description) if description else made

    def _value(self, plain: Plain) -> tuple[JsonType, bool]:
        """Return the type of a value without null, and whether it may be null."""
        if refused := plain.said.keys() & _REFUSED.keys():
            keyword = min(refused)
            raise JsonSchemaError(plain.at, "keyword", f"{keyword}: {_REFUSED[keyword]}")
        if "enum" in plain.said:
            return choice(plain), plain.nullable
        branches, takes_null = self.branches(plain)
        if branches:
            return self._union(branches), takes_null
        if not plain.kinds:
            if plain.nullable or takes_null:
                raise JsonSchemaError(plain.at, "type", "takes nothing but null")
            return ANY_VALUE, False
        return union([self._of_kind(plain, kind) for kind in plain.kinds]), plain.nullable

    def _of_kind(self, plain: Plain, kind: str) -> JsonType:
        match kind:
            case "string":
                return text(plain)
            case "integer":
                return integer(plain)
            case "number":
                return number(plain)
            case "boolean":
                return BOOLEAN
            case "array":
                item = self._reader.read(
                    plain.said.get("items", True), f"{plain.at}[]", plain.inside, plain.depth + 1
                )
                return listed(plain, self.member(item, required=True))
            case _:
                return self._object(plain)

    def _object(self, plain: Plain) -> JsonType:
        properties = self.properties(plain)
        others = plain.said.get("additionalProperties", True)
        if not properties and others is not False:
            if "patternProperties" in plain.said:
                raise JsonSchemaError(
                    plain.at, "keyword", "patternProperties: names cannot be checked by patterns"
                )
            return free_form(plain, None if others is True else self._others(plain, others))
        members: dict[str, JsonType] = {}
        for name, inner, required in properties:
            member = self.member(inner, required=required)
            default = inner.said.get("default")
            if not required and isinstance(default, str | int | float):
                member = member.saying(default=default)
            members[name] = member
        needed = [name for name, _, required in properties if required]
        return self._defined(closed(members, needed, plain.at))

    def _defined(self, made: JsonType) -> JsonType:
        """Return the type with its schema among the definitions: what is said beside a reference is of its place alone."""
        name = next(self._names)
        self.definitions[name] = made.said
        return JsonType(made.core, {"$ref": f"#/$defs/{name}"})

    def _others(self, plain: Plain, schema: Any) -> JsonType | None:
        inner = self._reader.read(schema, f"{plain.at}.*", plain.inside, plain.depth + 1)
        if not inner.said:
            return None
        # What they are is not told to the model, so its definitions are not among those of the arguments.
        return Types(self._names, self._reader).member(inner, required=True)

    def branches(self, plain: Plain) -> tuple[list[Plain], bool]:
        """Return the choices of `anyOf` or `oneOf`, and whether null is one of them, or allowed anyway."""
        if "anyOf" not in plain.said and "oneOf" not in plain.said:
            return [], plain.nullable
        keyword = "anyOf" if "anyOf" in plain.said else "oneOf"
        choices = plain.said[keyword]
        if not choices:
            raise JsonSchemaError(plain.at, "invalid", f"{keyword} must be a list of schemas")
        if {"anyOf", "oneOf"} <= plain.said.keys():
            raise JsonSchemaError(plain.at, "keyword", "anyOf beside oneOf; write one of them")
        choices = cast("list[Any]", choices)
        if all(isinstance(each, dict) and each.keys() <= _RELATIONS for each in choices):
            return [], plain.nullable
        shared = {key: value for key, value in plain.said.items() if key not in _SAID_BESIDE}
        read = [
            self._reader.read(
                {"allOf": [each, shared]} if shared else each,
                plain.at,
                plain.inside,
                # A choice inside a choice is a level; a choice itself is none, or each optional object would be two.
                plain.depth + bool(isinstance(each, dict) and each.keys() & {"anyOf", "oneOf"}),
            )
            for each in choices
        ]
        nullable = plain.nullable or any(each.nullable for each in read)
        return [each for each in read if not _is_only_null(each)], nullable

    def _union(self, branches: list[Plain]) -> JsonType:
        choices = [self._value(branch)[0] for branch in branches]
        tags = self._tags(branches) if len(branches) > 1 else None
        return union(choices) if tags is None else tagged(dict(zip(tags[1], choices, strict=True)), tags[0])

    def _tags(self, branches: list[Plain]) -> tuple[str, list[str]] | None:
        """Return the property that tells the branches apart, required and one text that no other has, and these texts."""
        if any(branch.kinds != ("object",) or self.branches(branch)[0] for branch in branches):
            return None
        tags: dict[str, dict[str, None]] = {}
        for branch in branches:
            for name, inner, required in self.properties(branch):
                values = inner.said.get("enum", ())
                if required and not inner.nullable and len(values) == 1 and isinstance(values[0], str):
                    tags.setdefault(name, {})[values[0]] = None
        found = (name for name, values in tags.items() if len(values) == len(branches))
        return next(((name, list(tags[name])) for name in found), None)


def named(plain: Plain) -> list[tuple[str, Any, bool]]:
    """Return name, schema as the document has it, and whether it is required, of each property; raises JsonSchemaError."""
    properties = plain.said.get("properties", {})
    required = plain.said.get("required", [])
    undescribed = {name: True for name in required if name not in properties}
    found: list[tuple[str, Any, bool]] = []
    for name, inner in {**properties, **undescribed}.items():
        if not 0 < len(name) <= _NAME_LIMIT or not name.isprintable():
            at = f"{plain.at}.{name}".removeprefix(".")
            raise JsonSchemaError(at, "name", f"a name has 1 to {_NAME_LIMIT} printable characters")
        if inner is not False:
            found.append((name, inner, name in required))
    return found


def _is_only_null(plain: Plain) -> bool:
    if "enum" in plain.said:
        return not plain.said["enum"]
    return plain.nullable and not plain.kinds and not plain.said.keys() & {"anyOf", "oneOf"}


def _description(said: JsonSchema) -> str:
    """Return what the schema says of itself on one line, with an example if there is a short one."""
    words = " ".join(str(said.get("description") or said.get("title") or "").split())
    examples = said.get("examples")
    example = examples[0] if isinstance(examples, list) and examples else said.get("example")
    if (
        isinstance(example, str | int | float)
        and len(str(example)) <= _EXAMPLE_LIMIT
        and str(example) not in words
    ):
        return f"{words} For example {example}.".strip()
    return words
