"""What is different behind several servers: keys that move, scripts and leases everywhere, who is asked for whom."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.crc import key_slot
from redis.exceptions import RedisError

from consumers.adapters.redis_cluster import WaitingCluster, connect_to_cluster
from consumers.adapters.redis_connection import TIMEOUT_S, busy_when_unreachable
from consumers.adapters.redis_sentinel import SentinelRedis
from consumers.adapters.redis_sessions import RedisSessions
from consumers.adapters.redis_sessions_listing import RedisSessionsListing
from consumers.errors import UnavailableError
from consumers.ports.sessions import Entry, Lease
from consumers.session.context import Context
from consumers.session.key import SessionKey
from tests.consumers.adapters.sessions.redis_servers import HOST, Cluster, Server, admin

SLOTS_OF_FIRST = range(5461)
KEYS = [SessionKey("acme", f"order-{number}") for number in range(60)]
OF_FIRST = next(key for key in KEYS if key_slot(key.meta.encode()) in SLOTS_OF_FIRST)


async def opened(sessions: RedisSessions) -> list[Lease]:
    return [(await sessions.open(key, "run-1")).lease for key in KEYS]


async def on_each_node(servers: Cluster, *command: str) -> list[Any]:
    answers: list[Any] = []
    for server in servers.primaries:
        async with admin(server) as node:
            answers.append(await node.execute_command(*command))
    return answers


async def test_sessions_are_on_every_node_and_listed_from_every_node(
    redis_cluster: RedisCluster, cluster_servers: Cluster
) -> None:
    await opened(RedisSessions(redis_cluster))
    assert all(count > 0 for count in await on_each_node(cluster_servers, "DBSIZE"))
    listing = RedisSessionsListing(redis_cluster)
    assert {each.key async for each in listing.list_sessions()} == set(KEYS)
    assert len([each async for each in listing.list_sessions(25)]) == 25


async def test_leases_on_every_node_are_renewed_in_one_round_trip_to_each(
    redis_cluster: RedisCluster, cluster_servers: Cluster
) -> None:
    sessions = RedisSessions(redis_cluster)
    await opened(sessions)
    await sessions.renew_leases()  # the scripts are known everywhere now
    for key in KEYS:
        await redis_cluster.hset(key.meta, "lease_until", "5")
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(admin(each)) for each in cluster_servers.primaries]
        before = [(await node.info("stats"))["total_reads_processed"] for node in nodes]
        await sessions.renew_leases()
        after = [(await node.info("stats"))["total_reads_processed"] for node in nodes]
    # One for the question itself, one for the leases, and one or two more if the replica has just said something.
    assert all(end - begin <= 4 for begin, end in zip(before, after, strict=True))
    assert not [key for key in KEYS if await redis_cluster.hget(key.meta, "lease_until") == b"5"]


async def test_scripts_that_a_node_never_had_are_sent_to_it(
    redis_cluster: RedisCluster, cluster_servers: Cluster
) -> None:
    sessions = RedisSessions(redis_cluster)
    leases = await opened(sessions)
    await on_each_node(cluster_servers, "SCRIPT FLUSH")
    await sessions.renew_leases()
    await on_each_node(cluster_servers, "SCRIPT FLUSH")
    for lease in leases:
        await sessions.close(lease, [Entry("outcome", {})], Context())
    assert await sessions.check() == []


async def test_leases_are_renewed_beside_a_session_whose_keys_are_damaged(
    redis_cluster: RedisCluster, cluster_servers: Cluster
) -> None:
    sessions = RedisSessions(redis_cluster)
    await opened(sessions)
    await redis_cluster.set(KEYS[0].meta, "no hash")
    for key in KEYS[1:]:
        await redis_cluster.hset(key.meta, "lease_until", "5")
    await on_each_node(cluster_servers, "SCRIPT FLUSH")
    with pytest.raises(UnavailableError, match="WRONGTYPE"):
        await sessions.renew_leases()
    assert not [key for key in KEYS[1:] if await redis_cluster.hget(key.meta, "lease_until") == b"5"]


async def test_a_lease_that_was_lost_on_any_node_is_let_go(redis_cluster: RedisCluster) -> None:
    sessions = RedisSessions(redis_cluster)
    await opened(sessions)
    await opened(RedisSessions(redis_cluster))
    for key in KEYS:
        await redis_cluster.hset(key.meta, "lease_until", "5")
    for _ in range(2):
        await sessions.renew_leases()
    assert {await redis_cluster.hget(key.meta, "lease_until") for key in KEYS} == {b"5"}


@pytest.mark.usefixtures("redis_cluster")
async def test_more_callers_than_connections_to_a_node_wait_their_turn(cluster_servers: Cluster) -> None:
    async with connected(cluster_servers, max_connections=2) as narrow:
        sessions = RedisSessions(narrow)
        await asyncio.gather(*(sessions.open(SessionKey("acme", str(n)), "run") for n in range(300)))
        assert len({each.key async for each in RedisSessionsListing(narrow).list_sessions(1000)}) == 300


@asynccontextmanager
async def connected(servers: Cluster, **options: Any) -> AsyncGenerator[WaitingCluster]:
    client = connect_to_cluster([(HOST, servers.primaries[0].port)], **options)
    try:
        yield client
    finally:
        await client.end()


@asynccontextmanager
async def moving(slot: int, source: Server, target: Server) -> AsyncGenerator[tuple[Any, Any]]:
    """Let a slot be on its way from one node to another; yields what moves its keys, and what ends the move."""
    async with admin(source) as giving, admin(target) as taking:
        giver: Any = await giving.execute_command("CLUSTER MYID")
        taker: Any = await taking.execute_command("CLUSTER MYID")
        await taking.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", giver)
        await giving.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", taker)

        async def move(most: int = 100) -> None:
            names: Any = await giving.execute_command("CLUSTER GETKEYSINSLOT", slot, most)
            for name in names:
                await giving.execute_command("MIGRATE", HOST, target.port, name, 0, 5000)

        async def settle() -> None:
            for node in (taking, giving):
                await node.execute_command("CLUSTER SETSLOT", slot, "NODE", taker)

        yield move, settle


async def test_a_session_that_moves_to_another_node_is_worked_on(
    redis_cluster: WaitingCluster, cluster_servers: Cluster
) -> None:
    sessions = RedisSessions(redis_cluster)
    # Many at once, so that there are many connections to each node.
    await asyncio.gather(*(sessions.open(key, "run-1") for key in KEYS))
    lease = (await sessions.open(OF_FIRST, "run-1")).lease
    first, second, _ = cluster_servers.primaries
    slot = key_slot(OF_FIRST.meta.encode())
    written = [Entry(f"t{turn}/decision", {}) for turn in range(1, 5)]
    await sessions.append(lease, written[:1])
    async with moving(slot, first, second) as (move, settle):
        await sessions.append(lease, written[:1])
        await move(1)
        # While its keys are not all on one side, no script can have them: that is a time to wait.
        with pytest.raises(UnavailableError):
            await sessions.append(lease, written[1:2])
        await move()
        await sessions.append(lease, written[1:2])  # the first node says ASK
        await settle()
        await sessions.append(lease, written[2:3])  # and now MOVED
        await sessions.renew_leases()
        await sessions.append(lease, written[3:])
    assert list(await sessions.read(OF_FIRST, "run-1")) == [entry.place for entry in written]
    async with moving(slot, second, first) as (move, settle):
        await move()
        await settle()
    await sessions.append(lease, written)
    await sessions.renew_leases()
    assert [each.key async for each in RedisSessionsListing(redis_cluster).list_sessions()].count(
        OF_FIRST
    ) == 1


async def test_a_cluster_that_moved_away_as_a_whole_is_found_where_it_was_first_looked_for(
    cluster_servers: Cluster,
) -> None:
    async with connected(cluster_servers) as client:
        sessions = RedisSessions(client)
        await sessions.ping()
        # As after all nodes got new addresses: nobody is left whom it knew.
        client.nodes_manager.startup_nodes.clear()
        await client.aclose()
        with pytest.raises(UnavailableError):
            await sessions.ping()
        await sessions.ping()


async def test_who_is_in_a_cluster_is_asked_of_the_node_that_failed_last_of_all(
    redis_cluster: WaitingCluster,
) -> None:
    with socket.create_server((HOST, 0)) as silent:  # takes connections and never answers
        known = redis_cluster.nodes_manager
        for _ in range(20):
            node = ClusterNode(HOST, silent.getsockname()[1], **redis_cluster.connection_kwargs)
            known.startup_nodes = {node.name: node, **known.startup_nodes}
            known.move_node_to_end_of_cached_nodes(node.name)
            await redis_cluster.aclose()
            async with asyncio.timeout(TIMEOUT_S / 2):
                await redis_cluster.initialize()


def port_of(client: Any) -> int:
    return client.connection_pool.connection_kwargs["port"]


async def test_sentinels_are_all_asked_however_many_ask_at_once(redis_by_sentinel: SentinelRedis) -> None:
    pool: Any = redis_by_sentinel.connection_pool
    known = set(pool.sentinel_manager.sentinels)
    assert len(known) == 2
    for _ in range(5):
        # The one that is away is first again, so that each has to go on to the other.
        pool.sentinel_manager.sentinels.sort(key=port_of)
        await asyncio.gather(*(pool.get_master_address() for _ in range(20)))
    assert set(pool.sentinel_manager.sentinels) == known


async def test_a_call_ends_within_its_time_whatever_the_client_waits_for() -> None:
    with pytest.raises(UnavailableError, match=r"no answer within 0\.01 s"):
        async with busy_when_unreachable(0.01):
            await asyncio.Event().wait()
    with pytest.raises(UnavailableError, match="Redis: RedisError: odd"):
        async with busy_when_unreachable():
            raise RedisError("odd")
