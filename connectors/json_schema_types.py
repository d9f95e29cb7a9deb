"""The types of a JSON Schema's values, objects and choices; which rules `connectors.json_schema` states. Pure."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, NotRequired, Required, cast

from pydantic import ConfigDict, Field, JsonValue
from typing_extensions import TypedDict

from connectors.json_schema_values import ANY_VALUE, choice, free_form, integer, listed, number, text
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
_CLOSED: Final = ConfigDict(extra="forbid", allow_inf_nan=False)
_RELATIONS: Final = frozenset(("required", "title", "description")) | LEFT_TO_THE_SERVICE
"""A choice of only these says which properties go together; that is left to the service."""
_SAID_BESIDE: Final = frozenset(
    ("anyOf", "oneOf", "description", "title", "default", "example", "examples", "discriminator", "nullable")
)
"""What stands beside a choice and says nothing of its branches."""


_new_typed_dict: Final[Any] = TypedDict


class Types:
    """Builds the types of one document."""

    def __init__(self, name: str, reader: Reader) -> None:
        self._name = name.replace(".", "_")
        self._reader = reader

    def properties(self, plain: Plain) -> list[tuple[str, Plain, bool]]:
        """Return name, schema and whether it is required, of each property that may be sent."""
        properties = plain.said.get("properties", {})
        required = plain.said.get("required", [])
        undescribed = {name: True for name in required if name not in properties}
        found: list[tuple[str, Plain, bool]] = []
        for name, inner in {**properties, **undescribed}.items():
            at = f"{plain.at}.{name}".removeprefix(".")
            if not 0 < len(name) <= _NAME_LIMIT or not name.isprintable():
                raise JsonSchemaError(at, "name", f"a name has 1 to {_NAME_LIMIT} printable characters")
            if inner is False:
                continue
            read = self._reader.read(inner, at, plain.inside, plain.depth + 1)
            if read.said.get("readOnly") is not True:
                found.append((name, read, name in required))
        return found

    def member(self, plain: Plain, *, required: bool) -> tuple[Any, dict[str, Any]]:
        """Return type and description of a property or item; it takes null only where null is no "left out"."""
        hint, nullable = self._value(plain)
        description = _description(plain.said)
        said = {"description": description} if description else {}
        return (hint | None if nullable and required else hint), said

    def _value(self, plain: Plain) -> tuple[Any, bool]:
        """Return the type of a value without null, and whether it may be null."""
        for keyword, why in _REFUSED.items():
            if keyword in plain.said:
                raise JsonSchemaError(plain.at, "keyword", f"{keyword}: {why}")
        if "enum" in plain.said:
            return choice(plain), plain.nullable
        branches, nullable = self.branches(plain)
        if branches:
            return self._union(branches), nullable
        if not plain.kinds:
            if plain.nullable or nullable:
                raise JsonSchemaError(plain.at, "type", "takes nothing but null")
            return ANY_VALUE, False
        hints = [self._of_kind(plain, kind) for kind in plain.kinds]
        return _either(hints), plain.nullable

    def _of_kind(self, plain: Plain, kind: str) -> Any:
        match kind:
            case "string":
                return text(plain)
            case "integer":
                return integer(plain)
            case "number":
                return number(plain)
            case "boolean":
                return bool
            case "array":
                item = self._reader.read(
                    plain.said.get("items", True), f"{plain.at}[]", plain.inside, plain.depth + 1
                )
                hint, said = self.member(item, required=True)
                return listed(plain, Annotated[hint, Field(**said)] if said else hint)
            case _:
                return self._object(plain)

    def _object(self, plain: Plain) -> Any:
        properties = self.properties(plain)
        others = plain.said.get("additionalProperties", True)
        if not properties and others is not False:
            if "patternProperties" in plain.said:
                raise JsonSchemaError(
                    plain.at, "keyword", "patternProperties: names cannot be checked by patterns"
                )
            return free_form(plain, JsonValue if others is True else self._others(plain, others))
        members: dict[str, Any] = {}
        for name, inner, required in properties:
            hint, said = self.member(inner, required=required)
            default = inner.said.get("default")
            if not required and isinstance(default, str | int | float):
                said["json_schema_extra"] = {"default": default}
            hint = Annotated[hint, Field(**said)] if said else hint
            members[name] = Required[hint] if required else NotRequired[hint]
        made = _new_typed_dict(f"{self._name}_{plain.at}", members)
        made.__pydantic_config__ = _CLOSED
        return made

    def _others(self, plain: Plain, schema: Any) -> Any:
        inner = self._reader.read(schema, f"{plain.at}.*", plain.inside, plain.depth + 1)
        return self.member(inner, required=True)[0] if inner.said else JsonValue

    def branches(self, plain: Plain) -> tuple[list[Plain], bool]:
        """Return the choices of `anyOf` or `oneOf`, and whether null is one of them, or allowed anyway."""
        keyword = next((word for word in ("anyOf", "oneOf") if word in plain.said), None)
        if keyword is None:
            return [], plain.nullable
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

    def _union(self, branches: list[Plain]) -> Any:
        hints = [self._value(branch)[0] for branch in branches]
        by = self._discriminator(branches) if len(branches) > 1 else None
        either = _either(hints)
        return either if by is None else Annotated[either, Field(discriminator=by)]

    def _discriminator(self, branches: list[Plain]) -> str | None:
        """Return the property that tells the branches apart: required, and one text that no other branch has."""
        if any(branch.kinds != ("object",) or self.branches(branch)[0] for branch in branches):
            return None
        tags: dict[str, set[str]] = {}
        for branch in branches:
            for name, inner, required in self.properties(branch):
                values = inner.said.get("enum", ())
                if required and not inner.nullable and len(values) == 1 and isinstance(values[0], str):
                    tags.setdefault(name, set()).add(values[0])
        return next((name for name, values in tags.items() if len(values) == len(branches)), None)


def _is_only_null(plain: Plain) -> bool:
    if "enum" in plain.said:
        return not plain.said["enum"]
    return plain.nullable and not plain.kinds and not plain.said.keys() & {"anyOf", "oneOf"}


def _either(hints: list[Any]) -> Any:
    either = hints[0]
    for hint in hints[1:]:
        either |= hint
    return either


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
