from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.arguments import parameters
from connectors.bounds import TEXT_LIMIT
from connectors.json_schema import arguments_from_schema
from connectors.plain_schema import JsonSchemaError
from connectors.schema_document import SchemaDocument
from connectors.strict_schema import strict_schema

ADDRESS = {
    "type": "object",
    "properties": {"street": {"type": "string"}, "floor": {"type": "integer", "default": 1}},
    "required": ["street"],
}
CARD = {
    "type": "object",
    "properties": {"kind": {"const": "card"}, "number": {"type": "string"}},
    "required": ["kind", "number"],
}
CASH = {"type": "object", "properties": {"kind": {"enum": ["cash"]}}, "required": ["kind"]}


def of(schema: Any, definitions: Any = None) -> Any:
    """Make arguments with one parameter `value`."""
    whole = {"type": "object", "properties": {"value": schema}, "required": ["value"]}
    return arguments_from_schema("t.one", {**whole, "$defs": definitions or {}})


def arrived(schema: Any, value: Any) -> Any:
    return of(schema).model_validate({"value": value}).model_dump(mode="json")["value"]


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        ({"type": "string"}, ["", "x"], [1, None, True, ["x"], {}]),
        ({"type": "string", "minLength": 2, "maxLength": 3}, ["ab", "abc"], ["a", "abcd"]),
        ({"type": "string", "maxLength": 50_000}, ["x" * 20_000], ["x" * 50_001]),
        ({"type": "string", "pattern": r"^\d{2}$"}, ["12"], ["1", "123", "12\n", "١٢"]),
        ({"type": "string", "pattern": "b"}, ["abc"], ["ac"]),
        ({"type": "string", "format": "date"}, ["2024-02-29"], ["2023-02-29", "20240229", "1 May"]),
        (
            {"type": "string", "format": "date-time"},
            ["2024-05-31T10:00:00Z", "2024-05-31t10:00:00.123456789+02:00"],
            ["2024-05-31T10:00:00", "2024-05-31", "2024-05-31T25:00:00Z"],
        ),
        ({"type": "string", "format": "time"}, ["10:00:00Z"], ["10:00", "24:00:01Z"]),
        ({"type": "string", "format": "uuid"}, ["0b0c6c0e-7a5c-4d5e-9d2f-3a8f6f1b2c3d"], ["0b0c6c0e", "x"]),
        ({"type": "string", "format": "ipv4"}, ["127.0.0.1"], ["127.0.0.256", "::1"]),
        ({"type": "string", "format": "ipv6"}, ["::1"], ["127.0.0.1"]),
        ({"type": "string", "format": "password"}, ["anything"], [1]),
        ({"type": "integer"}, [0, -5], [1.0, "1", True, None, 2**53]),
        ({"type": "integer", "format": "int64"}, [2**63 - 1], [2**63]),
        ({"type": "integer", "format": "int32"}, [2**31 - 1], [2**31]),
        ({"type": "integer", "minimum": 0.5, "exclusiveMaximum": 3}, [1, 2], [0, 3]),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True, "maximum": 3}, [2, 3], [1, 4]),
        ({"type": "integer", "multipleOf": 5}, [10], [11]),
        ({"type": "number"}, [1, 1.5], ["1", True, None]),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1, "multipleOf": 0.1}, [0.3, 1], [0, 1.1, 0.35]),
        ({"type": "boolean"}, [True, False], [1, "true", None]),
        ({"enum": ["a", 1, 2.5, True]}, ["a", 1, 2.5, True], ["b", 1.0, 2, False, None]),
        ({"type": "integer", "enum": [0, 1]}, [0, 1], [True, 2, "1"]),
        ({"type": "integer", "enum": [1, "any"]}, [1], ["any"]),
        ({"const": "x"}, ["x"], ["y"]),
        ({"const": False}, [False], [0, True]),
        ({"type": ["string", "null"]}, ["x", None], [1]),
        ({"type": "string", "nullable": True}, ["x", None], [1]),
        ({"enum": ["x", None]}, ["x", None], ["null"]),
        ({"type": ["integer", "string"]}, [1, "1"], [True, 1.5, []]),
        ({"type": "array", "items": {"type": "integer"}, "maxItems": 2}, [[], [1]], [[1, 2, 3], ["1"], "1"]),
        ({"type": "array", "items": {"type": "string"}, "uniqueItems": True}, [["a", "b"]], [["a", "a"]]),
        ({"type": "array"}, [["a", 1, True]], [[["a"]], [{}], [None]]),
        (ADDRESS, [{"street": "x"}, {"street": "x", "floor": 2}], [{}, {"street": 1}, {"street": "x", "door": 1}]),
        ({"type": "object", "additionalProperties": False}, [{}], [{"x": 1}]),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, [1, None], ["1"]),
        ({"oneOf": [{"type": "integer"}, {"type": "boolean"}]}, [1, True], ["1"]),
        (
            {"oneOf": [CARD, CASH]},
            [{"kind": "cash"}, {"kind": "card", "number": "1"}],
            [{"kind": "cash", "number": "1"}, {"kind": "card"}, {"kind": "cheque"}, {}],
        ),
        (
            {**ADDRESS, "anyOf": [{"required": ["street"]}, {"required": ["floor"]}]},
            [{"street": "x"}],
            [{"floor": 1}],
        ),
        (
            {"type": "object", "properties": {"a": {"type": "string"}}, "anyOf": [CASH, CARD], "required": ["a"]},
            [{"a": "x", "kind": "cash"}],
            [{"kind": "cash"}, {"a": "x"}],
        ),
        (
            {"allOf": [ADDRESS, {"properties": {"town": {"type": "string"}}, "required": ["town"]}]},
            [{"street": "x", "town": "y"}],
            [{"street": "x"}, {"town": "y"}],
        ),
        (
            {"allOf": [{"type": "number", "maximum": 5}, {"type": "integer", "minimum": 1, "maximum": 9}]},
            [1, 5],
            [0, 6, 1.5],
        ),
        ({"allOf": [{"enum": ["a", "b"]}, {"enum": ["b", "c"]}]}, ["b"], ["a", "c"]),
        ({}, ["x", 1, 1.5, False], [None, [], {}]),
        (True, ["x"], [[]]),
        ({"properties": {"a": {"type": "integer"}}}, [{}, {"a": 1}], [1, {"a": "1"}]),
        ({"type": "object", "required": ["a"]}, [{"a": 1}], [{}, {"a": []}]),
        (
            {"type": "object", "properties": {"id": {"type": "string", "readOnly": True}}, "required": ["id"],
             "additionalProperties": False},
            [{}],
            [{"id": "x"}],
        ),
    ],
)  # fmt: skip
def test_each_kind_takes_what_is_right_and_refuses_what_is_not_with_the_field(
    schema: Any, right: list[Any], wrong: list[Any]
) -> None:
    arguments = of(schema)
    for value in right:
        assert arrived(schema, value) == value
    for value in wrong:
        with pytest.raises(ValidationError) as raised:
            arguments.model_validate({"value": value})
        assert all(error["loc"][0] == "value" for error in raised.value.errors()), value


@pytest.mark.parametrize(
    ("schema", "reason", "message"),
    [
        ({"$ref": "#/$defs/Node"}, "recursion", "#/$defs/Node contains itself"),
        ({"$ref": "https://example.com/a.json"}, "reference", "leads outside the document"),
        ({"$ref": "#/$defs/Nobody"}, "reference", "leads nowhere"),
        ({"type": "array", "prefixItems": [{"type": "string"}]}, "keyword", "prefixItems: a tuple"),
        ({"type": "object", "patternProperties": {"^x": {}}}, "keyword", "patternProperties"),
        ({"type": "object", "propertyNames": {"maxLength": 3}}, "keyword", "propertyNames"),
        ({"type": "string", "pattern": "(?=a)b"}, "pattern", "look-around"),
        ({"type": "string", "pattern": r"(a)\1"}, "pattern", "backreferences"),
        ({"type": "string", "pattern": "(a{1000}){1000}"}, "pattern", "size limit"),
        ({"type": "string", "pattern": "x" * 1_001}, "pattern", "1001 characters"),
        ({"type": "string", "pattern": "("}, "pattern", "unclosed group"),
        ({"type": "strnig"}, "invalid", "type 'strnig' is none of"),
        ({"type": "integer", "minimum": "1"}, "invalid", "minimum must be a number"),
        ({"type": "string", "maxLength": 1.5}, "invalid", "maxLength must be a count"),
        ({"type": "integer", "multipleOf": 0.3}, "invalid", "multiples of 0.3"),
        ({"enum": []}, "invalid", "an enum has between 1 and 1000 values"),
        ({"enum": [["a"]]}, "type", "an enum of objects or lists"),
        (
            {"type": "boolean", "enum": ["True", "False"]},
            "contradiction",
            "no value of its enum has its type",
        ),
        ({"type": "null"}, "type", "nothing but null"),
        ({"allOf": [{"type": "string"}, {"type": "integer"}]}, "contradiction", "at once"),
        ({"allOf": [{"pattern": "a"}, {"pattern": "b"}]}, "contradiction", "two different pattern"),
        ({"anyOf": [{"type": "string"}], "oneOf": [{"type": "string"}]}, "keyword", "anyOf beside oneOf"),
        ({"anyOf": []}, "invalid", "anyOf must be a list"),
        ({"properties": {"": {"type": "string"}}}, "name", "1 to 64 printable"),
        ("string", "invalid", "is no schema"),
    ],
)
def test_what_cannot_be_said_is_refused_with_place_and_reason(schema: Any, reason: str, message: str) -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}
    with pytest.raises(JsonSchemaError, match="value") as raised:
        of(schema, {"Node": node})

    assert raised.value.reason == reason
    assert message in str(raised.value)
    assert str(raised.value).startswith("value")


def test_a_schema_that_is_too_deep_or_unfolds_to_too_much_is_refused() -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(12):
        deep = {"type": "array", "items": deep}
    with pytest.raises(ValueError, match="deeper than 10 levels"):
        of(deep)

    laughs: dict[str, Any] = {"d0": {"type": "string"}}
    for level in range(1, 9):
        inner = {"$ref": f"#/$defs/d{level - 1}"}
        laughs[f"d{level}"] = {"type": "object", "properties": {str(n): inner for n in range(10)}}
    with pytest.raises(ValueError, match="more than 2000 schemas"):
        of({"$ref": "#/$defs/d8"}, laughs)


def test_choices_and_allof_nested_without_end_are_refused() -> None:
    choices: dict[str, Any] = {"type": "string"}
    parts: dict[str, Any] = {"type": "string"}
    for _ in range(900):
        choices, parts = {"anyOf": [choices]}, {"allOf": [parts]}
    for schema in (choices, parts):
        with pytest.raises(JsonSchemaError) as raised:
            of(schema)
        assert raised.value.reason == "too large"


def test_what_is_shared_by_several_parts_is_no_recursion() -> None:
    base = {"properties": {"id": {"type": "string"}}}
    extended = {"allOf": [{"$ref": "#/$defs/Base"}, {"properties": {"of": {"$ref": "#/$defs/Base"}}}]}
    both = {"allOf": [{"$ref": "#/$defs/Base"}, {"$ref": "#/$defs/Extended"}]}
    arguments = of(both, {"Base": base, "Extended": extended})

    sent = {"value": {"id": "1", "of": {"id": "2"}}}
    assert arguments.model_validate(sent).model_dump() == sent


@pytest.mark.parametrize(
    "schema", [{"type": "string"}, {"type": "array", "items": {}}, {"oneOf": [CARD, CASH]}, {"enum": [{}]}]
)
def test_arguments_are_one_object(schema: Any) -> None:
    with pytest.raises(ValueError, match=r"one object|enum of objects"):
        arguments_from_schema("t.one", schema)


def test_no_properties_are_no_arguments() -> None:
    for schema in ({}, {"type": "object"}, {"type": "object", "properties": {}}):
        arguments = arguments_from_schema("t.none", schema)
        assert arguments.model_validate({}).model_dump() == {}
        with pytest.raises(ValidationError):
            arguments.model_validate({"x": 1})


def test_references_reach_into_the_document_of_an_api() -> None:
    document = {"components": {"schemas": {"A/b": ADDRESS, "Id": {"type": "string", "description": "which"}}}}
    schema = {
        "properties": {
            "to": {"$ref": "#/components/schemas/A~1b"},
            "id": {"$ref": "#/components/schemas/Id", "description": "the order"},
        }
    }
    arguments = arguments_from_schema("t.ship", schema, document=SchemaDocument("t", document))

    assert arguments.model_validate({"to": {"street": "x"}}).model_dump() == {"to": {"street": "x"}}
    assert parameters(arguments)["id"].description == "the order"


def test_null_for_an_optional_property_is_left_out_at_every_depth_also_where_null_is_a_value() -> None:
    inner = {"properties": {"a": {"type": ["string", "null"]}, "b": {"type": "integer", "nullable": True}}}
    schema = {"properties": {"one": inner, "two": {"type": ["string", "null"]}, "many": {"items": inner}}}
    arguments = arguments_from_schema("t.patch", schema)

    sent = {"one": {"a": None, "b": None}, "two": None, "many": [{"a": None, "b": 1}]}
    assert arguments.model_validate(sent).model_dump(mode="json") == {"one": {}, "many": [{"b": 1}]}


def test_a_default_is_filled_in_unless_its_own_schema_refuses_it() -> None:
    schema = {
        "properties": {
            "unit": {"type": "string", "enum": ["C", "F"], "default": "C"},
            "size": {"type": "integer", "default": "dontcare"},
            "tags": {"type": "array", "items": {"type": "string"}, "default": ["a"]},
        }
    }
    validated = arguments_from_schema("t.weather", schema).model_validate({"unit": None})

    assert validated.model_dump(mode="json") == {"unit": "C", "tags": ["a"]}


NAMES = [
    "from-date",
    "class",
    "copy",
    "model_dump",
    "_id",
    "id_",
    "$filter",
    "shape",
    "call",
    "self",
    "a.b",
    "é",
    "_",
    "__",
]


def test_names_that_are_no_names_in_python_are_kept_for_the_model_and_the_journal() -> None:
    schema = {"properties": {name: {"type": "string"} for name in NAMES}, "required": NAMES}
    arguments = arguments_from_schema("t.names", schema)
    sent = {name: name for name in NAMES}

    assert list(strict_schema(arguments)["properties"]) == NAMES
    assert list(parameters(arguments)) == NAMES
    assert arguments.model_validate(sent).model_dump(mode="json") == sent
    for name in NAMES:
        with pytest.raises(ValidationError) as raised:
            arguments.model_validate({**sent, name: 1})
        assert raised.value.errors()[0]["loc"] == (name,)


FREE = {"type": "object", "description": "What to look for."}


def test_a_free_form_object_is_text_for_the_model_and_an_object_for_everybody_else() -> None:
    schema = strict_schema(of(FREE))["properties"]["value"]

    assert schema == {
        "type": "string",
        "description": "What to look for. A JSON object, written as text.",
        "maxLength": TEXT_LIMIT,
    }
    assert arrived(FREE, '{"a": {"b": [1, null]}}') == {"a": {"b": [1, None]}}
    assert arrived(FREE, {"a": {"b": [1, None]}}) == {"a": {"b": [1, None]}}
    assert arrived({"type": "object", "additionalProperties": {"type": "integer"}}, '{"a": 1}') == {"a": 1}


@pytest.mark.parametrize(
    "value",
    [
        "no JSON",
        "[1]",
        '{"a": 1, "a": 2}',
        '{"a": NaN}',
        '{"a": "' + "x" * TEXT_LIMIT + '"}',
        {"a": "x" * TEXT_LIMIT},
        '{"a":' * 9 + "1" + "}" * 9,
        "\ud800",
        7,
    ],
)
def test_what_stands_for_a_free_form_object_is_held_to_its_bounds(value: Any) -> None:
    with pytest.raises((ValidationError, ValueError)):
        of(FREE).model_validate({"value": value})


def test_members_of_a_map_are_validated_by_its_schema() -> None:
    with pytest.raises(ValidationError) as raised:
        of({"type": "object", "additionalProperties": ADDRESS}).model_validate({"value": '{"home": {}}'})

    assert raised.value.errors()[0]["loc"] == ("value", "home", "street")


def test_descriptions_examples_and_nested_defaults_reach_the_model() -> None:
    schema = strict_schema(
        arguments_from_schema(
            "t.ship",
            {
                "properties": {
                    "order": {"type": "string", "description": "the\n  order.", "examples": ["O-1"]},
                    "to": {**ADDRESS, "title": "Where to"},
                },
                "required": ["order", "to"],
            },
        )
    )["properties"]

    assert schema["order"]["description"] == "the order. For example O-1."
    assert schema["to"]["description"] == "Where to"
    assert schema["to"]["properties"]["floor"]["description"] == "Default: 1."


def test_an_item_that_is_a_free_form_object_is_described() -> None:
    items = strict_schema(of({"type": "array", "items": FREE}))["properties"]["value"]["items"]

    assert items["description"] == "What to look for. A JSON object, written as text."


def test_a_choice_keeps_the_order_of_its_document_whatever_was_made_before() -> None:
    for kinds in (["string", "integer"], ["integer", "string"]):
        schema = strict_schema(of({"type": "array", "items": {"anyOf": [{"type": kind} for kind in kinds]}}))
        choices = schema["properties"]["value"]["items"]["anyOf"]
        assert [choice["type"] for choice in choices] == kinds


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
leaf_schemas: list[dict[str, Any]] = [
    {"type": "string"},
    {"type": "integer", "minimum": 0},
    {"type": "number"},
    {"type": "boolean"},
    {"enum": ["a", 1]},
    {"type": ["string", "null"]},
    {},
    {"type": "object"},
    {"type": "string", "default": "d"},
]


def object_schema(properties: dict[str, Any], required: int) -> dict[str, Any]:
    return {"properties": properties, "required": list(properties)[:required]}


def larger(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    members = st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, min_size=1)
    return st.one_of(
        inner.map(lambda items: {"type": "array", "items": items}),
        st.lists(inner, min_size=1, max_size=3).map(lambda choices: {"anyOf": choices}),
        st.builds(object_schema, members, st.integers(0, 3)),
    )


schemas = st.recursive(st.sampled_from(leaf_schemas), larger, max_leaves=8)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "z"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["x", "y"]), schemas),
    st.dictionaries(st.sampled_from(["x", "y"]), values),
)
def test_what_is_journaled_is_what_was_validated_and_says_nothing_that_was_not_sent(
    properties: dict[str, Any], sent: dict[str, Any]
) -> None:
    arguments = arguments_from_schema("t.any", {"properties": properties})
    strict_schema(arguments)
    try:
        validated = arguments.model_validate(sent)
    except ValidationError:
        return
    journaled = validated.model_dump(mode="json")
    assert arguments.model_validate(journaled).model_dump(mode="json") == journaled
    assert journaled.keys() <= properties.keys()


KEYWORDS = [
    *("type", "properties", "required", "items", "enum", "const", "allOf", "anyOf", "oneOf", "$ref", "$defs"),
    *(
        "additionalProperties",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "pattern",
    ),
    *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties", "format", "nullable"),
    *("default", "description", "title", "example", "examples", "readOnly", "discriminator", "not"),
]
TYPES = ["object", "array", "string", "integer", "number", "boolean", "null"]
words = st.sampled_from([*TYPES, "date", "int32", "a", "#", "#/$defs/a", "^a$", "[", ""])
hostile = st.recursive(
    scalars | words,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYWORDS) | st.sampled_from(["a", "b"]), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=400)
@given(st.dictionaries(st.sampled_from(KEYWORDS), hostile, max_size=5))
def test_whatever_a_document_says_is_made_to_arguments_or_refused_as_a_schema(said: dict[str, Any]) -> None:
    for schema in (said, {"type": "object", "properties": {"a": said}, "$defs": {"a": said}}):
        try:
            strict_schema(arguments_from_schema("t.any", schema))
        except JsonSchemaError:
            continue
