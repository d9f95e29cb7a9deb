"""Actions of one document share what they have in common, and nobody can tell."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import SchemaValidator

from connectors.arguments import Arguments, parameters
from connectors.json_schema import arguments_from_schema
from connectors.json_schema_types import Types
from connectors.plain_schema import SCHEMAS_LIMIT, JsonSchemaError, Reader
from connectors.schema_document import SchemaDocument
from connectors.strict_schema import strict_schema

ORDER: dict[str, Any] = {
    "properties": {
        "note": {"type": "string", "description": "For the packer.", "default": "-"},
        "lines": {"type": "array", "items": {"properties": {"sku": {"type": "string"}}, "required": ["sku"]}},
    },
}


def test_what_says_the_same_is_made_once_for_all_actions_of_a_document() -> None:
    document = SchemaDocument("shop", {"Order": ORDER})
    order = {"$ref": "#/Order"}
    first = arguments_from_schema("shop.create", {"properties": {"order": order}}, document=document)
    again = arguments_from_schema("shop.change", {"properties": {"order": dict(order)}}, document=document)

    assert parameters(first)["order"] is parameters(again)["order"]
    assert (first.__name__, again.__name__) == ("shop_create", "shop_change")
    assert first.model_json_schema() == again.model_json_schema()


def test_what_stands_elsewhere_is_not_the_same() -> None:
    document = SchemaDocument("shop", {})
    text = {"type": "string", "nullable": True}
    needed = arguments_from_schema("s.a", {"properties": {"x": text}, "required": ["x"]}, document=document)
    optional = arguments_from_schema("s.b", {"properties": {"x": text}}, document=document)
    named = arguments_from_schema("s.c", {"properties": {"keys": text}}, document=document)

    assert needed.model_validate({"x": None}).model_dump() == {"x": None}
    assert optional.model_validate({"x": None}).model_dump() == {}
    assert list(parameters(named)) == ["keys"]


@pytest.mark.parametrize(("one", "other"), [(1, True), (1, 1.0), ("1", 1)])
def test_values_that_python_takes_for_one_are_two(one: Any, other: Any) -> None:
    document = SchemaDocument("shop", {})

    def of(value: Any) -> type[Arguments]:
        schema = {"properties": {"x": {"enum": ["a", value]}}}
        return arguments_from_schema("s.a", schema, document=document)

    assert repr(strict_schema(of(one))) != repr(strict_schema(of(other)))


def test_definitions_of_several_actions_have_names_of_their_own() -> None:
    document = SchemaDocument("shop", {})
    inner = {"properties": {"a": {"type": "string"}}}
    other = {"properties": {"b": {"type": "string"}}}
    first = arguments_from_schema("s.a", {"properties": {"x": inner}}, document=document).model_json_schema()
    again = arguments_from_schema("s.b", {"properties": {"x": other}}, document=document).model_json_schema()

    assert not first["$defs"].keys() & again["$defs"].keys()


def test_what_is_known_already_counts_as_often_as_it_is_used() -> None:
    document = SchemaDocument("shop", {})
    wide = {"properties": {f"m{number}": {"type": "string"} for number in range(SCHEMAS_LIMIT // 2)}}
    arguments_from_schema("s.a", {"properties": {"x": wide}}, document=document)

    for _ in range(2):
        with pytest.raises(JsonSchemaError) as raised:
            arguments_from_schema("s.b", {"properties": {"x": wide, "y": wide}}, document=document)
        assert (raised.value.reason, raised.value.at.partition(".")[0]) == ("too large", "y")


def test_a_default_is_nobody_elses() -> None:
    document = SchemaDocument("shop", {})
    schema = {"properties": {"tags": {"items": {"type": "string"}, "default": ["a"]}}}
    first, again = (arguments_from_schema(name, schema, document=document) for name in ("s.a", "s.b"))

    first.model_validate({}).model_dump()["tags"].append("b")
    vars(first.model_validate({}))["tags"].append("b")
    assert again.model_validate({}).model_dump() == {"tags": ["a"]}


scalars: list[dict[str, Any]] = [
    {"type": "string"},
    {"type": "string", "minLength": 1, "maxLength": 3, "pattern": "^[ab]*$"},
    {"type": "string", "format": "date"},
    {"type": "integer", "minimum": 0, "maximum": 9, "multipleOf": 3},
    {"type": "integer", "format": "int32"},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 2.5},
    {"type": "number", "minimum": -1, "maximum": 1, "multipleOf": 0.5},
    {"type": "boolean"},
    {"enum": ["a"]},
    {"enum": ["a", 1, None]},
    {"enum": [1, True, "a", "a"]},
    {"type": "integer", "enum": [1, 2]},
    {"type": ["string", "integer", "null"]},
    {},
    {"type": "string", "default": "d", "description": "A text."},
]


def _object(members: dict[str, Any], required: int) -> dict[str, Any]:
    return {"type": "object", "properties": members, "required": list(members)[:required]}


def _listed(items: dict[str, Any], unique: bool) -> dict[str, Any]:
    return {"type": "array", "items": items, "maxItems": 3, "uniqueItems": unique}


def _tagged(members: list[dict[str, Any]]) -> dict[str, Any]:
    choices = [_object({"kind": {"enum": [f"k{n}"]}, "of": member}, 1) for n, member in enumerate(members)]
    return {"oneOf": choices}


def _larger(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    members = st.dictionaries(st.sampled_from(["a", "properties", "default"]), inner, min_size=1)
    return st.one_of(
        st.builds(_listed, inner, st.booleans()),
        st.lists(inner, min_size=1, max_size=3).map(lambda choices: {"anyOf": choices}),
        st.lists(inner, min_size=2, max_size=3).map(_tagged),
        st.builds(_object, members, st.integers(0, 3)),
    )


schemas = st.recursive(st.sampled_from(scalars), _larger, max_leaves=6)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 10)
    | st.floats(-2, 3)
    | st.sampled_from(["", "a", "2024-05-31", "k1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "kind", "of", "properties"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def _outcome(model: type[Arguments], sent: dict[str, Any]) -> Any:
    try:
        return model.model_validate(sent).model_dump(mode="json")
    except ValidationError as error:
        return error.errors(include_url=False, include_context=False)


@given(st.lists(schemas, min_size=1, max_size=3), st.dictionaries(st.sampled_from(["x", "y"]), values))
def test_shared_arguments_are_those_that_an_action_would_have_alone(
    found: list[dict[str, Any]], sent: dict[str, Any]
) -> None:
    document = SchemaDocument("shop", {})
    for schema in (*found, *found):
        whole = {"properties": {"x": schema, "y": found[0]}, "required": ["y"]}
        shared = arguments_from_schema("s.a", whole, document=document)
        alone = arguments_from_schema("s.a", whole)

        assert repr(strict_schema(shared)) == repr(strict_schema(alone))
        assert shared.wire_shape == alone.wire_shape
        assert _outcome(shared, sent) == _outcome(alone, sent)


def _bare(said: dict[str, Any], definitions: Any) -> dict[str, Any]:
    """Return a schema without what only describes, with its definitions in their place, and each choice once."""
    if "$ref" in said:
        return _bare(definitions[said["$ref"].removeprefix("#/$defs/")], definitions)
    kept = {key: value for key, value in said.items() if key not in DESCRIBES}
    if "items" in kept:
        kept["items"] = _bare(kept["items"], definitions)
    if "properties" in kept:
        kept["properties"] = {name: _bare(each, definitions) for name, each in kept["properties"].items()}
    for several in kept.keys() & {"anyOf", "oneOf"}:
        choices: list[dict[str, Any]] = []
        for choice in (_bare(each, definitions) for each in kept[several]):
            inner = choice["anyOf"] if [*choice] == ["anyOf"] else [choice]
            choices += [each for each in inner if each not in choices]
        kept[several] = choices
    return kept["anyOf"][0] if len(kept.get("anyOf", ())) == 1 else kept


DESCRIBES = {"title", "format", "description", "default", "discriminator"}


@given(schemas, st.booleans())
def test_what_a_type_says_is_what_its_core_checks(schema: dict[str, Any], required: bool) -> None:
    reader = Reader({})
    types = Types((f"d{number}" for number in range(1_000)), reader)
    kind = types.member(reader.read(schema, "x"), required=required)

    SchemaValidator(kind.core)
    assert _bare(GenerateJsonSchema().generate(kind.core), {}) == _bare(dict(kind.said), types.definitions)
