"""Statements on a PostgreSQL that we did not write: once in that database, whatever is lost on the way."""

import asyncio
import random
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from typing import Any, Literal
from uuid import uuid4

import pytest

from connectors import testing, testing_faults
from connectors.action import Call
from connectors.connector import Connector
from connectors.errors import BusyError, FailedError, InDoubtError, NotSentError
from connectors.perform import perform
from connectors.rehearsal import Rehearsed, rehearsal
from connectors.sql.client import SqlClient
from connectors.testing_link import FaultyLink
from connectors.testing_losses import Loss, check_each_loss
from tests.counterparts.shop_database import as_owner, opened, prepare, section, value
from tests.counterparts.started import counterpart


@pytest.fixture(scope="module")
def shop() -> Generator[dict[str, Any]]:
    with counterpart("postgres") as started:
        asyncio.run(prepare(started))
        yield started


async def call(
    connector: Connector[Any],
    client: SqlClient,
    verb: str,
    key: str = "",
    timeout_s: float = 10,
    **arguments: Any,
) -> Any:
    """Call an action as the runtime does."""
    action = connector.actions[f"shop.{verb}"]
    made = Call(client, key=key or str(uuid4()), timeout_s=timeout_s, tenant="acme", run_id="run")
    async with asyncio.timeout(timeout_s):
        return await perform(action, made, action.arguments.model_validate(arguments))


def order(**changed: Any) -> dict[str, Any]:
    return {"customer_id": 1, "reference": f"R-{uuid4()}", "total": 40.0} | changed


async def orders(shop: dict[str, Any], reference: str) -> int:
    return await value(shop, "SELECT count(*) FROM sales.orders WHERE reference = $1", reference)


@asynccontextmanager
async def locked(shop: dict[str, Any], order_id: int) -> AsyncGenerator[None]:
    """Hold the lock of an order."""
    owner = await as_owner(shop)
    try:
        async with owner.transaction():
            await owner.execute("SELECT * FROM sales.orders WHERE order_id = $1 FOR UPDATE", order_id)
            yield
    finally:
        await owner.close()


async def until_it_waits(shop: dict[str, Any], task: asyncio.Task[Any]) -> None:
    while not await value(shop, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
        assert not task.done()


async def test_the_connector_of_the_readme_holds_the_contract(shop: dict[str, Any]) -> None:
    async def count() -> int:
        return await value(shop, "SELECT count(*) FROM sales.orders")

    async with opened(section(shop)) as (connector, client):
        testing.check_declarations(connector)
        testing.check_tools(connector)
        testing.check_unknown_arguments(connector)
        testing.check_settings(connector)
        await testing.check_read(connector, client, testing.Trial("shop.find_order", {"reference": "R-1"}))
        await testing.check_read(
            connector,
            client,
            testing.Trial("shop.select", {"query": "SELECT name FROM customers ORDER BY 1"}),
        )
        await testing.check_key(connector, client, testing.Trial("shop.create_order", order()), count=count)
        await testing.check_undo(connector, client, testing.Trial("shop.create_order", order()))
        unknown = testing.Trial("shop.find_order", {"reference": "nobody's"})
        await testing_faults.check_refused(connector, client, unknown, code="not_found")
        large = testing.Trial("shop.select", {"query": "SELECT '" + "x" * 2_000 + "' AS x"})
    async with opened(section(shop, limits={"bytes": 1_000})) as (connector, client):
        await testing_faults.check_too_large(connector, client, large)
    closed = section(shop, port=1)
    await testing.check_unreachable(connector, closed, testing.Trial("shop.find_order", {"reference": "R-1"}))


@asynccontextmanager
async def linked(shop: dict[str, Any]) -> AsyncGenerator[tuple[FaultyLink, Connector[Any], SqlClient]]:
    """Yield a link, the connector of the README, and its client through the link."""
    async with (
        FaultyLink.to(shop["host"], shop["port"]) as link,
        opened(section(shop, port=link.port)) as (connector, client),
    ):
        yield link, connector, client


@pytest.mark.parametrize("lost", ["replies", "requests"])
@pytest.mark.parametrize("verb", ["create_order", "cancel_order"])
async def test_whatever_is_lost_only_commit_leaves_doubt_and_the_key_tells(
    shop: dict[str, Any], verb: str, lost: Literal["replies", "requests"]
) -> None:
    async def count() -> int:
        of = "" if verb == "create_order" else "WHERE status = 'cancelled'"
        return await value(shop, f"SELECT count(*) FROM sales.orders {of}")

    async with linked(shop) as (link, connector, client):

        async def making() -> testing.Trial:
            # A reference is taken once, and an order cancelled once.
            if verb == "create_order":
                return testing.Trial("shop.create_order", order())
            made = await call(connector, client, "create_order", **order())
            return testing.Trial("shop.cancel_order", {"order_id": made["order_id"]})

        *before, last = await check_each_loss(connector, client, link, making, count=count, lost=lost)
    assert set(before) == {Loss("not happened", 0)}
    assert last == Loss("in doubt", 1 if lost == "replies" else 0)


async def test_the_contract_holds_where_the_answer_to_commit_stays_out(shop: dict[str, Any]) -> None:
    async def count() -> int:
        return await value(shop, "SELECT count(*) FROM sales.orders")

    async def making() -> testing.Trial:
        return testing.Trial("shop.create_order", order())

    async with linked(shop) as (link, connector, client):
        made = await call(connector, client, "create_order", **order())
        trial = testing.Trial("shop.cancel_order", {"order_id": made["order_id"]})
        losses = await check_each_loss(connector, client, link, making, count=count)
        # Everything but COMMIT is answered.
        await testing_faults.check_silence(connector, client, link, trial, after=len(losses) - 1)
        through = section(shop, port=link.port)
        await testing_faults.check_rehearsal(connector, client, await making(), settings=through, count=count)
        await testing_faults.check_secrets_stay(connector, through, link, trial)


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_is_lost_again_and_again_each_key_takes_effect_once(
    shop: dict[str, Any], seed: int
) -> None:
    chance = random.Random(seed)
    async with linked(shop) as (link, connector, client):
        references: list[str] = []
        for _ in range(25):
            key, wanted = str(uuid4()), order()
            references.append(wanted["reference"])
            while True:
                fault = chance.choice((link.losing_replies, link.losing_requests))
                with fault(after=chance.randrange(15)):
                    try:
                        await call(connector, client, "create_order", key, **wanted)
                    except (InDoubtError, BusyError, NotSentError):
                        continue
                break
        assert link.lost > 25
    made = "SELECT array_agg(n) FROM (SELECT count(*) AS n FROM sales.orders WHERE reference = ANY($1) GROUP BY reference) x"
    assert await value(shop, made, references) == [1] * 25


async def test_a_silent_server_is_given_up_in_time_and_nothing_happened(shop: dict[str, Any]) -> None:
    async with FaultyLink.to(shop["host"], shop["port"]) as link:
        through = section(shop, port=link.port)
        async with opened(through) as (connector, client):
            trial = testing.Trial("shop.find_order", {"reference": "R-1"})
            await testing_faults.check_silence(connector, client, link, trial)
            wanted = order()
            with link.silent(), pytest.raises(BusyError):
                await call(connector, client, "create_order", timeout_s=0.5, **wanted)
            assert await orders(shop, wanted["reference"]) == 0
        await testing_faults.check_secrets_stay(connector, through, link, trial)


async def test_a_write_may_be_rehearsed_and_nothing_is_sent(shop: dict[str, Any]) -> None:
    async with opened(section(shop, port=1)) as (connector, client):
        assert connector.rehearses
        with rehearsal(changes=True), pytest.raises(Rehearsed) as raised:
            await call(connector, client, "create_order", **order(reference="R-9"))
    assert "$2 = 'R-9'" in raised.value.request


async def test_one_key_used_by_twenty_at_once_takes_effect_once(shop: dict[str, Any]) -> None:
    async with opened(section(shop)) as (connector, client):
        wanted, key = order(), str(uuid4())
        results = await asyncio.gather(
            *(call(connector, client, "create_order", key, **wanted) for _ in range(20))
        )
    assert len({result["order_id"] for result in results}) == 1
    assert await orders(shop, wanted["reference"]) == 1


async def test_a_key_with_other_arguments_or_of_another_action_is_a_conflict(shop: dict[str, Any]) -> None:
    async with opened(section(shop)) as (connector, client):
        key = str(uuid4())
        made = await call(connector, client, "create_order", key, **order())
        with pytest.raises(FailedError, match="other arguments") as raised:
            await call(connector, client, "create_order", key, **order())
        assert raised.value.code == "key_conflict"
        with pytest.raises(FailedError, match="the action shop"):
            await call(connector, client, "cancel_order", key, order_id=made["order_id"])


async def test_what_fails_leaves_no_row_in_the_ledger_and_may_be_tried_again(shop: dict[str, Any]) -> None:
    async with opened(section(shop)) as (connector, client):
        key = str(uuid4())
        with pytest.raises(FailedError, match="orders_total_check") as raised:
            await call(connector, client, "create_order", key, **order(total=60_000.0))
        assert raised.value.code == "check_violation"
        with pytest.raises(FailedError) as raised:
            await call(connector, client, "cancel_order", key, order_id=999_999)
        assert raised.value.code == "not_found"
        assert await value(shop, "SELECT count(*) FROM pointsman_ledger WHERE key = $1", key) == 0
        assert await call(connector, client, "create_order", key, **order())


async def test_a_ledger_that_is_not_there_is_named(shop: dict[str, Any]) -> None:
    async with opened(section(shop, ledger="public.nowhere")) as (connector, client):
        with pytest.raises(FailedError, match="nowhere") as raised:
            await call(connector, client, "create_order", **order())
    assert raised.value.code == "no_such_table"


async def test_a_lock_that_is_not_free_in_time_is_busy(shop: dict[str, Any]) -> None:
    async with opened(section(shop, lock_s=0.1)) as (connector, client):
        made = await call(connector, client, "create_order", **order())
        async with locked(shop, made["order_id"]):
            with pytest.raises(BusyError, match="55P03"):
                await call(connector, client, "cancel_order", order_id=made["order_id"])
        assert await call(connector, client, "cancel_order", order_id=made["order_id"])


async def test_a_refused_login_and_a_full_pool_mean_that_nothing_was_sent(shop: dict[str, Any]) -> None:
    async with opened(section(shop, password="wrong")) as (connector, client):
        with pytest.raises(NotSentError, match="28P01"):
            await call(connector, client, "find_order", reference="R-1")
    async with opened(section(shop, connections=1, connect_s=0.2, lock_s=2)) as (connector, client):
        made = await call(connector, client, "create_order", **order())
        async with locked(shop, made["order_id"]):
            waits = asyncio.create_task(call(connector, client, "cancel_order", order_id=made["order_id"]))
            await until_it_waits(shop, waits)
            with pytest.raises(NotSentError, match="no connection"):
                await call(connector, client, "find_order", reference="R-1")
        assert await waits


async def test_a_connection_that_the_server_ends_before_commit_is_busy(shop: dict[str, Any]) -> None:
    async with opened(section(shop, connections=1)) as (connector, client):
        made = await call(connector, client, "create_order", **order())
        async with locked(shop, made["order_id"]):
            waits = asyncio.create_task(call(connector, client, "cancel_order", order_id=made["order_id"]))
            await until_it_waits(shop, waits)
            await value(
                shop, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'worker'"
            )
            with pytest.raises(BusyError, match="before it committed"):
                await waits
        assert await call(connector, client, "cancel_order", order_id=made["order_id"])


async def test_a_cancelled_call_leaves_the_pool_whole(shop: dict[str, Any]) -> None:
    async with opened(section(shop, connections=1)) as (connector, client):
        made = await call(connector, client, "create_order", **order())
        async with locked(shop, made["order_id"]):
            waits = asyncio.create_task(call(connector, client, "cancel_order", order_id=made["order_id"]))
            await until_it_waits(shop, waits)
            waits.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waits
        assert (await call(connector, client, "cancel_order", order_id=made["order_id"]))[
            "status"
        ] == "cancelled"


async def test_the_result_of_a_read_is_what_its_section_says(shop: dict[str, Any]) -> None:
    async with opened(section(shop)) as (connector, client):
        found = await call(connector, client, "find_order", reference="R-1")
        assert found == {"order_id": 1, "status": "open", "total": "10.50"}
        with pytest.raises(FailedError) as raised:
            await call(connector, client, "find_order", reference="nobody's")
        assert raised.value.code == "not_found"
