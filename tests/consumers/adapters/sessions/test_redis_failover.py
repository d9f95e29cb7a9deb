"""A primary is moved, freezes or dies in the middle of runs: who works one waits, and loses nothing that was replicated."""

import asyncio
import signal
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.crc import key_slot

from consumers.adapters.redis_cluster import WaitingCluster, connect_to_cluster
from consumers.adapters.redis_connection import connect
from consumers.adapters.redis_sentinel import SentinelRedis, connect_by_sentinel
from consumers.adapters.redis_sessions import RedisSessions
from consumers.errors import RetryError, UnavailableError
from consumers.ports.sessions import Entry, Lease
from consumers.session.context import Context
from consumers.session.key import SessionKey
from tests.consumers.adapters.sessions.redis_servers import (
    HOST,
    SERVICE,
    Cluster,
    Server,
    admin,
    cluster,
    server,
    until,
    watched,
)

TIMEOUT_S = 1.0
"""How long a reply may take in these tests; a frozen server gives none."""
SOON_S = 20.0
"""A failover takes two or three seconds here: servers wait for one before they believe that the primary is gone."""
PATIENCE = pytest.mark.timeout(60)


class Runs:
    """Runs of many sessions, worked side by side, each as a worker does: it tries again what it may try again."""

    def __init__(self, sessions: RedisSessions, keys: list[SessionKey]) -> None:
        self.sessions = sessions
        self.keys = keys
        self.leases: list[Lease] = []
        self.turns = 0
        self.retries: list[RetryError] = []

    async def open(self) -> "Runs":
        self.leases = [(await self.sessions.open(key, "run-1")).lease for key in self.keys]
        return self

    async def turn(self, only: Callable[[SessionKey], bool] = lambda _key: True) -> float:
        """Write the next entry of each run, and return how long the last one took."""
        self.turns += 1
        entry = Entry(f"t{self.turns}/decision", {"turn": self.turns})
        begun = time.monotonic()
        async with asyncio.timeout(SOON_S):
            await asyncio.gather(*(self._append(lease, entry) for lease in self.leases if only(lease.key)))
        return time.monotonic() - begun

    async def _append(self, lease: Lease, entry: Entry) -> None:
        while True:
            try:
                assert await self.sessions.append(lease, [entry]) == [entry]
            except UnavailableError as error:
                self.retries.append(error)
                await asyncio.sleep(0.05)
            else:
                return

    async def end(self) -> None:
        """Close each run, and find everything in its journal that was ever acknowledged."""
        for lease in self.leases:
            written = await self.sessions.read(lease.key, "run-1")
            assert [f"t{turn}/decision" for turn in range(1, self.turns + 1)] == sorted(
                written, key=lambda place: int(place[1:].partition("/")[0])
            )
            await self.sessions.close(lease, [Entry("outcome", {})], Context())


@contextmanager
def frozen(server: Server) -> Generator[None]:
    server.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.process.send_signal(signal.SIGCONT)


async def replicated(primary: Server) -> None:
    """Wait until a replica has all that the primary has acknowledged."""
    async with admin(primary) as node:
        # WAIT waits for what was written by this very client.
        await node.set(next(name for name in map(str, range(1000)) if key_slot(name.encode()) < 5461), 1)
        assert await node.wait(1, 5000) >= 1


async def has_role(of: Server, role: str) -> bool:
    async with admin(of) as node:
        info: dict[str, Any] = await node.info("replication")
        return info["role"] == role and info.get("master_link_status", "up") == "up"


def follows(of: Server) -> Callable[[], Awaitable[bool]]:
    return lambda: has_role(of, "slave")


@PATIENCE
async def test_primaries_of_a_cluster_may_be_moved_freeze_and_die(tmp_path: Path) -> None:
    async with cluster(tmp_path) as servers, to_cluster(servers) as client:
        first, replica = servers.primaries[0], servers.replica
        runs = await Runs(
            RedisSessions(client), [SessionKey("acme", f"order-{number}") for number in range(30)]
        ).open()
        await runs.turn()

        # An operator moves the primary: nobody has to try again.
        async with admin(replica) as node:
            await node.execute_command("CLUSTER FAILOVER")
            while not await has_role(replica, "master"):
                await runs.turn()
        await runs.turn()
        assert runs.retries == []
        await until(follows(first))
        await replicated(replica)

        # It freezes: its sessions wait until another one takes over, and those of other nodes do not.
        with frozen(replica):
            waiting = asyncio.create_task(runs.turn())
            reads = 0
            while not waiting.done():
                for key in filter(on_other_nodes, runs.keys):
                    async with asyncio.timeout(TIMEOUT_S):
                        assert await runs.sessions.read(key, "run-1")
                    reads += 1
            assert reads
            await waiting
        await until(follows(replica))
        await replicated(first)
        await runs.sessions.renew_leases()
        runs.retries.clear()

        # It dies.
        first.kill()
        with pytest.raises(UnavailableError):
            await runs.sessions.renew_leases()
        assert await runs.turn(on_other_nodes) < 1
        assert runs.retries == []
        runs.turns -= 1
        await runs.turn()
        assert runs.retries
        await runs.sessions.renew_leases()
        await runs.sessions.ping()
        await runs.end()


@asynccontextmanager
async def to_cluster(servers: Cluster) -> AsyncGenerator[WaitingCluster]:
    # Fewer connections to a node than it has sessions: they wait for each other, and for no other node's.
    client = connect_to_cluster([(HOST, servers.primaries[1].port)], timeout_s=TIMEOUT_S, max_connections=2)
    try:
        yield client
    finally:
        await client.end()


def on_other_nodes(key: SessionKey) -> bool:
    return key_slot(key.meta.encode()) > 5460


@asynccontextmanager
async def by_sentinel(port: int) -> AsyncGenerator[SentinelRedis]:
    # Longer than a failover takes, on a busy machine too: a call that has waited so long for a frozen primary finds the
    # next one by itself.
    async with connect_by_sentinel(SERVICE, [(HOST, 1), (HOST, port)], timeout_s=8.0) as client:
        yield client


@PATIENCE
async def test_a_primary_behind_sentinel_may_freeze_and_its_successor_die(tmp_path: Path) -> None:
    async with watched(tmp_path) as servers, by_sentinel(servers.sentinel.port) as client:
        runs = await Runs(
            RedisSessions(client), [SessionKey("acme", f"order-{number}") for number in range(30)]
        ).open()
        await runs.turn()
        await replicated(servers.primary)
        with frozen(servers.primary):
            await runs.turn()
        assert runs.retries == []
        assert client.address == f"{HOST}:{servers.replica.port}"
        async with admin(servers.primary) as former:  # as Sentinel does by itself after ten seconds
            await former.replicaof(HOST, servers.replica.port)
        await until(follows(servers.primary))
        await runs.turn()
        await replicated(servers.replica)

        servers.replica.kill()
        await runs.turn()
        assert client.address == f"{HOST}:{servers.primary.port}"
        assert runs.retries
        await runs.sessions.renew_leases()
        await runs.sessions.ping()
        await runs.end()


@PATIENCE
async def test_a_server_that_an_operator_takes_the_role_from_is_left_before_it_is_told(
    tmp_path: Path,
) -> None:
    async with watched(tmp_path) as servers, by_sentinel(servers.sentinel.port) as client:
        sessions = RedisSessions(client)
        await asyncio.gather(*(sessions.open(SessionKey("acme", str(n)), "run-1") for n in range(20)))
        async with admin(servers.sentinel) as sentinel, admin(servers.primary) as former:
            waiting: Any = client.blpop(["nothing"], 2)
            busy = asyncio.create_task(waiting)
            await sentinel.execute_command("SENTINEL FAILOVER", SERVICE)

            async def found() -> bool:
                await sessions.ping()
                return client.address == f"{HOST}:{servers.replica.port}"

            await until(found)
            # For ten seconds, it would have gone on taking writes, to lose them all.
            assert await has_role(servers.primary, "master")
            await busy
            assert "pointsman" not in {each["name"] for each in await former.client_list()}


async def test_a_server_that_becomes_a_replica_is_left_for_whom_its_name_means_now(tmp_path: Path) -> None:
    # As a service name does that follows the primary: the port stays, and another server is behind it.
    async with server(tmp_path / "first") as first, server(tmp_path / "second") as second:
        behind = [first.port]

        async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there, back = await asyncio.open_connection(HOST, behind[0])
            await asyncio.gather(pump(reader, back), pump(there, writer))

        async with await asyncio.start_server(forward, HOST, 0) as name:
            port = name.sockets[0].getsockname()[1]
            async with connect(f"redis://{HOST}:{port}") as client:
                sessions = RedisSessions(client)
                await sessions.open(SessionKey("acme", "1"), "run-1")
                async with admin(first) as node:
                    await node.execute_command("REPLICAOF", HOST, second.port)
                behind[0] = second.port
                await sessions.open(SessionKey("acme", "2"), "run-1")


async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        target.write(data)
    target.close()
