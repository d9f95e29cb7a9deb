"""A Redis Cluster whose callers wait for a connection instead of failing, and which finds its way back by itself."""
# ruff: noqa: SLF001 - looks inside redis-py, where it has no public way; see _LastFirst
# pyright: reportPrivateUsage=false

import asyncio
import ssl
from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Any, Final

from redis.asyncio import RedisCluster
from redis.asyncio.cluster import ClusterNode

from consumers.adapters.redis_connection import MAX_CONNECTIONS, RETRIES, TIMEOUT_S
from consumers.adapters.redis_trust import Trust
from consumers.adapters.redis_wires import login, options, wire

_SPARE: Final = 8
"""Connections to a node beyond those that callers wait for: for asking who is in the cluster, and for redirections."""
_KEY_AT: Final = {"EVALSHA": 3, "EVAL": 3}
"""Where a command has its first key; it is the word after the command in all others that we send."""

Address = tuple[str, int]


class _LastFirst(deque[Any]):
    """Free connections of a node, of which the one used last is taken first.

    redis-py says ASKING on one connection and sends the command on the next one. As it takes the one that has been free
    for longest, that is another one, to which the node has not listened: while a slot moves, no command would get through.
    """

    def popleft(self) -> Any:
        return self.pop()


class WaitingCluster(RedisCluster):
    """A cluster's client: commands beyond what a node's connections carry wait their turn, for that node alone."""

    def __init__(
        self,
        seeds: Sequence[Address],
        *,
        tls: ssl.SSLContext | None,
        max_connections: int,
        trust: Trust | None,
        **more: Any,
    ) -> None:
        startup = [ClusterNode(host, port) for host, port in seeds]
        # Topology is read anew after a cut connection, not after so many MOVED: that would close connections in use.
        super().__init__(
            startup_nodes=startup, max_connections=max_connections + _SPARE, reinitialize_steps=0, **more
        )
        self.connection_kwargs.update(wire(tls, trust))
        self.startup_nodes = [ClusterNode(host, port, **self.connection_kwargs) for host, port in seeds]
        self.nodes_manager.startup_nodes = {node.name: node for node in self.startup_nodes}
        self._turns = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(max_connections))

    async def initialize(
        self,
        additional_startup_nodes_info: list[Address] | None = None,
        last_failed_node_name: str | None = None,
    ) -> "WaitingCluster":
        """Find out who is in the cluster, unless that is known; the node that failed last is asked last."""
        if not self._initialize:
            return self
        # redis-py moves it to the end and asks in random order all the same. One that hangs would hold up everybody.
        failed = last_failed_node_name or next(reversed(self.nodes_manager.startup_nodes), None)
        try:
            await super().initialize(additional_startup_nodes_info, failed)
        except BaseException:
            # All that we knew are gone, as after a move: next time, the configured ones are asked as well.
            for node in self.startup_nodes:
                self.nodes_manager.startup_nodes.setdefault(node.name, node)
            raise
        for node in self.get_nodes():
            free: Any = node._free
            if not isinstance(free, _LastFirst):
                node._free = _LastFirst(free, node.max_connections)
        return self

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """Send a command to the node that has its key, once it is our turn there."""
        # First: while nothing is known, redis-py would send it anywhere.
        await self.initialize()
        at = _KEY_AT.get(args[0], 1)
        if "target_nodes" in kwargs or len(args) <= at:
            return await super().execute_command(*args, **kwargs)
        node = self.get_node_from_key(args[at])
        async with self._turns[node.name if node else ""]:
            return await super().execute_command(*args, **kwargs)

    async def end(self) -> None:
        """Close all connections; `aclose` leaves those open that outlived a lost one."""
        await self.nodes_manager.aclose()
        await self.nodes_manager.aclose("startup_nodes")
        await self.aclose()


def connect_to_cluster(
    seeds: Sequence[Address],
    *,
    username: str | None = None,
    password: str | None = None,
    tls: ssl.SSLContext | None = None,
    max_connections: int = MAX_CONNECTIONS,
    timeout_s: float = TIMEOUT_S,
    name: str = "pointsman",
    trust: Trust | None = None,
) -> WaitingCluster:
    """Return a client for a cluster; nothing is sent before its first command.

    The caller closes it (`end`). `seeds` are nodes to ask who is in the cluster; `max_connections` is for each node. With
    `trust`, only nodes that were checked are spoken to.
    """
    return WaitingCluster(
        seeds,
        tls=tls,
        max_connections=max_connections,
        trust=trust,
        **login(username, password),
        **options(timeout_s=timeout_s, retries=RETRIES, name=name),
    )
