"""The servers behind a client, one by one: the only one, or each primary of a cluster."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode, PipelineCommand
from redis.exceptions import RedisClusterException, RedisError

from consumers.adapters.redis_connection import Client
from consumers.adapters.redis_sentinel import SentinelRedis

Command = Sequence[str | int | bytes]
"""The words of a command."""


class Node(Protocol):
    """One server."""

    @property
    def name(self) -> str:
        """Where it is, for people."""
        ...

    async def command(self, *words: str | int | bytes) -> Any:
        """Send one command to this very server."""
        ...

    async def together(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands in one round trip; what one of them is refused with takes the place of its answer."""
        ...


class _Server:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    @property
    def name(self) -> str:
        if isinstance(self._redis, SentinelRedis):
            return self._redis.address
        where: Mapping[str, Any] = self._redis.connection_pool.connection_kwargs
        return where.get("path") or f"{where.get('host', 'localhost')}:{where.get('port', 6379)}"

    async def command(self, *words: str | int | bytes) -> Any:
        return await self._redis.execute_command(*words)

    async def together(self, commands: Sequence[Command]) -> list[Any]:
        async with self._redis.pipeline(transaction=False) as pipe:
            for words in commands:
                pipe.execute_command(*words)
            return await pipe.execute(raise_on_error=False)


class _Primary:
    def __init__(self, node: ClusterNode) -> None:
        self._node = node

    @property
    def name(self) -> str:
        return self._node.name

    async def command(self, *words: str | int | bytes) -> Any:
        return await self._node.execute_command(*words)

    async def together(self, commands: Sequence[Command]) -> list[Any]:
        # Not redis-py's pipeline of a cluster: where one node is away, that closes the connections to all of them.
        sent = [PipelineCommand(number, *words) for number, words in enumerate(commands)]
        await self._node.execute_pipeline(sent)
        return [command.result for command in sent]


async def primaries(client: Client) -> list[Node]:
    """Return the servers that hold sessions.

    Raises:
        RedisClusterException: no node of the cluster can be reached.
    """
    if isinstance(client, RedisCluster):
        await client.initialize()
        return [_Primary(node) for node in client.get_primaries()]
    return [_Server(client)]


async def ping(client: Client) -> None:
    """Find out whether every server that holds sessions answers, and notice if others hold them now."""
    if isinstance(client, RedisCluster):
        await client.ping(target_nodes=RedisCluster.PRIMARIES)
        return
    if isinstance(client, SentinelRedis):
        await client.follow()
    await client.ping()


async def each_where_it_belongs(client: Client, commands: Mapping[str, Command]) -> dict[str, Any]:
    """Send commands, each by the key that it is about, in one round trip to each server.

    The answer is an exception for a command that was refused, and for all of a server that cannot be reached.
    """
    if not isinstance(client, RedisCluster):
        return await _together(_Server(client), commands)
    await client.initialize()
    nodes, keys = dict[str, Node](), defaultdict[str, list[str]](list)
    for key in commands:
        node = _node_of(client, key)
        nodes[node.name] = node
        keys[node.name].append(key)
    parts = [_together(nodes[name], {key: commands[key] for key in held}) for name, held in keys.items()]
    answers: dict[str, Any] = {}
    for part in await asyncio.gather(*parts):
        answers |= part
    return answers


def _node_of(client: RedisCluster, key: str) -> Node:
    node = client.get_node_from_key(key)
    assert node is not None  # only a replica may be missing
    return _Primary(node)


async def _together(node: Node, commands: Mapping[str, Command]) -> dict[str, Any]:
    try:
        answers = await node.together(list(commands.values()))
    except (RedisError, RedisClusterException, OSError) as error:
        return dict.fromkeys(commands, error)
    return dict(zip(commands, answers, strict=True))
