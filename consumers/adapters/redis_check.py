"""What we ask of a Redis before we trust it with sessions."""

import asyncio
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any, Final

from redis.asyncio import RedisCluster
from redis.exceptions import RedisError

from consumers.adapters.redis_connection import Client, busy_when_unreachable
from consumers.adapters.redis_handshake import explain_tls
from consumers.adapters.redis_nodes import Node, ping, primaries
from consumers.adapters.redis_refusal import RIGHTS, refusal
from consumers.adapters.redis_scripts import Script
from consumers.adapters.redis_sentinel import SentinelRedis
from consumers.errors import ConfigurationError, RetryError, UnavailableError

OLDEST_VERSION: Final = (6, 2)


async def check_server(client: Client, *, durable: bool = True) -> list[str]:
    """Refuse servers that would lose sessions silently; return warnings, one sentence each.

    Args:
        client: every server behind it that takes writes is asked.
        durable: refuse one without append-only file; otherwise, that is a warning.

    Raises:
        ConfigurationError: one evicts, forgets, is too old, is none of the kind configured, or refuses us.
        RetryError: one cannot be reached.
    """
    try:
        async with busy_when_unreachable():
            if isinstance(client, SentinelRedis):
                await client.check_sentinels()
            found = await primaries(client)
            infos = await asyncio.gather(*(_info(node) for node in found))
    except RetryError as error:
        if why := refusal(error):
            raise ConfigurationError(f"Redis: {why}") from error
        await explain_tls(client)
        raise
    kind = type(client)
    warnings = [
        _judge(node.name, kind, info, durable=durable) for node, info in zip(found, infos, strict=True)
    ]
    return [warning for warning in warnings if warning]


async def check_rights(client: Client, probe: Script) -> None:
    """Find out whether our user may do what the scripts do, on every server that holds sessions.

    Raises:
        ConfigurationError: it may not; the message says what it lacks.
        RetryError: one cannot be reached.
    """
    async with busy_when_unreachable():
        with _explained("servers"):
            await ping(client)
        for where, tag in (await _tags(client)).items():
            keys = [f"pointsman:{{{tag}}}:{part}" for part in ("hash", "context", "runs")]
            with _explained(where):
                await probe.whole(keys, [])
                refused = await probe(keys, [])
            if refused:
                said = "; ".join(each.decode() for each in refused)
                raise ConfigurationError(f"Redis {where}: our user lacks a right ({said}); {RIGHTS}")


async def _info(node: Node) -> Mapping[str, Any]:
    with _explained(node.name):
        return await node.command("INFO")


@contextmanager
def _explained(where: str) -> Generator[None]:
    try:
        yield
    except RedisError as error:
        if why := refusal(error):
            raise ConfigurationError(f"Redis {where}: {why}") from error
        raise


def _judge(where: str, kind: type[Client], info: Mapping[str, Any], *, durable: bool) -> str | None:
    """Return a warning, if anything is worth one.

    Raises:
        ConfigurationError: it is not fit to hold sessions.
        UnavailableError: it is not the primary any more.
    """
    # Valkey says what it is under names of its own, and in `redis_version` which Redis it is like.
    mode = info.get("server_mode", info.get("redis_mode"))
    if mode == "sentinel":
        raise ConfigurationError(
            f"Redis {where} is a sentinel; name it in redis.sentinel.nodes, not in redis.url"
        )
    if mode == "cluster" and not issubclass(kind, RedisCluster):
        raise ConfigurationError(f"Redis {where} is a node of a cluster; set redis.cluster: true")
    version = tuple(int(part) for part in str(info["redis_version"]).split(".")[:2])
    if version < OLDEST_VERSION:
        raise ConfigurationError(f"Redis {where} has version {info['redis_version']}; 6.2 or later is needed")
    if info.get("role", "master") != "master":
        if issubclass(kind, SentinelRedis | RedisCluster):
            raise UnavailableError(f"Redis {where} has just become a replica")
        raise ConfigurationError(
            f"Redis {where} is a replica and takes no writes; name its primary, or its sentinels (redis.sentinel)"
        )
    if (policy := info.get("maxmemory_policy", "noeviction")) != "noeviction":
        raise ConfigurationError(
            f"Redis {where} evicts keys when memory is short (maxmemory-policy {policy}), so it would forget what was "
            "done; set maxmemory-policy noeviction, or use another server for sessions"
        )
    if int(info.get("aof_enabled", 0)):
        return None
    forgets = f"Redis {where} has no append-only file, so a restart would lose the latest steps"
    if durable:
        raise ConfigurationError(
            f"{forgets}; set appendonly yes there, or where that may happen, redis.durability: relaxed here"
        )
    return f"{forgets}; set appendonly yes"


async def _tags(client: Client) -> dict[str, str]:
    """Return a hash tag for each server, so that keys with it are there."""
    servers = await primaries(client)
    if not isinstance(client, RedisCluster):
        return {server.name: "probe" for server in servers}
    owners = {nodes[0].name for nodes in client.nodes_manager.slots_cache.values()}
    tags: dict[str, str] = {}
    for number in count():
        if tags.keys() >= owners:
            break
        node = client.get_node_from_key(f"{{probe-{number}}}")
        assert node is not None  # only a replica may be missing
        tags.setdefault(node.name, f"probe-{number}")
    return tags
