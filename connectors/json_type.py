"""One type in two forms: how pydantic's core validates a value, and the JSON Schema that says the same. Pure.

Types that a document describes are written in both at once: a document has thousands, and to write them as Python types
from which pydantic works out both forms takes many times as long. That both say the same is held by a test, which asks
pydantic for the JSON Schema of the first form.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import CoreSchema, core_schema

from connectors.schema_keywords import JsonSchema

_NULL: Final[JsonSchema] = {"type": "null"}


@dataclass(frozen=True, slots=True, eq=False)
class JsonType:
    """A type. As metadata, in `Annotated[Any, json_type]`, pydantic takes it for its own.

    Attributes:
        core: how a value is validated.
        said: its JSON Schema.
    """

    core: CoreSchema
    said: JsonSchema

    def __get_pydantic_core_schema__(self, _source: Any, _handler: Any) -> CoreSchema:
        return self.core

    def saying(self, **more: Any) -> "JsonType":
        """Return the type with more keywords, or others, that only describe."""
        return JsonType(self.core, {**self.said, **more})


BOOLEAN: Final = JsonType(core_schema.bool_schema(), {"type": "boolean"})


def nullable(inner: JsonType) -> JsonType:
    """Return the type that takes null as well."""
    return JsonType(core_schema.nullable_schema(inner.core), _any_of((inner.said, _NULL)))


def union(choices: Sequence[JsonType]) -> JsonType:
    """Return the type that takes what any of the choices does; unions among them are flattened, and equal ones are one."""
    if len(choices) == 1:
        return choices[0]
    cores: dict[str, Any] = {}
    for choice in choices:
        inner: Iterable[Any] = choice.core["choices"] if choice.core["type"] == "union" else (choice.core,)
        cores |= {repr(each): each for each in inner}
    said = _any_of([choice.said for choice in choices])
    several = list(cores.values())
    return JsonType(several[0] if len(several) == 1 else core_schema.union_schema(several), said)


def tagged(choices: dict[str, JsonType], by: str) -> JsonType:
    """Return the type of objects which one property, a text, tells apart."""
    core = core_schema.tagged_union_schema({tag: choice.core for tag, choice in choices.items()}, by)
    return JsonType(core, {"oneOf": [choice.said for choice in choices.values()]})


def closed(members: Mapping[str, JsonType], required: Sequence[str], name: str) -> JsonType:
    """Return the type of an object that has these members and no others."""
    core = core_schema.typed_dict_schema(
        {
            member: core_schema.typed_dict_field(kind.core, required=member in required)
            for member, kind in members.items()
        },
        cls_name=name,
        extra_behavior="forbid",
        config=core_schema.CoreConfig(allow_inf_nan=False),
    )
    said = object_said({member: kind.said for member, kind in members.items()}, required)
    return JsonType(core, said)


def object_said(properties: JsonSchema, required: Sequence[str]) -> JsonSchema:
    """Return the JSON Schema of an object that has these properties and no others."""
    needed = {"required": list(required)} if required else {}
    return {"type": "object", "properties": properties, **needed, "additionalProperties": False}


def _any_of(schemas: Iterable[JsonSchema]) -> JsonSchema:
    several: list[JsonSchema] = []
    for schema in schemas:
        inner: Iterable[JsonSchema] = schema["anyOf"] if [*schema] == ["anyOf"] else (schema,)
        several += [each for each in inner if each not in several]
    return several[0] if len(several) == 1 else {"anyOf": several}
