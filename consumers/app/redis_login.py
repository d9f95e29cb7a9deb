"""From the section `redis` of the configuration to a client: one server, the primary of a service, a cluster."""

import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

from consumers.adapters.redis_cluster import connect_to_cluster
from consumers.adapters.redis_connection import Client, connect, server_of
from consumers.adapters.redis_sentinel import connect_by_sentinel
from consumers.adapters.redis_trust import Trust
from consumers.adapters.tls_files import tls_context
from consumers.app.redis_rules import address
from consumers.app.redis_settings import Redis, RedisSentinel
from consumers.app.secrets import secret

_AT: Final = "redis"
_DEFAULT_PORT: Final = 6379


@asynccontextmanager
async def redis_client(
    settings: Redis, *, name: str = "pointsman", trust: Trust | None = None
) -> AsyncGenerator[Client]:
    """Yield a client; nothing is sent before its first command. Files and secrets are read now.

    Args:
        settings: the section.
        name: what CLIENT LIST shows.
        trust: which servers were checked; None speaks to any.

    Raises:
        ConfigurationError: a secret or a file is missing or wrong.
    """
    how: dict[str, Any] = {
        "username": settings.username,
        "password": secret(settings.password, f"{_AT}.password").get_secret_value() or None,
        "tls": tls_of(settings),
        "name": name,
        "trust": trust,
    }
    if settings.sentinel is not None:
        client = _by_sentinel(settings.sentinel, how)
    elif settings.cluster:
        cluster = _cluster(settings, how)
        try:
            yield cluster
        finally:
            await cluster.end()
        return
    else:
        client = connect(settings.url, **how)
    try:
        yield client
    finally:
        await client.aclose()


def tls_of(settings: Redis) -> ssl.SSLContext | None:
    """Return how TLS is spoken, or None where it is not.

    Raises:
        ConfigurationError: a secret or a file is missing or wrong.
    """
    tls = settings.tls
    if tls is None:
        plain = settings.sentinel is not None or not settings.url.startswith("rediss:")
        return None if plain else tls_context(f"{_AT}.tls", ca_file=None)
    password = secret(tls.key_password, f"{_AT}.tls.key_password").get_secret_value()
    return tls_context(
        f"{_AT}.tls",
        ca_file=tls.ca_file,
        cert_file=tls.cert_file,
        key_file=tls.key_file,
        key_password=password or None,
    )


def _by_sentinel(sentinel: RedisSentinel, how: dict[str, Any]) -> Client:
    password = secret(sentinel.password, f"{_AT}.sentinel.password").get_secret_value()
    return connect_by_sentinel(
        sentinel.service,
        [address(node) for node in sentinel.nodes],
        database=sentinel.database,
        sentinel_username=sentinel.username,
        sentinel_password=password or None,
        **how,
    )


def _cluster(settings: Redis, how: dict[str, Any]) -> Any:
    said = server_of(settings.url)
    first = (said["host"], said.get("port", _DEFAULT_PORT))
    how |= {field: said[field] for field in ("username", "password") if field in said}
    return connect_to_cluster([first, *map(address, settings.nodes)], **how)
