"""What holds for whatever a model sends, also where an action's author said nothing: bounds, and what null means. Pure.

A strict tool schema makes a model send every property, so null stands for "left out" wherever null is no value,
inside nested objects as well. A text, an integer or a list without a bound of its own gets one from here; the tool
schema says the same bounds, so that an endpoint that decodes by it never produces what is refused here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, LiteralString, Self, cast

from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

TEXT_LIMIT: Final = 10_000
"""Characters of a text whose author gave no `max_length`."""
INTEGER_LIMIT: Final = 2**53 - 1
"""The largest integer, and as negative the smallest, without a bound of its own: exact in every reader of JSON."""
ITEMS_LIMIT: Final = 1_000
"""Items of a list whose author gave no `max_length`."""

BOUNDED_FORMATS: Final = frozenset(("date-time", "time", "date", "duration", "ipv4", "ipv6", "uuid"))
"""Formats of texts that are short by themselves."""

Schema = Mapping[str, Any]
_Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """What to hold a value to before its model validates it; made from the JSON Schema of the model.

    Attributes:
        text: whether a text is held to `TEXT_LIMIT`.
        least: whether an integer is held to `-INTEGER_LIMIT`.
        most: whether an integer is held to `INTEGER_LIMIT`.
        items: whether a list is held to `ITEMS_LIMIT`.
        choices: the values of an enum that holds numbers or booleans; for Python, `1`, `1.0` and `True` are one.
        left_out: properties for which null stands for "left out".
        kept: properties whose null is passed on.
        properties: what their values are held to.
        item: what each item of a list is held to, or None for nothing.
    """

    text: bool = False
    least: bool = False
    most: bool = False
    items: bool = False
    choices: tuple[Any, ...] = ()
    left_out: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    properties: Mapping[str, Self] = field(default_factory=dict[str, Any])
    item: Self | None = None


_UNBOUND: Final = Shape()
"""What a value is held to that nothing is said of."""


def shape_of(schema: Schema) -> Shape:
    """Return the shape of a model's JSON Schema (validation mode, with its `$defs`)."""
    return _shape(schema, schema.get("$defs", {}), ())


def needs_text_bound(schema: Schema) -> bool:
    """Whether a schema of a text bounds it in no way."""
    return not (schema.keys() & {"enum", "const", "maxLength"} or schema.get("format") in BOUNDED_FORMATS)


def needs_integer_bounds(schema: Schema) -> tuple[bool, bool]:
    """Whether a schema of an integer lacks a lower, and an upper bound."""
    if schema.keys() & {"enum", "const"}:
        return False, False
    return (
        not schema.keys() & {"minimum", "exclusiveMinimum"},
        not schema.keys() & {"maximum", "exclusiveMaximum"},
    )


def prepare(shape: Shape, value: Any, title: str) -> Any:
    """Return the value without the nulls that stand for "left out"; the value itself is not changed.

    Raises:
        ValidationError: pydantic's, with the place of everything that is out of bounds.
    """
    problems: list[InitErrorDetails] = []
    prepared = _prepared(shape, value, (), problems)
    if problems:
        raise ValidationError.from_exception_data(title, problems, hide_input=True)
    return prepared


def _shape(schema: Schema, definitions: Schema, inside: tuple[str, ...]) -> Shape:
    reference = schema.get("$ref")
    if reference is not None:
        name = str(reference).removeprefix("#/$defs/")
        # What holds itself cannot be said in a tool schema and is refused there.
        return Shape() if name in inside else _shape(definitions[name], definitions, (*inside, name))
    branches = schema.get("anyOf", schema.get("oneOf"))
    if branches is not None:
        return _joined([_shape(branch, definitions, inside) for branch in branches if not _is_null(branch)])
    choices = tuple(schema["enum"]) if "enum" in schema else (schema["const"],) if "const" in schema else ()
    kind = schema.get("type")
    properties = schema.get("properties", {})
    optional = properties.keys() - frozenset(schema.get("required", ()))
    left_out = frozenset(name for name in optional if not _accepts_null(properties[name], definitions))
    least, most = needs_integer_bounds(schema) if kind == "integer" else (False, False)
    return Shape(
        text=kind == "string" and needs_text_bound(schema),
        least=least,
        most=most,
        items=kind == "array" and "maxItems" not in schema,
        choices=choices if any(isinstance(choice, int | float) for choice in choices) else (),
        left_out=left_out,
        kept=frozenset(properties) - left_out,
        properties={
            name: inner
            for name, inner in (
                (name, _shape(each, definitions, inside)) for name, each in properties.items()
            )
            if inner != _UNBOUND
        },
        item=_shape(schema["items"], definitions, inside) if isinstance(schema.get("items"), dict) else None,
    )


def _joined(shapes: list[Shape]) -> Shape:
    """Return what every branch of a union agrees on; pydantic finds out which branch it is."""
    names = {name for shape in shapes for name in shape.properties}
    items = [shape.item for shape in shapes if shape.item is not None]
    kept = frozenset[str]().union(*(shape.kept for shape in shapes))
    return Shape(
        text=any(shape.text for shape in shapes),
        least=any(shape.least for shape in shapes),
        most=any(shape.most for shape in shapes),
        items=any(shape.items for shape in shapes),
        choices=shapes[0].choices if len(shapes) == 1 else (),
        left_out=frozenset[str]().union(*(shape.left_out for shape in shapes)) - kept,
        kept=kept,
        properties={
            name: _joined([shape.properties[name] for shape in shapes if name in shape.properties])
            for name in names
        },
        item=_joined(items) if items else None,
    )


def _is_null(schema: Schema) -> bool:
    return schema.get("type") == "null"


def _accepts_null(schema: Schema, definitions: Schema) -> bool:
    if "$ref" in schema:
        return _accepts_null(definitions[str(schema["$ref"]).removeprefix("#/$defs/")], definitions)
    branches = schema.get("anyOf", schema.get("oneOf"))
    if branches is not None:
        return any(_accepts_null(branch, definitions) for branch in branches)
    if "enum" in schema or "const" in schema:
        return None in schema.get("enum", ()) or schema.get("const", "") is None
    return schema.get("type") in (None, "null")


def _prepared(shape: Shape, value: Any, place: _Place, problems: list[InitErrorDetails]) -> Any:
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {
            name: _prepared(shape.properties[name], inner, (*place, name), problems)
            if name in shape.properties
            else inner
            for name, inner in members.items()
            if inner is not None or name not in shape.left_out
        }
    if isinstance(value, list):
        found = cast("list[Any]", value)
        if shape.items and len(found) > ITEMS_LIMIT:
            problems.append(_problem(place, "too_many_items", f"at most {ITEMS_LIMIT} items"))
        elif shape.item is not None:
            return [_prepared(shape.item, inner, (*place, at), problems) for at, inner in enumerate(found)]
        return found
    problems.extend(_scalar_problems(shape, value, place))
    return value


def _scalar_problems(shape: Shape, value: Any, place: _Place) -> Iterator[InitErrorDetails]:
    if shape.text and isinstance(value, str) and len(value) > TEXT_LIMIT:
        yield _problem(place, "text_too_long", f"at most {TEXT_LIMIT} characters")
    if shape.least and isinstance(value, int) and value < -INTEGER_LIMIT:
        yield _problem(place, "integer_too_small", f"at least -{INTEGER_LIMIT}")
    if shape.most and isinstance(value, int) and value > INTEGER_LIMIT:
        yield _problem(place, "integer_too_large", f"at most {INTEGER_LIMIT}")
    if shape.choices and value is not None and not any(_is_same(value, choice) for choice in shape.choices):
        said = ", ".join(
            str(choice).lower() if isinstance(choice, bool) else repr(choice) for choice in shape.choices
        )
        yield _problem(place, "not_a_choice", f"one of {said}")


def _is_same(value: Any, choice: Any) -> bool:
    if isinstance(value, bool) or isinstance(choice, int):
        return type(value) is type(choice) and value == choice
    return bool(value == choice)


def _problem(place: _Place, kind: LiteralString, wanted: str) -> InitErrorDetails:
    error = PydanticCustomError(kind, "Input should be {wanted}", {"wanted": wanted})
    return InitErrorDetails(type=error, loc=place, input=None)
