"""Change events of each connector, as events: what they are called, when they happened, whose session they are in."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.codec.formats import Format
from schemas.codec.records import RecordCodec
from schemas.errors import NoEventError, UnreadableError
from tests.schemas.debezium.conftest import Decode
from tests.schemas.debezium.records import (
    DOCUMENT,
    MONGODB,
    MYSQL,
    POSTGRESQL,
    ROW,
    SOURCES,
    change,
    record,
)
from tests.schemas.known_schemas import KnownSchemas

SOURCE_PATHS = {
    "postgresql": "inventory.public.orders/1001",
    "mysql": "inventory.orders/1001",
    "mariadb": "inventory.orders/1001",
    "sqlserver": "inventory.dbo.orders/1001",
    "oracle": "inventory.DEBEZIUM.ORDERS/1001",
    "mongodb": "inventory.orders/1001",
}


@pytest.mark.parametrize("connector", SOURCES)
@pytest.mark.parametrize(
    ("op", "word"), [("c", "created"), ("u", "updated"), ("d", "deleted"), ("r", "read")]
)
async def test_a_change_of_any_connector_is_an_event_named_after_its_table(
    decode: Decode, connector: str, op: str, word: str
) -> None:
    event = await decode(record(change(op, SOURCES[connector])))
    table = SOURCES[connector].get("table") or "orders"
    assert event.type == f"{table}.{word}"
    assert event.time == datetime(2026, 3, 2, 9, 15, 0, 123000, tzinfo=UTC)
    assert event.source == f"/debezium/{connector}/shop"
    assert event.subject == event.session_id == SOURCE_PATHS[connector]
    assert event.payload["op"] == op
    assert event.payload["source"] == SOURCES[connector]
    row = event.payload["before"] if op == "d" else event.payload["after"]
    assert row["total"] == 1250
    assert (event.payload["before"] is None) is (op in "cr")
    assert (event.payload["after"] is None) is (op == "d")


async def test_a_truncated_table_is_an_event_of_its_own_session(decode: Decode) -> None:
    event = await decode(record(change("t", POSTGRESQL), key=None))
    assert event.type == "orders.truncated"
    assert event.subject is None
    assert event.session_id == event.id


async def test_the_type_is_what_the_topic_says(decode: Decode) -> None:
    event = await decode(
        record(change("u", POSTGRESQL)), event="{connector}.{database}.{schema}.{table}.{op}.by.{name}"
    )
    assert event.type == "postgresql.inventory.public.orders.u.by.shop"


async def test_a_type_that_is_empty_is_not_left_to_the_route(decode: Decode) -> None:
    with pytest.raises(UnreadableError, match="is empty for this change"):
        await decode(record(change("u", MYSQL)), event="{schema}")


async def test_a_session_is_named_by_a_column_also_when_the_row_is_gone(decode: Decode) -> None:
    for op in "curd":
        event = await decode(record(change(op, POSTGRESQL)), session_field="after.customer_id")
        assert event.session_id == "C-7"
    without = change("d", POSTGRESQL, before={"id": 1001})
    event = await decode(record(without), session_field="after.customer_id")
    assert event.session_id == "inventory.public.orders/1001"


@pytest.mark.parametrize(
    ("key", "row"),
    [
        (b'{"id":1001}', "1001"),
        (
            b'{"schema":{"type":"struct","fields":[{"type":"int32","field":"id"}]},"payload":{"id":1001}}',
            "1001",
        ),
        (b'{"region":"EU/1","line":2}', "EU%2F1,2"),
        (b"A-7", "A-7"),
        (b'"A-7"', "A-7"),
        (b'{"id":{"a":1}}', "%7B%22a%22:1%7D"),
        (
            b'{"id":"{\\"$oid\\": \\"596e275826f08b2730779e1f\\"}"}',
            "%7B%22%24oid%22: %22596e275826f08b2730779e1f%22%7D",
        ),
    ],
)
async def test_a_row_is_named_by_its_key(decode: Decode, key: bytes, row: str) -> None:
    event = await decode(record(change("c", MYSQL), key=key))
    assert event.session_id == f"inventory.orders/{row}"


@pytest.mark.parametrize(
    ("key", "row"),
    [
        (b'{"id":"{\\"$oid\\": \\"596e275826f08b2730779e1f\\"}"}', "596e275826f08b2730779e1f"),
        (b'{"id":"1004"}', "1004"),
        (b'{"id":"\\"C-7\\""}', "C-7"),
        (b'{"id":"{\\"a\\": 1}"}', "%7B%22a%22:1%7D"),
        (b'{"id":"{\\"$date\\": \\"noon\\"}"}', "%7B%22%24date%22: %22noon%22%7D"),
        (b'{"id":"cut {"}', "cut %7B"),
        (b'{"_id":"1004"}', "1004"),
    ],
)
async def test_a_document_is_named_by_the_plain_value_of_its_id(decode: Decode, key: bytes, row: str) -> None:
    event = await decode(record(change("c", MONGODB), key=key))
    assert event.session_id == f"inventory.orders/{row}"


async def test_a_row_without_a_key_is_its_own_session(decode: Decode) -> None:
    event = await decode(record(change("c", MYSQL), key=None))
    assert event.session_id == event.id


async def test_the_id_header_names_the_event(decode: Decode) -> None:
    event = await decode(record(change("c", MYSQL), headers=(("id", b"4d47e190"),)))
    assert event.id == "4d47e190"


async def test_a_change_is_read_without_a_declaration_where_it_can_be_nothing_else(
    registry: KnownSchemas, decode: Decode
) -> None:
    sent = record(change("u", POSTGRESQL))
    found = await RecordCodec(registry).decode(sent, tenant="acme", default_type="something.else")
    assert found == await decode(sent)


@pytest.mark.parametrize("missing", ["op", "source", "version"])
async def test_what_may_be_something_else_is_no_change(registry: KnownSchemas, missing: str) -> None:
    said = change("u", POSTGRESQL, id="mine")
    (said["source"] if missing == "version" else said).pop(missing)
    event = await RecordCodec(registry).decode(record(said), tenant="acme", default_type="plain")
    assert (event.id, event.type) == ("mine", "plain")


async def test_a_cloud_event_is_one_whatever_its_payload_looks_like(registry: KnownSchemas) -> None:
    headers = (("ce_specversion", b"1.0"), ("ce_id", b"e-1"), ("ce_source", b"/x"), ("ce_type", b"mine"))
    sent = record(change("u", POSTGRESQL), headers=headers)
    event = await RecordCodec(registry).decode(sent, tenant="acme")
    assert (event.id, event.type) == ("e-1", "mine")


@pytest.mark.parametrize("format", [Format.DEBEZIUM, Format.DEBEZIUM_OUTBOX])
async def test_a_tombstone_is_no_event(decode: Decode, format: Format) -> None:  # noqa: A002 - the setting's name
    with pytest.raises(NoEventError, match=r"shop\.orders\[2\]@77: a tombstone"):
        await decode(record(None), format=format)


async def test_a_tombstone_that_a_converter_has_wrapped_is_no_event(decode: Decode) -> None:
    with pytest.raises(NoEventError, match="a tombstone"):
        await decode(record({"schema": None, "payload": None}))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (change("r", MYSQL), "read"),
        (change("t", MYSQL), "truncated"),
        ({"ts_ms": 1}, "heartbeat"),
        ({"status": "BEGIN", "id": "571:53195829", "ts_ms": 1, "event_count": None}, "transaction"),
        ({"source": MYSQL, "ts_ms": 1, "databaseName": "inventory", "ddl": "ALTER TABLE …"}, "schema-change"),
    ],
    ids=["read", "truncated", "heartbeat", "transaction", "schema-change"],
)
async def test_what_the_topic_ignores_is_no_event_and_all_else_is_called_what_it_is(
    decode: Decode, value: Mapping[str, Any], kind: str
) -> None:
    with pytest.raises(NoEventError, match=f"the kind `{kind}`"):
        await decode(record(value), ignore=frozenset([kind]))
    if "op" in value:
        assert (await decode(record(value))).type == f"orders.{kind}"
    else:
        with pytest.raises(UnreadableError, match=f"the kind `{kind}`, and no change of a row"):
            await decode(record(value))


async def test_a_document_is_read_from_its_text(decode: Decode) -> None:
    text = (
        '{"_id": {"$oid": "596e275826f08b2730779e1f"}, "at": {"$date": 1772442900123}, "then": {"$date": "2026-03-02T10:15:00+01:00"},'
        ' "n": {"$numberLong": "9007199254740993"}, "price": {"$numberDecimal": "19.90"}, "x": {"$numberDouble": "1.5"},'
        ' "nan": {"$numberDouble": "NaN"}, "lines": [{"sku": "P-1", "$ref": 1}], "raw": {"$binary": {"base64": "AA==", "subType": "00"}}}'
    )
    event = await decode(record(change("c", MONGODB, after=text)))
    assert event.payload["after"] == {
        "_id": "596e275826f08b2730779e1f",
        "at": "2026-03-02T09:15:00.123000Z",
        "then": "2026-03-02T09:15:00Z",
        "n": 9007199254740993,
        "price": "19.90",
        "x": 1.5,
        "nan": "NaN",
        "lines": [{"sku": "P-1", "$ref": 1}],
        "raw": {"$binary": {"base64": "AA==", "subType": "00"}},
    }


async def test_an_update_of_a_document_may_say_only_what_was_updated(decode: Decode) -> None:
    update = {
        "removedFields": ["note"],
        "updatedFields": '{"total": {"$numberInt": "7"}}',
        "truncatedArrays": None,
    }
    said = change("u", MONGODB, before=None, after=None, updateDescription=update)
    event = await decode(record(said))
    assert event.payload["updateDescription"]["updatedFields"] == {"total": 7}


async def test_a_deletion_of_a_document_may_say_only_its_key(decode: Decode) -> None:
    event = await decode(record(change("d", MONGODB, before=None)))
    assert event.subject == "inventory.orders/1001"
    with pytest.raises(UnreadableError, match="`before` is null"):
        await decode(record(change("d", MONGODB, before=None), key=None))


def test_the_rows_of_these_tests_are_the_same_in_all_connectors() -> None:
    assert ROW["total"] == 1250
    assert '"1250"' in DOCUMENT
