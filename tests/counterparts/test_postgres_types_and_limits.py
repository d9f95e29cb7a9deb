"""What goes into PostgreSQL and comes out of it, and what a write may not do: each limit named when it is met."""

import asyncio
from collections.abc import Generator
from typing import Any
from uuid import uuid4

import pytest

from connectors.action import Call
from connectors.connector import Connector
from connectors.errors import BusyError, FailedError
from connectors.perform import perform
from connectors.sql.client import SqlClient
from tests.counterparts.shop_database import as_owner, opened, prepare, section, value
from tests.counterparts.started import counterpart

THINGS = """
CREATE TYPE sales.mood AS ENUM ('glad', 'sad');
CREATE TABLE sales.things (
    id uuid PRIMARY KEY, n bigint, price numeric(12, 3), ratio float8, yes bool, day date, at timestamptz, clock time,
    span interval, raw bytea, doc jsonb, tags text[], mood sales.mood, during int4range, note text
);
CREATE TABLE sales.notes (tenant text NOT NULL, note text NOT NULL);
INSERT INTO sales.notes VALUES ('acme', 'ours'), ('other', 'theirs');
ALTER TABLE sales.notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_tenant ON sales.notes USING (tenant = current_setting('pointsman.tenant'));
GRANT SELECT, INSERT, UPDATE, DELETE ON sales.things, sales.notes TO pointsman;
GRANT SELECT ON sales.notes TO shop_reader;
"""
TEXT = {"type": "string", "description": "a text"}
COLUMNS: dict[str, tuple[dict[str, Any], Any]] = {
    "id": (TEXT, "0b0c6c0e-7a5c-4d5e-9d2f-3a8f6f1b2c3d"),
    "n": (TEXT, "9223372036854775807"),
    "price": ({"type": "number", "description": "a price"}, 12.5),
    "ratio": ({"type": "number", "description": "a ratio"}, 0.25),
    "yes": ({"type": "boolean", "description": "yes or no"}, True),
    "day": (TEXT, "2024-05-31"),
    "at": (TEXT, "2024-05-31T12:30:00+02:00"),
    "clock": (TEXT, "10:30:00"),
    "span": (TEXT, "P1DT2H"),
    "raw": (TEXT, "AP8="),
    "tags": ({"type": "array", "items": {"type": "string"}, "description": "tags"}, ["a", "b's"]),
    "mood": (TEXT, "glad"),
}
BACK: dict[str, Any] = {name: given for name, (_, given) in COLUMNS.items()} | {
    "price": "12.500",
    "at": "2024-05-31T10:30:00+00:00",
    "during": "[1,5)",
    "doc": {"a": [1, None]},
    "note": None,
}


def statement(sql: str, effect: str, result: str, **said: Any) -> dict[str, Any]:
    return {"description": "Does it.", "sql": sql, "effect": effect, "result": result} | said


STATEMENTS = {
    "add_thing": statement(
        f"INSERT INTO sales.things ({', '.join(COLUMNS)}, during, doc, note) VALUES "
        f"({', '.join(f':{name}' for name in COLUMNS)}, '[1,5)', '{{\"a\": [1, null]}}', :note) "
        "ON CONFLICT (id) DO UPDATE SET note = excluded.note RETURNING *",
        "write",
        "one",
        parameters={name: schema for name, (schema, _) in COLUMNS.items()} | {"note": TEXT},
        optional=["note"],
        idempotency="natural",
    ),
    "add_orders": statement(
        "INSERT INTO sales.orders (customer_id, reference, total, status) "
        "SELECT 1, :prefix || n, 1, 'many' FROM generate_series(1, :how_many) AS n RETURNING reference",
        "write",
        "rows",
        parameters={"prefix": TEXT, "how_many": {"type": "integer", "description": "how many"}},
    ),
    "close_orders": statement(
        "UPDATE sales.orders SET status = 'closed' WHERE status = :status",
        "write",
        "count",
        parameters={"status": TEXT},
    ),
    "wrong_columns": statement(
        "UPDATE sales.orders SET status = 'x' WHERE order_id = 1 RETURNING order_id",
        "write",
        "one",
        returns={"number": {"type": "integer"}},
    ),
    "hidden_write": statement("SELECT nextval('sales.orders_order_id_seq') AS n", "read", "one"),
    "read_slowly": statement("SELECT pg_sleep(5)", "read", "one"),
    "read_notes": statement("SELECT note FROM sales.notes", "read", "rows"),
    "read_many": statement("SELECT n FROM generate_series(1, 1000) AS n", "read", "rows"),
}
SELECT = {"description": "Ask.", "tables": {"sales.notes": "notes"}}


@pytest.fixture(scope="module")
def shop() -> Generator[dict[str, Any]]:
    async def more(started: dict[str, Any]) -> None:
        await prepare(started)
        owner = await as_owner(started)
        try:
            await owner.execute(THINGS)
        finally:
            await owner.close()

    with counterpart("postgres") as started:
        asyncio.run(more(started))
        yield started


async def call(
    connector: Connector[SqlClient], client: SqlClient, verb: str, tenant: str = "acme", **arguments: Any
) -> Any:
    action = connector.actions[f"shop.{verb}"]
    made: Call[Any] = Call(client, key=str(uuid4()), timeout_s=10, tenant=tenant, run_id="run")
    return await perform(action, made, action.arguments.model_validate(arguments))


def of(shop: dict[str, Any], **limits: Any) -> Any:
    return section(shop, statements=STATEMENTS, select=SELECT, limits=limits)


async def test_every_type_goes_in_and_comes_back_by_its_rule(shop: dict[str, Any]) -> None:
    given = {name: value for name, (_, value) in COLUMNS.items()}
    async with opened(of(shop)) as (connector, client):
        assert await call(connector, client, "add_thing", **given) == BACK
        again = await call(connector, client, "add_thing", **given, note="'; DROP TABLE sales.things; --")
    assert again == BACK | {"note": "'; DROP TABLE sales.things; --"}
    assert await value(shop, "SELECT count(*) FROM sales.things") == 1


@pytest.mark.parametrize(
    ("name", "wrong"), [("day", "tomorrow"), ("at", "2024-05-31T12:30:00"), ("mood", "odd")]
)
async def test_a_value_of_another_type_is_refused(shop: dict[str, Any], name: str, wrong: str) -> None:
    given = {name: value for name, (_, value) in COLUMNS.items()} | {name: wrong}
    async with opened(of(shop)) as (connector, client):
        with pytest.raises(FailedError) as raised:
            await call(connector, client, "add_thing", **given)
    assert raised.value.code in {"invalid_argument", "invalid_text"}
    assert wrong not in str(raised.value)


async def test_a_write_that_changes_or_returns_too_much_is_rolled_back(shop: dict[str, Any]) -> None:
    async with opened(of(shop, rows=5, changes=3)) as (connector, client):
        made = await call(connector, client, "add_orders", prefix="many-", how_many=5)
        assert (len(made["rows"]), made["more"]) == (5, False)
        with pytest.raises(FailedError, match=r"limits\.rows") as raised:
            await call(connector, client, "add_orders", prefix="more-", how_many=6)
        assert raised.value.code == "result_too_large"
        with pytest.raises(
            FailedError, match=r"would change 5 rows, more than limits\.changes \(3\)"
        ) as raised:
            await call(connector, client, "close_orders", status="many")
        assert raised.value.code == "too_many_changes"
    assert await value(shop, "SELECT count(*) FROM sales.orders WHERE status = 'many'") == 5
    async with opened(of(shop)) as (connector, client):
        assert await call(connector, client, "close_orders", status="many") == {"count": 5}
        assert await call(connector, client, "close_orders", status="many") == {"count": 0}


async def test_a_write_that_returns_other_columns_than_it_says_is_rolled_back(shop: dict[str, Any]) -> None:
    async with opened(of(shop)) as (connector, client):
        with pytest.raises(FailedError, match="returned the columns order_id") as raised:
            await call(connector, client, "wrong_columns")
    assert raised.value.code == "unexpected_columns"
    assert await value(shop, "SELECT status FROM sales.orders WHERE order_id = 1") == "open"


async def test_a_read_whose_function_writes_is_refused_by_the_server(shop: dict[str, Any]) -> None:
    async with opened(of(shop)) as (connector, client):
        with pytest.raises(FailedError) as raised:
            await call(connector, client, "hidden_write")
    assert raised.value.code in {"read_only", "not_permitted"}


async def test_a_statement_of_an_operator_that_takes_too_long_is_busy(shop: dict[str, Any]) -> None:
    async with opened(of(shop, seconds=0.2)) as (connector, client):
        with pytest.raises(BusyError, match="took longer than it may"):
            await call(connector, client, "read_slowly")


async def test_of_many_rows_the_first_are_returned(shop: dict[str, Any]) -> None:
    async with opened(of(shop, rows=120)) as (connector, client):
        answer = await call(connector, client, "read_many")
    assert answer == {"rows": [{"n": n} for n in range(1, 121)], "more": True}


async def test_row_level_security_sees_whose_event_it_is(shop: dict[str, Any]) -> None:
    async with opened(of(shop)) as (connector, client):
        for tenant, note in (("acme", "ours"), ("other", "theirs")):
            wanted = {"rows": [{"note": note}], "more": False}
            assert await call(connector, client, "read_notes", tenant=tenant) == wanted
            query = "SELECT note FROM notes"
            assert await call(connector, client, "select", tenant=tenant, query=query) == wanted
