"""Why a server lets nobody in by TLS, asked of the server itself: redis-py hears only that the connection is gone.

A server that wants a certificate says so once the handshake is over, and hangs up. What was sent to it by then makes the
system forget what it said; so we say nothing.
"""

import asyncio
import ssl
from collections.abc import Iterator
from typing import Any, Final

from redis.asyncio import RedisCluster

from consumers.adapters.redis_connection import Client
from consumers.adapters.redis_refusal import refusal
from consumers.adapters.redis_sentinel import SentinelRedis
from consumers.errors import ConfigurationError, UnavailableError

_ANSWER_S: Final = 1.0
"""A server that lets us in waits for us to speak; so long do we wait for it."""


async def explain_tls(client: Client) -> None:
    """Return where nothing is to be said: there is no TLS, or it is not to blame.

    Raises:
        ConfigurationError: a server refuses our TLS.
        UnavailableError: a server takes connections, but answers no TLS.
    """
    for host, port, tls in _doors(client):
        where = f"Redis {host}:{port}"
        shaken = False
        try:
            async with asyncio.timeout(_ANSWER_S):
                reader, writer = await asyncio.open_connection(host, port, ssl=tls)
                shaken = True
                try:
                    await reader.read(1)
                finally:
                    writer.close()
        except TimeoutError:
            if not shaken and await _takes_connections(host, port):
                said = "takes connections and answers no TLS; check whether this port is for TLS"
                raise UnavailableError(f"{where} {said}") from None
        except OSError as error:
            if why := refusal(error):
                raise ConfigurationError(f"{where}: {why}") from error


def _doors(client: Client) -> Iterator[tuple[str, int, ssl.SSLContext]]:
    """Yield each server that the client was told of, where it is to be reached by TLS."""
    if isinstance(client, RedisCluster):
        told: list[Any] = [node.connection_kwargs for node in client.startup_nodes]
    elif isinstance(client, SentinelRedis):
        told = [sentinel.connection_pool.connection_kwargs for sentinel in client.sentinels]
    else:
        told = [client.connection_pool.connection_kwargs]
    for each in told:
        if "tls" in each:
            yield each["host"], each.get("port", 6379), each["tls"]


async def _takes_connections(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(_ANSWER_S):
            _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True
