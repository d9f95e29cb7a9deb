"""What we ask of servers before we trust them with sessions, and how we say what is wrong with one."""

import logging
import traceback
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from consumers.adapters.redis_check import check_server
from consumers.adapters.redis_cluster import WaitingCluster
from consumers.adapters.redis_connection import Client, connect
from consumers.adapters.redis_sentinel import SentinelRedis
from consumers.app.redis_login import redis_client
from consumers.app.redis_settings import Redis as Settings
from consumers.app.redis_settings import RedisSentinel
from consumers.app.section import SecretRef
from consumers.errors import ConfigurationError, UnavailableError
from tests.consumers.adapters.sessions.redis_servers import HOST, Cluster, Server, Watched, admin


async def checked(settings: Settings) -> list[str]:
    async with redis_client(settings) as client:
        return await check_server(client)


@pytest.fixture(params=["redis", "redis_cluster", "redis_by_sentinel"])
def client(request: pytest.FixtureRequest) -> Client:
    return request.getfixturevalue(request.param)


@pytest.fixture
async def altered(one_server: Server) -> AsyncIterator[Any]:
    """Settings of the single server that are as they were afterwards."""
    before: dict[Any, Any] = {}
    async with admin(one_server) as redis:

        async def alter(name: str, value: str) -> None:
            before.update(await redis.config_get(name))
            await redis.config_set(name, value)

        yield alter
        for name, value in before.items():
            await redis.config_set(name, value)


async def test_servers_that_keep_what_they_are_told_pass(client: Client) -> None:
    assert await check_server(client) == []


async def test_a_server_that_evicts_is_refused(redis: Redis, altered: Any) -> None:
    await altered("maxmemory-policy", "volatile-lru")
    with pytest.raises(ConfigurationError, match="set maxmemory-policy noeviction"):
        await check_server(redis, durable=False)


async def test_a_server_that_forgets_on_a_restart_is_refused_unless_that_may_happen(
    redis: Redis, altered: Any, one_server: Server
) -> None:
    await altered("appendonly", "no")
    with pytest.raises(
        ConfigurationError, match=r"set appendonly yes there, .* redis\.durability: relaxed here"
    ):
        await check_server(redis)
    (warning,) = await check_server(redis, durable=False)
    assert warning.startswith(f"Redis {HOST}:{one_server.port} has no append-only file")


async def test_of_a_cluster_the_node_that_is_not_fit_is_named(
    redis_cluster: WaitingCluster, cluster_servers: Cluster
) -> None:
    last = cluster_servers.primaries[2]
    async with admin(last) as node:
        await node.config_set("maxmemory-policy", "allkeys-lru")
        try:
            with pytest.raises(ConfigurationError, match=rf"^Redis {HOST}:{last.port} evicts keys"):
                await check_server(redis_cluster)
        finally:
            await node.config_set("maxmemory-policy", "noeviction")


async def test_what_is_no_single_server_is_told_from_one(
    cluster_servers: Cluster, watched_servers: Watched, one_server: Server
) -> None:
    for url, cluster, said in (
        (cluster_servers.primaries[0].url, False, "is a node of a cluster; set redis.cluster: true"),
        (watched_servers.sentinel.url, False, "is a sentinel; name it in redis.sentinel.nodes"),
        (watched_servers.replica.url, False, "is a replica and takes no writes; name its primary"),
        (one_server.url, True, "it is no cluster; remove redis.cluster"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            await checked(Settings(url=url, cluster=cluster))
        assert said in str(caught.value)


async def test_a_service_that_no_sentinel_knows_is_named_beside_those_that_they_know(
    watched_servers: Watched,
) -> None:
    nodes = (f"{HOST}:{watched_servers.sentinel.port}",)
    with pytest.raises(
        ConfigurationError, match=r"no service orders \(known: sessions\).*redis\.sentinel\.service"
    ):
        await checked(Settings(sentinel=RedisSentinel(service="orders", nodes=nodes)))


async def test_sentinels_have_credentials_of_their_own(
    watched_servers: Watched, tmp_path: Path, redis_by_sentinel: SentinelRedis
) -> None:
    password = tmp_path / "password"
    async with admin(watched_servers.sentinel) as sentinel:
        line = "ACL SETUSER watcher on >right resetchannels -@all +sentinel|masters +client|setname"
        await sentinel.execute_command(*line.split())
        try:
            for said in ("wrong", "right"):
                password.write_text(said)
                node = f"{HOST}:{watched_servers.sentinel.port}"
                asked = RedisSentinel(
                    service="sessions", nodes=(node,), username="watcher", password=SecretRef(file=password)
                )
                if said == "right":
                    assert await checked(Settings(sentinel=asked)) == []
                else:
                    with pytest.raises(ConfigurationError, match=r"refused.*check redis\.sentinel\.username"):
                        await checked(Settings(sentinel=asked))
        finally:
            await sentinel.execute_command("ACL DELUSER watcher")


async def test_nobody_there_means_try_later() -> None:
    for settings in (
        Settings(url=f"redis://{HOST}:1"),
        Settings(url=f"redis://{HOST}:1", cluster=True),
        Settings(sentinel=RedisSentinel(service="sessions", nodes=(f"{HOST}:1",))),
    ):
        with pytest.raises(UnavailableError, match=rf"{HOST}"):
            await checked(settings)


@pytest.mark.parametrize("kind", ["server", "cluster"])
async def test_wrong_credentials_are_a_mistake_in_the_configuration_and_shown_nowhere(
    kind: str, one_server: Server, cluster_servers: Cluster, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    password = tmp_path / "password"
    password.write_text("canary")
    url = one_server.url if kind == "server" else cluster_servers.primaries[0].url
    for settings in (
        Settings(url=url.replace("redis://", "redis://nobody:canary@"), cluster=kind == "cluster"),
        Settings(url=url, username="nobody", password=SecretRef(file=password), cluster=kind == "cluster"),
    ):
        with pytest.raises(ConfigurationError, match=r"refused.*redis\.password, or redis\.url") as caught:
            await checked(settings)
        assert "canary" not in "".join(traceback.format_exception(caught.value))
    assert "canary" not in caplog.text


async def test_a_password_may_come_apart_from_the_url() -> None:
    async with connect("redis://127.0.0.1:6379/0", username="u", password="s3cret") as client:
        said = client.connection_pool.connection_kwargs
        assert (said["username"], said["password"]) == ("u", "s3cret")
    async with connect("redis://:own@127.0.0.1:6379/0", password="s3cret") as client:
        assert client.connection_pool.connection_kwargs["password"] == "own"


async def test_an_unreadable_url_is_named_without_its_password() -> None:
    with pytest.raises(ConfigurationError, match=r"redis\.url") as raised:
        connect("http://user:s3cret@nowhere")
    assert "s3cret" not in str(raised.value)
