"""Reads of a DuckDB file: rows, bounds, and what happens when the file is not there, or a query does not end."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors import testing
from connectors.action import Call
from connectors.connector import Connector
from connectors.duckdb.kind import build_duckdb
from connectors.duckdb.reading import configuration
from connectors.duckdb.settings import DuckDbSettings
from connectors.errors import BusyError, FailedError, NotSentError
from connectors.kind import SettingsError
from connectors.perform import perform
from connectors.sql.client import SqlClient
from tests.connectors.duckdb.warehouse import made, section
from tests.connectors.sql.honest import HONEST
from tests.connectors.sql.hostile import CATALOGUE, DUCK, Hostile

ENDLESS = "SELECT count(*) AS n FROM range(10000000) a JOIN range(10000000) b ON a.range <> b.range"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("warehouse") / "shop.duckdb")


@asynccontextmanager
async def opened(settings: DuckDbSettings) -> AsyncGenerator[tuple[Connector[SqlClient], SqlClient]]:
    connector = build_duckdb("warehouse", settings)
    async with connector.open(settings) as client:
        yield connector, client


def call_of(client: Any, timeout_s: float = 20) -> Call[Any]:
    return Call(client, key="k", timeout_s=timeout_s, tenant="acme", run_id="run")


async def call(
    connector: Connector[SqlClient], client: SqlClient, verb: str, timeout_s: float = 20, **arguments: Any
) -> Any:
    action = connector.actions[f"warehouse.{verb}"]
    return await perform(action, call_of(client, timeout_s), action.arguments.model_validate(arguments))


def endless(**changed: Any) -> dict[str, Any]:
    said = {"description": "Never ends.", "sql": ENDLESS, "effect": "read", "result": "one"}
    return {"statements": {"never": said}} | changed


async def test_a_section_holds_the_contract(path: Path) -> None:
    async with opened(section(path)) as (connector, client):
        testing.check_declarations(connector)
        testing.check_tools(connector)
        testing.check_unknown_arguments(connector)
        testing.check_settings(connector)
        trial = testing.Trial("warehouse.find_order", {"reference": "R-1"})
        await testing.check_read(connector, client, trial)
    await testing.check_unreachable(connector, section(path.with_name("none.duckdb")), trial)


@pytest.mark.parametrize(("query", "rows"), HONEST)
async def test_an_honest_query_returns_the_right_rows(path: Path, query: str, rows: list[Any]) -> None:
    async with opened(section(path)) as (connector, client):
        assert await call(connector, client, "select", query=query) == {"rows": rows, "more": False}


async def test_no_more_rows_are_returned_than_the_limit_says(path: Path) -> None:
    async with opened(section(path, limits={"rows": 2})) as (connector, client):
        answer = await call(connector, client, "select", query="SELECT name FROM customers ORDER BY 1")
    assert answer == {"rows": [{"name": "Alder"}, {"name": "Birch"}], "more": True}


async def test_a_query_that_does_not_end_is_stopped(path: Path) -> None:
    settings = section(path, limits={"seconds": 0.2})
    async with opened(settings) as (_, client):
        with pytest.raises(FailedError, match="ask for less") as raised:
            await client.select(call_of(client), "warehouse.select", ENDLESS)
        assert raised.value.code == "too_slow"
    async with opened(section(path, **endless(limits={"seconds": 0.2}))) as (connector, client):
        with pytest.raises(BusyError, match="more time"):
            await call(connector, client, "never")


async def test_a_query_that_takes_too_much_memory_is_refused(path: Path) -> None:
    bomb = "SELECT string_agg(repeat('x', 100000), '') AS x FROM range(10000)"
    async with opened(section(path, memory_mb=32)) as (_, client):
        with pytest.raises(FailedError, match="memory") as raised:
            await client.select(call_of(client), "warehouse.select", bomb)
    assert raised.value.code == "too_large"


async def test_a_cancelled_call_stops_its_query_and_frees_its_place(path: Path) -> None:
    async with opened(section(path, connections=1, **endless())) as (connector, client):
        waits = asyncio.create_task(call(connector, client, "never"))
        await asyncio.sleep(0)
        with pytest.raises(NotSentError, match="threads are busy"):
            await call(connector, client, "never", timeout_s=0.2)
        waits.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waits
        async with asyncio.timeout(5):
            await client.select(call_of(client), "warehouse.select", "SELECT 1 AS one")


async def test_closing_stops_what_runs(path: Path) -> None:
    async with opened(section(path, **endless())) as (connector, client):
        waits = asyncio.create_task(call(connector, client, "never"))
        await asyncio.sleep(0)
    with pytest.raises(BusyError):
        await waits


async def test_a_file_that_is_being_written_means_that_nothing_was_sent(tmp_path: Path) -> None:
    file = made(tmp_path / "shop.duckdb")
    async with opened(section(file)) as (connector, client):
        assert await call(connector, client, "find_order", reference="R-1")
        # Between two calls nothing holds the file, so that whoever fills it can.
        with duckdb.connect(file) as writer:
            writer.execute("INSERT INTO sales.orders VALUES (4, 1, 'R-4', 1, 'open', '2024-01-01')")
            with pytest.raises(NotSentError):
                await call(connector, client, "find_order", reference="R-4")
        assert (await call(connector, client, "find_order", reference="R-4"))["order_id"] == 4


async def test_what_the_query_got_wrong_is_told_and_no_value_of_a_row(path: Path) -> None:
    async with opened(section(path)) as (connector, client):
        with pytest.raises(FailedError, match="nam") as raised:
            await call(connector, client, "select", query="SELECT nam FROM customers")
        assert raised.value.code == "invalid_query"
        with pytest.raises(FailedError) as raised:
            await call(connector, client, "select", query="SELECT CAST(name AS int) FROM customers")
        assert raised.value.code == "duckdb_conversion"
        assert "Alder" not in str(raised.value)


def test_a_write_is_a_mistake(path: Path) -> None:
    write = {
        "description": "x",
        "sql": "DELETE FROM sales.orders WHERE true",
        "effect": "write",
        "result": "count",
    }
    with pytest.raises(SettingsError, match="DuckDB files are only read"):
        build_duckdb("warehouse", section(path, statements={"purge": write}))


@pytest.mark.parametrize("kind", CATALOGUE)
def test_without_the_guard_the_second_wall_holds_what_is_stated(path: Path, kind: str) -> None:
    async def passes(hostile: Hostile) -> bool:
        # Time is to stop only what has no end, and not what is slow today.
        seconds = 10 if DUCK in hostile.open_in else 0.5
        async with opened(section(path, limits={"seconds": seconds}, memory_mb=64)) as (_, client):
            with suppress(FailedError):
                await client.select(call_of(client, timeout_s=30), "warehouse.select", hostile.query)
                return True
        return False

    async def passed() -> set[str]:
        return {hostile.query for hostile in CATALOGUE[kind] if await passes(hostile)}

    before = path.read_bytes()
    assert asyncio.run(passed()) == {each.query for each in CATALOGUE[kind] if DUCK in each.open_in}
    assert path.read_bytes() == before


def test_nothing_that_would_open_the_second_wall_is_configured(path: Path) -> None:
    said = configuration(section(path))
    assert said["access_mode"] == "READ_ONLY"
    assert said["enable_external_access"] == "false"
    assert said["lock_configuration"] == "true"
