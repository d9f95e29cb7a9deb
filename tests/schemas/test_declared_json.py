"""JSON values held to a JSON Schema: what does not fit is refused by field, and nothing hostile holds up a worker."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec.declared_json import SCHEMA_BYTES, JsonSchema
from schemas.codec.formats import Format, TopicFormat
from schemas.codec.records import RecordCodec
from schemas.errors import SchemaError, UnreadableError
from schemas.record import Record
from schemas.registry.folder import FolderRegistry

LEAD: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^L-[0-9]+$"},
        "score": {"type": "integer", "minimum": 0, "maximum": 100},
        "value": {"type": "number", "multipleOf": 0.01},
        "due": {"type": "string", "format": "date"},
        "seen_at": {"type": "string", "format": "date-time"},
        "email": {"type": "string", "pii": True},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
        "note": {"type": ["string", "null"]},
        "any": True,
    },
    "required": ["id"],
    "additionalProperties": False,
    "$defs": {"line": {"type": "object", "properties": {"sku": {"type": "string"}}, "required": ["sku"]}},
}


def schema(**changes: Any) -> JsonSchema:
    return JsonSchema("lead.json", orjson.dumps(LEAD | changes).decode())


async def decode(value: bytes, *, structured: bool = False) -> Any:
    how = TopicFormat(format=Format.CLOUDEVENTS if structured else Format.JSON, schema=schema())
    codec = RecordCodec(FolderRegistry(), topics={"leads": how})
    headers = (("content-type", b"application/cloudevents+json"),) if structured else ()
    return await codec.decode(
        Record("leads", 0, 7, 1000, None, value, headers), tenant="acme", default_type="lead"
    )


GOOD = {
    "id": "L-1",
    "score": 5,
    "value": 19.99,
    "due": "2026-03-02",
    "seen_at": "2026-03-02T09:15:00Z",
    "lines": [{"sku": "P-1"}],
    "note": None,
    "any": {"a": [1]},
}


async def test_a_value_that_fits_is_passed_on_as_it_is() -> None:
    assert (await decode(orjson.dumps(GOOD))).payload == GOOD


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"id": ...}, 'field payload: "id" is a required property'),
        ({"id": 5}, 'field id: a value is not of type "string"'),
        ({"id": "L-canary"}, 'field id: a value does not match "^L-[0-9]+$"'),
        ({"score": 101}, "field score: a value is greater than the maximum of 100"),
        ({"score": 5.5}, 'field score: a value is not of type "integer"'),
        ({"value": 19.999}, "field value: a value is not a multiple of 0.01"),
        ({"value": "19.99"}, 'field value: a value is not of type "number"'),
        ({"due": "2026-02-30"}, 'field due: a value is not a "date"'),
        ({"seen_at": "2026-03-02 09:15"}, 'field seen_at: a value is not a "date-time"'),
        ({"lines": [{"sku": "P-1"}, {}]}, 'field lines[1]: "sku" is a required property'),
        ({"lines": [{"sku": 1}]}, "field lines[0].sku: "),
        ({"other": 1}, "field payload: Additional properties are not allowed ('other' was unexpected)"),
    ],
    ids=str,
)
async def test_a_value_that_does_not_fit_is_refused_by_field_and_not_repeated(
    changes: dict[str, Any], problem: str
) -> None:
    said = {name: value for name, value in (GOOD | changes).items() if value is not ...}
    with pytest.raises(UnreadableError) as caught:
        await decode(orjson.dumps(said))
    assert str(caught.value).startswith("leads[0]@7: the value does not fit lead.json: ")
    assert problem in str(caught.value)
    assert "canary" not in str(caught.value)


async def test_the_data_of_a_structured_cloud_event_is_held_to_it() -> None:
    event = {"specversion": "1.0", "id": "e-1", "source": "/crm", "data": GOOD}
    assert (await decode(orjson.dumps(event), structured=True)).payload == GOOD
    with pytest.raises(UnreadableError, match=r"does not fit lead\.json: field id"):
        await decode(orjson.dumps(event | {"data": {"id": 5}}), structured=True)


async def test_numbers_of_a_structured_cloud_event_are_compared_as_they_are_written() -> None:
    text = '{"specversion": "1.0", "id": "e-1", "source": "/crm", "data": {"id": "L-1", "value": %s}}'
    event = await decode((text % "90071992547409.93").encode(), structured=True)
    assert event.payload["value"] == 90071992547409.93
    with pytest.raises(UnreadableError, match="field value"):  # which is the same double
        await decode((text % "90071992547409.9300000000000001").encode(), structured=True)


async def test_what_the_schema_tags_as_personal_is_known_to_be() -> None:
    event = await decode(orjson.dumps(GOOD | {"email": "anne@example.org"}))
    assert event.personal == {"email": ("anne@example.org",)}


async def test_many_problems_are_not_all_told() -> None:
    with pytest.raises(UnreadableError, match=r"and more$"):
        await decode(orjson.dumps(GOOD | {"lines": [{}] * 1000}))


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"id": "L-1", "id": "L-2"}', "appears twice"),
        (b'{"id": "L-1", "value": NaN}', "no JSON we accept"),
        (b'{"id": "L-1", "value": 1e999}', "no JSON we accept"),
        (b'{"id": "L-1", "value": 0.' + b"1" * 500 + b"}", "a number has 502 characters, the limit is 100"),
        (b'{"id": "L-1", "any": ' + b"[" * 99 + b"]" * 99 + b"}", "`depth`"),
        (b'{"id": "L-1", "any": ' + b"[" * 200 + b"]" * 200 + b"}", "nested too deeply"),
        (b"[]", "no object"),
        (b"\xff", "no JSON we accept"),
    ],
    ids=lambda given: str(given)[:40],
)
async def test_a_body_that_no_two_parsers_read_alike_is_refused_first(body: bytes, problem: str) -> None:
    with pytest.raises(UnreadableError, match=problem):
        await decode(body)


def test_a_pattern_takes_linear_time_however_it_is_written() -> None:
    held = schema(properties={"id": {"type": "string", "pattern": "^(a+)+$"}})
    with pytest.raises(UnreadableError, match="does not match"):
        held.read(orjson.dumps({"id": "a" * 100_000 + "!"}))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", r"lead\.json: the schema is no JSON"),
        ("[]", "is no JSON object"),
        ('{"type": "objct"}', "no JSON Schema that can be used"),
        ('{"pattern": "(?=a)b"}', "no JSON Schema that can be used"),
        ('{"pattern": "("}', "no JSON Schema that can be used"),
        (
            '{"$ref": "http://127.0.0.1:1/lead.json"}',
            "the reference 'http://127.0.0.1:1/lead.json' is not read",
        ),
        ('{"$ref": "file:///etc/passwd"}', "the reference 'file:///etc/passwd' is not read"),
        ('{"properties": {"a": {"$ref": "other.json"}}}', "the reference 'other.json' is not read"),
        ('{"properties": {"a": {"$ref": "#/properties/b"}}}', "the reference '#/properties/b' is not read"),
        (
            '{"properties": {"a": {"$ref": "#/$defs/b/properties/c"}}}',
            "the reference '#/.defs/b/properties/c'",
        ),
        ('{"properties": {"a": {"$id": "b.json"}}}', "a schema inside of it has an `.id`"),
        (
            '{"$defs": {"a": {}}, "definitions": {"a": {}}}',
            "a is defined under `.defs` and under `definitions`",
        ),
        ('{"$ref": "#/$defs/none"}', "no JSON Schema that can be used"),
        ('{"$dynamicRef": "#x"}', r"\$dynamicRef is not read"),
        ('{"patternProperties": {"^x": {"pii": true}}}', "`pii` below `patternProperties` is not read"),
        ('{"properties": {"a": {"prefixItems": [{"pii": true}]}}}', "`pii` below `prefixItems` is not read"),
        (
            '{"then": {"properties": {"a": {"$ref": "#/$defs/b"}}}, "$defs": {"b": {"pii": true}}}',
            "`pii` below `then` is not read",
        ),
        ('{"not":' * 80 + "{}" + "}" * 80, "nested deeper than 64 levels"),
        (" " * (SCHEMA_BYTES + 1), "the limit is 262144"),
    ],
    ids=lambda given: str(given)[:40],
)
def test_a_schema_that_is_none_or_leads_outside_is_refused_when_it_is_read(text: str, problem: str) -> None:
    with pytest.raises(SchemaError, match=problem):
        JsonSchema("lead.json", text)


def test_a_schema_that_holds_itself_is_read_as_deep_as_the_value_goes() -> None:
    inner = {"type": "object", "properties": {"a": {"$ref": "#/$defs/tree"}}}
    tree = {**inner, "$defs": {"tree": inner}}
    held = JsonSchema("tree.json", orjson.dumps(tree).decode())
    deep: Any = 1
    for _ in range(90):
        deep = {"a": deep}
    with pytest.raises(UnreadableError, match=r'a\.a: a value is not of type "object"'):
        held.read(orjson.dumps(deep))


def test_definitions_of_older_drafts_are_found() -> None:
    older = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "https://shop.example/lead.json",
        "properties": {"email": {"$ref": "#/definitions/email"}},
        "definitions": {"email": {"type": "string", "pii": True}},
    }
    held = JsonSchema("lead.json", orjson.dumps(older).decode())
    assert held.types["$defs"] == older["definitions"]
    assert held.personal is not None
    with pytest.raises(UnreadableError, match="field email"):
        held.read(b'{"email": 5}')


def test_types_have_no_booleans_where_a_schema_is_expected() -> None:
    types = schema().types
    assert types["properties"]["any"] == {}
    assert types["properties"]["id"] == LEAD["properties"]["id"]
    assert types["additionalProperties"] is False


@given(
    st.dictionaries(
        st.sampled_from([*LEAD["properties"], "x"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    )
)
def test_any_value_fits_or_is_refused(said: dict[str, Any]) -> None:
    try:
        text = orjson.dumps(said)
    except TypeError:
        return
    try:
        assert schema().read(text) == orjson.loads(text)
    except UnreadableError as error:
        assert "lead.json" in str(error)  # noqa: PT017 # both ends are fine, this one must name the schema
