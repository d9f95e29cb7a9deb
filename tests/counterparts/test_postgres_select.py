"""The free SELECT on a PostgreSQL that we did not write: honest queries answered, and the second wall without the first."""

import asyncio
import json
import random
from collections.abc import Generator
from typing import Any, cast

import asyncpg
import pytest

from connectors.action import Call
from connectors.errors import ActionError, FailedError
from connectors.perform import perform
from connectors.sql.functions import HARMLESS
from connectors.sql.guard import Guard
from tests.connectors.sql.honest import HONEST
from tests.connectors.sql.hostile import CATALOGUE, HOSTILE, PG
from tests.counterparts.shop_database import as_owner, opened, prepare, section, value
from tests.counterparts.started import counterpart

CONTENT = """
SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM (
    SELECT o::text FROM sales.orders o UNION ALL SELECT c::text FROM sales.customers c
    UNION ALL SELECT s::text FROM sales.salaries s UNION ALL SELECT relname::text FROM pg_class
) AS t
"""


@pytest.fixture(scope="module")
def shop() -> Generator[dict[str, Any]]:
    with counterpart("postgres") as started:
        asyncio.run(prepare(started))
        yield started


@pytest.fixture(scope="module")
def content(shop: dict[str, Any]) -> str:
    """What is in the database, as a digest."""
    return asyncio.run(value(shop, CONTENT))


def call_of(client: Any) -> Call[Any]:
    return Call(client, key="k", timeout_s=20, tenant="acme", run_id="run")


@pytest.mark.parametrize(("query", "rows"), HONEST)
async def test_an_honest_query_returns_the_right_rows(
    shop: dict[str, Any], query: str, rows: list[Any]
) -> None:
    async with opened(section(shop)) as (connector, client):
        action = connector.actions["shop.select"]
        answer = await perform(action, call_of(client), action.arguments.model_validate({"query": query}))
    assert answer == {"rows": rows, "more": False}


async def test_no_more_rows_are_returned_than_the_limit_says(shop: dict[str, Any]) -> None:
    async with opened(section(shop, limits={"rows": 2})) as (connector, client):
        action = connector.actions["shop.select"]
        query = action.arguments.model_validate({"query": "SELECT name FROM customers ORDER BY 1"})
        answer = await perform(action, call_of(client), query)
    assert answer == {"rows": [{"name": "Alder"}, {"name": "Birch"}], "more": True}


async def test_a_query_that_takes_too_long_is_stopped_by_the_server(shop: dict[str, Any]) -> None:
    async with opened(section(shop, limits={"seconds": 0.2})) as (_, client):
        with pytest.raises(FailedError, match="ask for less") as raised:
            await client.select(call_of(client), "shop.select", "SELECT pg_sleep(5)")
        assert raised.value.code == "too_slow"


async def test_what_the_query_got_wrong_is_told_and_no_value_of_a_row(shop: dict[str, Any]) -> None:
    async with opened(section(shop)) as (_, client):
        with pytest.raises(FailedError, match='column "nam" does not exist') as raised:
            await client.select(call_of(client), "shop.select", "SELECT nam FROM sales.customers")
        assert raised.value.code == "no_such_column"
        with pytest.raises(FailedError) as raised:
            await client.select(
                call_of(client), "shop.select", "SELECT CAST(name AS int) FROM sales.customers"
            )
        assert raised.value.code == "invalid_text"
        assert "Alder" not in str(raised.value)


async def test_the_role_of_the_free_select_may_not_read_what_the_other_may(shop: dict[str, Any]) -> None:
    async with opened(section(shop)) as (_, client):
        with pytest.raises(FailedError) as raised:
            await client.select(call_of(client), "shop.select", "SELECT * FROM public.pointsman_ledger")
    assert raised.value.code == "not_permitted"


@pytest.mark.parametrize("kind", CATALOGUE)
async def test_without_the_guard_the_second_wall_holds_what_is_stated(
    shop: dict[str, Any], content: str, kind: str
) -> None:
    wrong: list[str] = []
    async with opened(section(shop, limits={"seconds": 0.5})) as (_, client):
        for hostile in CATALOGUE[kind]:
            passes = True
            try:
                await client.select(call_of(client), "shop.select", hostile.query)
            except ActionError:
                passes = False
            if passes != (PG in hostile.open_in):
                wrong.append(f"{hostile.query[:100]}: {'passes' if passes else 'is held'}")
    assert wrong == []
    assert await value(shop, CONTENT) == content


def _relations(plan: Any) -> set[str]:
    """Return what a plan of EXPLAIN reads: tables with their schema, and functions."""
    if isinstance(plan, list):
        return {found for each in cast("list[Any]", plan) for found in _relations(each)}
    if not isinstance(plan, dict):
        return set()
    node = cast("dict[str, Any]", plan)
    found = {found for inner in node.values() for found in _relations(inner)}
    if "Relation Name" in node:
        found.add(f"{node['Schema']}.{node['Relation Name']}")
    if "Function Name" in node or "Table Function Name" in node:
        found.add(f"function {node.get('Function Name') or node['Table Function Name']}")
    return found


async def test_the_servers_plan_of_what_is_let_through_reads_only_what_is_listed(
    shop: dict[str, Any],
) -> None:
    guard = Guard("postgres", frozenset((("sales", "orders"), ("sales", "customers"))), HARMLESS, rows=100)
    words = sorted(
        {word for hostile in HOSTILE if len(hostile.query) < 200 for word in hostile.query.split()}
    )
    chance = random.Random(7)
    planned = 0
    owner = await as_owner(shop)
    try:
        for _ in range(3_000):
            query = chance.choice(HONEST)[0].split()
            for _ in range(chance.randint(0, 2)):
                query[chance.randrange(1, len(query))] = chance.choice(words)
            try:
                made = guard.checked(" ".join(query))
            except FailedError:
                continue
            try:
                plan = await owner.fetchval(f"EXPLAIN (VERBOSE, FORMAT JSON) {made}")
            except asyncpg.PostgresError:
                continue  # it is none to the server
            planned += 1
            assert plan is not None
            assert _relations(json.loads(plan)) <= {"sales.orders", "sales.customers"}, made
    finally:
        await owner.close()
    assert planned > 300
