"""The rights that the runbook names suffice, on one server, a cluster and sentinels, and each of them is needed."""

import re
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis, RedisCluster

from consumers.adapters.redis_connection import Client
from consumers.adapters.redis_glances import RedisGlances
from consumers.adapters.redis_sessions import RedisSessions
from consumers.adapters.redis_sessions_listing import RedisSessionsListing
from consumers.app.redis_login import redis_client
from consumers.app.redis_settings import Redis as Settings
from consumers.app.section import SecretRef
from consumers.errors import ConfigurationError, UnavailableError
from consumers.ports.glances import Glance
from consumers.ports.sessions import Entry
from consumers.session.context import Context
from consumers.session.key import SessionKey
from tests.consumers.adapters.sessions.redis_servers import Cluster, Server, Watched, admin
from tests.repository.documents import Document

ONE_SERVER, MORE_FOR_A_CLUSTER, OF_SENTINELS = Document.read("ops/runbooks/redis-refuses.md").fences("redis")
USER = "pointsman"
LUA = Path(__file__).parents[4] / "consumers/adapters/lua"
RIGHTS = re.findall(r"\+(\S+)", ONE_SERVER)
KEY = SessionKey("acme", "order-42")


@pytest.fixture
def password(tmp_path: Path) -> SecretRef:
    path = tmp_path / "password"
    path.write_text("PASSWORD")
    return SecretRef(file=path)


@asynccontextmanager
async def user(redis: Redis, *lines: str) -> AsyncGenerator[None]:
    """Let there be our user, with the rights that these lines give it."""
    await redis.execute_command(f"ACL DELUSER {USER}")
    for line in lines:
        await redis.execute_command(*line.split())
    try:
        yield
    finally:
        await redis.execute_command(f"ACL DELUSER {USER}")


async def everything(client: Client) -> None:
    """Do what a worker does and what the command line does."""
    sessions, listing = RedisSessions(client), RedisSessionsListing(client)
    await sessions.check()
    await sessions.ping()
    for number in range(5):
        key = SessionKey("acme", f"order-{number}")
        lease = (await sessions.open(key, "run-1")).lease
        await sessions.append(lease, [Entry("t1/decision", {})])
        await sessions.renew_leases()
        await sessions.park(lease, [], Context())
        lease = (await sessions.open(key, "run-1")).lease
        await sessions.release(lease)
        assert await sessions.cancel(key, "run-1", {})
        lease = (await sessions.open(key, "run-1")).lease
        await sessions.close(lease, [Entry("outcome", {})], Context(earlier=1))
        assert await sessions.read(key, "run-1")
        assert await listing.run_ids(key) == ["run-1"]
        assert await listing.context(key) != Context()
        await sessions.erase(key, datetime(2026, 11, 24, tzinfo=UTC))
    assert len({each.epoch async for each in listing.list_sessions()}) == 5


@pytest.fixture
def with_rights(redis: Redis, one_server: Server, password: SecretRef) -> Any:
    """Return what yields a client of a user with the rights that a line gives it."""
    settings = Settings(url=one_server.url, username=USER, password=password)

    @asynccontextmanager
    async def logged_in(line: str) -> AsyncGenerator[Client]:
        async with user(redis, line), redis_client(settings) as client:
            yield client

    return logged_in


async def test_the_rights_suffice(with_rights: Any) -> None:
    async with with_rights(ONE_SERVER) as client:
        await everything(client)


@pytest.mark.usefixtures("redis_by_sentinel")
async def test_they_suffice_by_sentinel(watched_servers: Watched, password: SecretRef) -> None:
    asked = watched_servers.settings.sentinel
    assert asked is not None
    asked = asked.model_copy(update={"username": USER, "password": password})
    async with AsyncExitStack() as stack:
        for server, line in ((watched_servers.primary, ONE_SERVER), (watched_servers.sentinel, OF_SENTINELS)):
            await stack.enter_async_context(user(await stack.enter_async_context(admin(server)), line))
        async with redis_client(Settings(sentinel=asked, username=USER, password=password)) as client:
            await everything(client)


async def test_they_suffice_in_a_cluster_and_are_missed_on_any_node(
    cluster_servers: Cluster, password: SecretRef, redis_cluster: RedisCluster
) -> None:
    settings = cluster_servers.settings.model_copy(update={"username": USER, "password": password})
    async with AsyncExitStack() as stack:
        for server in (*cluster_servers.primaries, cluster_servers.replica):
            node = await stack.enter_async_context(admin(server))
            await stack.enter_async_context(user(node, ONE_SERVER, MORE_FOR_A_CLUSTER))
        async with redis_client(settings) as client:
            await everything(client)
            last = cluster_servers.primaries[2]
            async with admin(last) as node:
                await node.execute_command(f"ACL SETUSER {USER} -zadd")
            with pytest.raises(
                ConfigurationError, match=rf"^Redis \S+:{last.port}: our user lacks a right \(ZADD: "
            ):
                await RedisSessions(client).check()


@pytest.mark.parametrize("right", RIGHTS)
async def test_each_of_them_is_needed(right: str, with_rights: Any) -> None:
    async with with_rights(_without(right)) as client:
        with pytest.raises((ConfigurationError, UnavailableError), match="lacks a right"):
            await everything(client)


async def test_who_may_run_no_script_is_told_how_runs_stand_one_by_one(with_rights: Any) -> None:
    async with with_rights(_without("evalsha")) as client:
        assert await RedisGlances(client).look([(KEY, "run-1")]) == [Glance(begun=False)]


async def test_a_worker_does_not_start_without_a_right_that_an_event_needs(with_rights: Any) -> None:
    for right in set(RIGHTS) - {"scan"}:  # for people
        async with with_rights(_without(right)) as client:
            with pytest.raises(ConfigurationError, match="lacks a right"):
                await RedisSessions(client).check()


async def test_other_keys_are_out_of_reach(with_rights: Any) -> None:
    async with with_rights(ONE_SERVER.replace("~pointsman:*", "~other:*")) as client:
        with pytest.raises(ConfigurationError, match="lacks a right"):
            await RedisSessions(client).check()


def test_the_probe_tries_every_command_of_the_scripts() -> None:
    used = {
        command
        for path in LUA.glob("*.lua")
        for command in re.findall(r"redis\.call\('(\w+)'", path.read_text(encoding="utf-8"))
    }
    tried = set(re.findall(r"try\('(\w+)'", (LUA / "probe.lua").read_text(encoding="utf-8")))
    assert tried == used | {"ZRANGE", "ZREM"}  # which deadlines use without a script


def _without(right: str) -> str:
    words = ONE_SERVER.split()
    words.remove(f"+{right}")
    return " ".join(words)
