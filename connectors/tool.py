"""What the model API is shown of an action: OpenAI's function format, strict. Pure, built once at start-up."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel

from connectors.strict_schema import strict_schema
from schemas.canonical import canonical_json

DESCRIPTION_LIMIT: Final = 1024
"""Characters of a tool's description that every model API accepts."""


def build_tool(
    tool_name: str,
    description: str,
    arguments: type[BaseModel],
    *,
    constraints: Sequence[str] = (),
    examples: Sequence[dict[str, Any]] = (),
    returns: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the tool definition of one action; the same action always gives the same bytes.

    Raises:
        SchemaLimitError: where an argument's type cannot be said in a strict schema.
    """
    return {
        "type": "function",
        "function": {
            "name": tool_name,
            "description": describe(description, constraints=constraints, examples=examples, returns=returns),
            "strict": True,
            "parameters": strict_schema(arguments),
        },
    }


def describe(
    description: str,
    *,
    constraints: Sequence[str],
    examples: Sequence[dict[str, Any]],
    returns: Sequence[str] = (),
) -> str:
    """Return description, result, constraints and examples as one text, in the order they were declared.

    Of the texts of the result, the first that leaves the whole within `DESCRIPTION_LIMIT` is taken, or none. All else is
    the author's and is never shortened: the catalog's lint says what is too long.
    """
    parts = [description] if description else []
    if constraints:
        parts.append("\n".join(("Constraints:", *(f"- {constraint}" for constraint in constraints))))
    if examples:
        # Sorted keys: the prompt must not change between two starts, or the endpoint's prompt cache misses.
        parts.append(
            "\n".join(("Examples:", *(f"- {canonical_json(example).decode()}" for example in examples)))
        )
    for text in returns:
        whole = "\n\n".join((*parts[:1], text, *parts[1:]))
        if len(whole) <= DESCRIPTION_LIMIT:
            return whole
    return "\n\n".join(parts)


def responses_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool definition as the Responses API wants it: flat, with the same name, text and schema.

    Args:
        tool: what `build_tool` returned, in the format of chat completions. It is not changed; the schema is shared.
    """
    function = tool["function"]
    return {
        "type": "function",
        "name": function["name"],
        "description": function["description"],
        "parameters": function["parameters"],
        "strict": function["strict"],
    }
