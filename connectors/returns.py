"""What an action returns, in words for the model: so that it can plan what to do with it. Pure, runs once at start-up.

A model that is returned is written as its fields, `{order_id: string (the order), state: open|closed, lines: [{sku: string}]}`.
Several texts are made, each shorter than the one before; `connectors.tool` takes the longest there is room for.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, PydanticUserError, TypeAdapter

RETURNS_LIMIT: Final = 300
"""Characters of the longest text."""

_CHOICES: Final = 8
_DEPTH: Final = 2
"""Levels of objects whose fields are written out."""

Schema = Mapping[str, Any]


def describe_returns(hint: Any, said: str) -> tuple[str, ...]:
    """Return texts of what is returned, longest first; none where nothing is known of it.

    Shortened in this order: the fields' descriptions are left out, then their types and the fields inside them, then the
    last of the names, which are counted; what the docstring says is the last to go.

    Args:
        hint: the return annotation, or None.
        said: what the docstring says of it, on one line, or an empty string.
    """
    fields = _fields(hint)
    texts = [
        " ".join(filter(None, ("Returns:", said, written))) for written in (*fields, *([""] if said else []))
    ]
    return tuple(text for text in dict.fromkeys(texts) if len(text) <= RETURNS_LIMIT)


def _fields(hint: Any) -> list[str]:
    """Return the fields with descriptions, without, and by name only, of these ever fewer."""
    if hint is None:
        return []
    try:
        schema = _schema(hint)
    except PydanticUserError:
        # Any type may be returned; what pydantic does not know is not told.
        return []
    writer = _Writer(schema.get("$defs", {}))
    texts = [writer.written(schema, 0, descriptions=True), writer.written(schema, 0, descriptions=False)]
    object_schema, frame = writer.object_of(schema)
    if object_schema is not None:
        names = list(object_schema["properties"])
        texts.append(frame.format(", ".join(names)))
        texts += [
            frame.format(f"{', '.join(names[:most])} and {len(names) - most} more")
            for most in range(len(names) - 1, 0, -1)
        ]
    return [text for text in texts if text]


def _schema(hint: Any) -> Schema:
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return hint.model_json_schema(mode="serialization")
    return TypeAdapter(hint).json_schema(mode="serialization")


class _Writer:
    """Writes the schemas of one document."""

    def __init__(self, definitions: Schema) -> None:
        self._definitions = definitions

    def object_of(self, schema: Schema) -> tuple[Schema | None, str]:
        """Return the object a schema is, or is a list of, and how to frame its fields."""
        schema = self._resolved(schema)
        if schema.get("properties"):
            return schema, "{{{}}}"
        if schema.get("type") == "array" and self._resolved(schema.get("items", {})).get("properties"):
            return self._resolved(schema["items"]), "[{{{}}}]"
        return None, ""

    def written(self, schema: Schema, depth: int, *, descriptions: bool) -> str:
        """Return a type in a few signs, or an empty string where nothing is known of it."""
        schema = self._resolved(schema)
        if "anyOf" in schema:
            branches = [self.written(each, depth, descriptions=descriptions) for each in schema["anyOf"]]
            return " or ".join(filter(None, dict.fromkeys(branches)))
        choices = schema.get("enum", [schema["const"]] if "const" in schema else [])
        if choices and len(choices) <= _CHOICES:
            return "|".join(str(choice) for choice in choices)
        if schema.get("type") == "array":
            item = self.written(schema.get("items", {}), depth, descriptions=descriptions)
            return f"[{item}]"
        if not schema.get("properties"):
            return str(schema.get("format") or schema.get("type") or "")
        if depth >= _DEPTH:
            return "object"
        fields = (
            self._field(name, inner, depth, descriptions=descriptions)
            for name, inner in schema["properties"].items()
        )
        return f"{{{', '.join(fields)}}}"

    def _field(self, name: str, schema: Schema, depth: int, *, descriptions: bool) -> str:
        kind = self.written(schema, depth + 1, descriptions=descriptions)
        said = " ".join(str(schema.get("description", "")).split()).rstrip(".") if descriptions else ""
        return (f"{name}: {kind}" if kind else name) + (f" ({said})" if said else "")

    def _resolved(self, schema: Schema) -> Schema:
        reference = schema.get("$ref")
        if reference is None:
            return schema
        return self._definitions.get(str(reference).removeprefix("#/$defs/"), {})
