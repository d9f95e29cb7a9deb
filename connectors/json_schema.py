"""From a JSON Schema to the model of an action's arguments: for actions that a document describes and no function does. Pure.

Draft 2020-12 and OpenAPI 3.0 and 3.1. What a strict tool schema cannot say is narrowed or refused, never widened:

- objects with declared properties are closed, whatever `additionalProperties` says; `readOnly` ones are left out;
- an object without declared properties is JSON written as text, and an object once it has arrived;
- a value of any type is a text, a number or a boolean; so is a property that is required and not described;
- `oneOf` is taken as `anyOf`;
- null for an optional property means that it is left out, also where null is a value: a strict schema makes a model
  send null for what it does not mean to say, and that must not clear anything;
- a default at the top is filled in, so that rules and people see it; inside objects it is left to the service, and so is
  one that its own schema refuses;
- rules between properties (`LEFT_TO_THE_SERVICE`) and formats that only describe are not checked;
- recursion, tuples, references that lead outside, and patterns that cannot be checked are refused.
"""

from collections.abc import Mapping
from typing import Any, cast

from pydantic import Field, TypeAdapter, ValidationError, create_model
from pydantic_core import to_json

from connectors.arguments import Arguments
from connectors.bounds import shape_of
from connectors.json_schema_types import Types
from connectors.plain_schema import JsonSchemaError, Plain, Reader
from connectors.schema_keywords import JsonSchema


def arguments_from_schema(
    name: str, schema: JsonSchema, *, document: JsonSchema | None = None
) -> type[Arguments]:
    """Return the strict model of the arguments that a JSON Schema describes; its JSON Schema is the narrowed one.

    Args:
        name: the action's name, for the model's name.
        schema: the schema of an object.
        document: what `#/…` references refer to; the schema itself by default. Nothing is ever fetched.

    Raises:
        JsonSchemaError: where it cannot become arguments; a SchemaLimitError with place and reason.
    """
    reader = Reader(schema if document is None else document)
    title = name.replace(".", "_")
    types = Types(title, reader)
    plain = reader.read(schema, "")
    if plain.kinds not in {(), ("object",)} or "enum" in plain.said or types.branches(plain)[0]:
        raise JsonSchemaError(
            "", "type", "arguments are one object with properties; a choice of several is not"
        )
    fields: dict[str, tuple[Any, Any]] = {}
    for sent, inner, required in types.properties(plain):
        hint, said = types.member(inner, required=required)
        field = _field_name(sent, fields)
        if field != sent:
            said["alias"] = sent
        fields[field] = hint, _field(inner, hint, said, required=required)
    model = create_model(title, __base__=Arguments, **cast("dict[str, Any]", fields))
    model.wire_shape = shape_of(model.model_json_schema())
    return model


def _field(plain: Plain, hint: Any, said: dict[str, Any], *, required: bool) -> Any:
    default = plain.said.get("default")
    if required:
        return Field(**said)
    if default is None or not _validates(hint, default):
        return Field(default=None, exclude_if=_is_left_out, **said)
    return Field(default=default, **said)


def _validates(hint: Any, default: Any) -> bool:
    try:
        TypeAdapter(hint).validate_json(to_json(default), strict=True)
    except ValidationError:
        return False
    return True


def _is_left_out(value: Any) -> bool:
    return value is None


def _field_name(name: str, taken: Mapping[str, Any]) -> str:
    """Return a name for the field that is nobody else's; pydantic keeps some for itself."""
    plain = name.lstrip("_") or "field"
    while hasattr(Arguments, plain) or plain in taken:
        plain += "_"
    return plain
