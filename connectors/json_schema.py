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
from typing import Any, Final

from connectors.arguments import Arguments
from connectors.bounds import Shape
from connectors.json_schema_types import named
from connectors.json_type import object_said
from connectors.plain_schema import JsonSchemaError, Reader
from connectors.schema_document import Argument, SchemaDocument
from connectors.schema_keywords import JsonSchema
from connectors.schema_model import SchemaModel, new_model

_UNBOUND: Final = Shape()


def arguments_from_schema(
    name: str, schema: JsonSchema, *, document: SchemaDocument | None = None
) -> type[Arguments]:
    """Return the strict model of the arguments that a JSON Schema describes; its JSON Schema is the narrowed one.

    Args:
        name: the action's name, for the model's name.
        schema: the schema of an object.
        document: what `#/…` references refer to; the schema itself by default. Nothing is ever fetched.

    Raises:
        JsonSchemaError: where it cannot become arguments; a SchemaLimitError with place and reason.
    """
    if document is None:
        document = SchemaDocument(name, schema)
    reader = Reader(document.said)
    plain = reader.read(schema, "")
    branches, _ = document.types(reader).branches(plain)
    if plain.kinds not in {(), ("object",)} or "enum" in plain.said or branches:
        raise JsonSchemaError(
            "", "type", "arguments are one object with properties; a choice of several is not"
        )
    found: dict[str, Argument] = {}
    fields: dict[str, Argument] = {}
    needed: list[str] = []
    for sent, inner, required in named(plain):
        field = _field_name(sent, fields)
        argument = document.argument(reader, inner, (sent, field, required, plain.inside))
        if argument is not None:
            found[sent] = fields[field] = argument
            needed += [sent] if required else []
    model = new_model(
        name.replace(".", "_"),
        _DocumentedArguments,
        {field: (argument.kind, argument.info) for field, argument in fields.items()},
        _said(found, needed),
    )
    model.wire_shape = Shape(
        # Null is no value of an optional one, whatever the document says.
        left_out=frozenset(found) - frozenset(needed),
        kept=frozenset(needed),
        properties={sent: each.shape for sent, each in found.items() if each.shape != _UNBOUND},
    )
    return model


class _DocumentedArguments(SchemaModel, Arguments):
    """Arguments that a document describes."""


def _said(found: Mapping[str, Argument], needed: list[str]) -> JsonSchema:
    said = object_said({sent: each.said for sent, each in found.items()}, needed)
    definitions = {name: each for argument in found.values() for name, each in argument.definitions.items()}
    return {**said, "$defs": definitions} if definitions else said


def _field_name(name: str, taken: Mapping[str, Any]) -> str:
    """Return a name for the field that is nobody else's; pydantic keeps some for itself."""
    plain = name.lstrip("_") or "field"
    while hasattr(Arguments, plain) or plain in taken:
        plain += "_"
    return plain
