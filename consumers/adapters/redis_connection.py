"""How we connect to one Redis server, and how long we wait for any."""

import asyncio
import ssl
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Final

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.connection import parse_url
from redis.exceptions import RedisClusterException, RedisError

from consumers.adapters.redis_refusal import refusal
from consumers.adapters.redis_trust import Trust
from consumers.adapters.redis_wires import login, options, wire
from consumers.errors import ConfigurationError, UnavailableError

Client = Redis | RedisCluster
"""One server, found by its address or by sentinels, or a cluster."""

MAX_CONNECTIONS: Final = 64
"""Commands in flight at one server; more wait for a connection."""
TIMEOUT_S: Final = 5.0
"""How long a connect, a reply, or the wait for a free connection may take."""
PATIENCE_S: Final = 15.0
"""How long a call may take in all, with what the client tries again by itself."""
RETRIES: Final = 2
"""How often the client sends a command again after a cut connection: every script of ours may be repeated."""


def connect(
    url: str,
    *,
    username: str | None = None,
    password: str | None = None,
    tls: ssl.SSLContext | None = None,
    max_connections: int = MAX_CONNECTIONS,
    timeout_s: float = TIMEOUT_S,
    name: str = "pointsman",
    trust: Trust | None = None,
) -> Redis:
    """Return a client for `redis://`, `rediss://` or `unix://`; nothing is sent before its first command.

    The caller closes it (`aclose`). Credentials in the URL go before the others. `tls` is for `rediss://`; without
    it, whom the system trusts is trusted. `name` is what CLIENT LIST shows. With `trust`, only servers that were checked
    are spoken to.

    Raises:
        ConfigurationError: the URL cannot be read.
    """
    where = server_of(url)
    if url.startswith("rediss:"):
        where = wire(tls or ssl.create_default_context(), trust) | where
    elif "connection_class" not in where:
        where = wire(None, trust) | where
    pool = BlockingConnectionPool(
        **(login(username, password) | where),
        **options(timeout_s=timeout_s, retries=RETRIES, name=name),
        max_connections=max_connections,
        timeout=timeout_s,
    )
    return Redis.from_pool(pool)


def server_of(url: str) -> dict[str, Any]:
    """Return what a URL says: host, port, database, credentials.

    Raises:
        ConfigurationError: it cannot be read.
    """
    try:
        said: dict[str, Any] = {**parse_url(url)}
    except ValueError:
        # The URL may hold a password: it is not repeated, and neither is the error that quotes it.
        raise ConfigurationError(
            "redis.url cannot be read; it looks like redis://user:password@host:6379/0"
        ) from None
    if not url.startswith("unix:"):
        said.pop("connection_class", None)
    return said


def busy_when_unreachable(patience_s: float = PATIENCE_S) -> AbstractAsyncContextManager[None]:
    """Turn what the Redis client raises, and too long a wait, into UnavailableError; a command may have run."""
    return _BusyWhenUnreachable(patience_s)


class _BusyWhenUnreachable(AbstractAsyncContextManager[None]):
    """No generator: it stands around every command, and one costs more than all else that we add to it."""

    __slots__ = ("_patience_s", "_within")

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s

    async def __aenter__(self) -> None:
        self._within = asyncio.timeout(self._patience_s)
        await self._within.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._within.__aexit__(kind, error, trace)
        except TimeoutError as late:
            raise UnavailableError(f"Redis: no answer within {self._patience_s:g} s") from late
        if isinstance(error, RedisError | RedisClusterException | OSError):
            said = refusal(error) or f"{type(error).__name__}: {error}"
            raise UnavailableError(f"Redis: {said}") from error
