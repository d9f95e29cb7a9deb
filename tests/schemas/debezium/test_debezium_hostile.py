"""Changes that nobody honest sends: each is refused with its place and reason, and nothing else happens."""

from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.codec.formats import Format, TopicFormat
from schemas.codec.records import RecordCodec
from schemas.errors import NoEventError, SchemaError, UnreadableError
from tests.schemas.debezium.conftest import Decode
from tests.schemas.debezium.envelopes import connect_json
from tests.schemas.debezium.records import MONGODB, MYSQL, POSTGRESQL, change, record
from tests.schemas.known_schemas import KnownSchemas

NESTED = orjson.loads(b'{"a":' * 90 + b"1" + b"}" * 90)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (change("c", MYSQL, after=None), "`op` is 'c', and `after` is null"),
        (change("u", MYSQL, before=None, after=None), "`op` is 'u', and `after` is null"),
        (change("d", MYSQL, before=None), "`op` is 'd', and `before` is null"),
        (change("r", MYSQL, after=None), "`op` is 'r', and `after` is null"),
        (change("u", MONGODB, before=None, after=None), "`op` is 'u', and `after` is null"),
        (change("x", MYSQL), "`op` is 'x'; changes of rows are c, u, d, r, t"),
        (change("m", MYSQL), "`op` is 'm'; changes of rows are c, u, d, r, t"),
        ({**change("c", MYSQL), "op": ["c"]}, "`op` is "),
        ({**change("c", MYSQL), "op": None}, "`op` is 'None'"),
        (change("c", MYSQL, after="row"), "`after` is neither an object nor null"),
        (change("c", MYSQL, before=[1]), "`before` is neither an object nor null"),
        ({**change("c", MYSQL), "source": None}, "the change has no `source`"),
        ({**change("c", MYSQL), "source": {}}, "the change names no table"),
        ({**change("c", MYSQL), "source": {"table": 5}}, r"`source\.table` is no text"),
        ({**change("c", MYSQL), "source": {"table": "t"}}, "the connector '' is not known"),
        (change("c", MYSQL | {"ts_ms": "now"}), "`ts_ms` is no time in milliseconds"),
        (change("c", MYSQL | {"ts_ms": 2**62}), "`ts_ms` is beyond the year 9999"),
        (change("c", MYSQL | {"table": "a\nb"}), "the type holds control characters"),
        (change("c", MYSQL | {"table": "t" * 600}), "`attribute_chars` is 512"),
        (change("c", MYSQL, after=NESTED), "`depth`"),
        (change("c", MYSQL, after={"a": [0] * 100_001}), "`values`"),
        (change("c", MONGODB, after="{"), "field after is no document"),
        (change("c", MONGODB, after="[1]"), "field after is no document"),
        (change("c", MONGODB, after='{"a": 1, "a": 2}'), "the name 'a' appears twice"),
        (change("c", MONGODB, after='{"a": {"$date": "noon"}}'), "none of the type that it names"),
        (change("c", MONGODB, after='{"a": {"$numberLong": "9e9"}}'), "none of the type that it names"),
        (change("c", MONGODB, after='{"a": {"$numberLong": "' + "9" * 30 + '"}}'), "none of the type"),
        (change("c", MONGODB, after='{"a": {"$numberLong": "' + "9" * 9000 + '"}}'), "none of the type"),
        (change("c", MONGODB, after='{"a":' * 200 + "1" + "}" * 200), "field after is no document"),
        (change("c", MONGODB, after='{"a": [' + "0," * 100_001 + "0]}"), "`values`"),
        ({}, "it is no change event of Debezium, for it has no `op`"),
        ({"id": 1, "total": 7}, "ExtractNewRecordState"),
        ([1], "no object"),
        (b'{"op": "c", "op": "d"}', "appears twice"),
        (b"\x01garbage", "no JSON we accept"),
        ({"schema": {"type": "struct"}, "payload": {"op": "c"}}, "a struct without fields"),
        ({"schema": {"type": "string"}, "payload": "text"}, "the payload beside its schema is no object"),
    ],
    ids=lambda given: str(given)[:60],
)
async def test_a_change_that_contradicts_itself_is_refused(decode: Decode, said: Any, problem: str) -> None:
    with pytest.raises(UnreadableError, match=problem) as caught:
        await decode(record(said))
    assert str(caught.value).startswith("shop.orders[2]@77: ")


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (b"\xff\xfe", "the key is neither Avro nor text"),
        (b"{", "no JSON we accept"),
        (b'{"a": ' * 200 + b"1" + b"}" * 200, "nested too deeply"),
        (b'{"id": "' + b"x" * 70_000 + b'"}', "the key has 70010 bytes, the limit `header_bytes` is 65536"),
        (b'{"id": "' + b"x" * 600 + b'"}', "`attribute_chars` is 512"),
        (b"\x00\x01", "no schema id in front"),
    ],
    ids=lambda given: str(given)[:30],
)
async def test_a_key_that_names_no_row_is_refused(decode: Decode, key: bytes, problem: str) -> None:
    with pytest.raises(UnreadableError, match=problem):
        await decode(record(change("c", MYSQL), key=key))


async def test_a_message_never_repeats_what_is_in_a_row(decode: Decode) -> None:
    said = connect_json()
    said["payload"]["after"]["id"] = "canary@example.org"
    with pytest.raises(UnreadableError) as caught:
        await decode(record(said))
    assert "field after.id is no int32" in str(caught.value)
    assert "canary" not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = st.sampled_from(
    ["op", "before", "after", "source", "ts_ms", "schema", "payload", "status", "ddl", "updateDescription"]
)


@given(
    base=st.sampled_from([change("u", whose) for whose in (POSTGRESQL, MYSQL, MONGODB)] + [connect_json()]),
    changes=st.dictionaries(MEMBERS, JSON, max_size=4),
    inside=st.dictionaries(
        st.sampled_from(["connector", "table", "collection", "lsn", "ts_ms", "db"]), JSON, max_size=3
    ),
    key=st.none() | st.binary(max_size=20) | JSON.map(lambda said: repr(said).encode()),
    format=st.sampled_from([None, Format.DEBEZIUM, Format.DEBEZIUM_OUTBOX]),
)
@example(base=connect_json(), changes={"status": []}, inside={}, key=None, format=Format.DEBEZIUM)
async def test_any_change_gives_an_event_or_an_error_of_ours(
    base: dict[str, Any],
    changes: dict[str, Any],
    inside: dict[str, Any],
    key: bytes | None,
    format: Format | None,  # noqa: A002 - the setting's name
) -> None:
    said = {**base, **changes}
    if isinstance(said.get("source"), dict):
        said["source"] = {**said["source"], **inside}
    try:
        body = orjson.dumps(said)
    except TypeError:  # integers that JSON has and orjson does not write
        body = str(said).encode()
    codec = RecordCodec(KnownSchemas(), topics={"shop.orders": TopicFormat(format=format)})
    try:
        await codec.decode(record(body, key=key, headers=(("id", b"1"),)), tenant="acme", default_type="t")
    except SchemaError as error:
        assert isinstance(error, SchemaError | NoEventError)  # noqa: PT017 # both ends are fine, this one must name the place
        assert str(error).startswith("shop.orders[2]@77: ")  # noqa: PT017 # the same
