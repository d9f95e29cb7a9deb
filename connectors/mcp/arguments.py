"""What of a tool's arguments the model may set, and what is sent in the end. Pure."""

from collections.abc import Mapping
from typing import Any, cast

from connectors.mcp.definitions import Definition
from connectors.mcp.settings import ToolSettings
from connectors.schema_keywords import JsonSchema


class ArgumentError(ValueError):
    """What the configuration says of an argument does not fit the tool.

    Attributes:
        at: the setting, and the argument in it.
        hint: what to write instead.
    """

    def __init__(self, at: tuple[str, ...], message: str, hint: str = "") -> None:
        super().__init__(message)
        self.at = at
        self.hint = hint


def shown_schema(definition: Definition, own: ToolSettings) -> JsonSchema:
    """Return the input schema without what the model does not set, with the configuration's descriptions.

    Raises:
        ArgumentError: the configuration names an argument that the tool does not have, or nobody describes one.
    """
    schema = dict(cast("JsonSchema", definition.get("inputSchema", {})))
    properties: dict[str, Any] = dict(schema.get("properties", {}))
    known = ", ".join(properties) or "none"
    hidden: dict[str, tuple[str, ...]] = {name: ("fixed", name) for name in own.fixed}
    if own.key_argument is not None:
        if own.key_argument in hidden:
            raise ArgumentError(("fixed", own.key_argument), "is the key_argument: it cannot be fixed")
        hidden[own.key_argument] = ("key_argument",)
    for name, at in (*hidden.items(), *((name, ("arguments", name)) for name in own.arguments)):
        if name not in properties:
            raise ArgumentError(at, f"{own.tool} has no argument {name}; it has {known}")
    for name in own.arguments.keys() & hidden.keys():
        raise ArgumentError(("arguments", name), "is not shown to the model: it needs no description")
    shown = {
        name: _described(inner, own.arguments.get(name))
        for name, inner in properties.items()
        if name not in hidden
    }
    for name, inner in shown.items():
        if not (isinstance(inner, dict) and inner.get("description")):
            hint = f"describe it: `arguments: {{{name}: …}}`"
            raise ArgumentError(("arguments",), f"{own.tool} does not describe its argument {name}", hint)
    schema["properties"] = shown
    schema["required"] = [name for name in schema.get("required", ()) if name not in hidden]
    return schema


def sent_arguments(own: ToolSettings, arguments: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return what the tool is called with; `key` is the idempotency key of the call."""
    own_key = {} if own.key_argument is None else {own.key_argument: key}
    return {**arguments, **own.fixed, **own_key}


def _described(schema: Any, description: str | None) -> Any:
    if description is None:
        return schema
    if not isinstance(schema, dict) or "$ref" in schema:
        return {"allOf": [schema], "description": description}
    return {**cast("JsonSchema", schema), "description": description}
