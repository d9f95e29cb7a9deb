"""A Redis whose primary is found by asking Sentinel, at each new connection: after a failover, the new one."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.sentinel import (
    MasterNotFoundError,
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
)
from redis.exceptions import RedisError

from consumers.adapters.redis_connection import MAX_CONNECTIONS, RETRIES, TIMEOUT_S
from consumers.adapters.redis_refusal import refusal
from consumers.adapters.redis_trust import Trust
from consumers.adapters.redis_wires import PlainConnection, TlsConnection, login, options, wire
from consumers.errors import ConfigurationError

_ASKING_S: Final = 1.0
"""How long one sentinel may take before the next one is asked."""
_CONNECTIONS: Final = 4
"""To each sentinel."""

Address = tuple[str, int]


class _ToPrimary(SentinelManagedConnection):
    """Asks a sentinel whenever it connects; redis-py's own connects once more to where it was, if it sends again."""

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:  # noqa: FBT001, FBT002 - redis-py's
        if not self.is_connected:
            await self.connect()
        await super().send_packed_command(command, check_health)


class _PlainToPrimary(_ToPrimary, PlainConnection):
    pass


class _TlsToPrimary(_ToPrimary, TlsConnection):
    pass


class _Pool(SentinelConnectionPool, BlockingConnectionPool):
    """Connections to whoever is the primary; callers wait for a free one."""


class _Sentinels(Sentinel):
    """The sentinels of a configuration, asked by one caller at a time.

    redis-py puts the sentinel that answered in front while others go through the same list: two at once leave one of
    them in it twice and another one not at all, until nobody is left who answers.
    """

    def __init__(self, addresses: Sequence[Address], how: Mapping[str, Any]) -> None:
        super().__init__([])
        self.sentinels = [Redis.from_pool(_pool(host, port, how)) for host, port in addresses]
        self._addresses = [f"{host}:{port}" for host, port in addresses]
        self._asking = asyncio.Lock()

    async def discover_master(self, service_name: str) -> Address:
        """Return where the primary is.

        Raises:
            MasterNotFoundError: no sentinel that answers knows one that is up.
        """
        async with self._asking:
            try:
                return await super().discover_master(service_name)
            except MasterNotFoundError as error:
                asked = ", ".join(sorted(self._addresses))
                said = f"no sentinel names a primary of {service_name} that is up (asked: {asked})"
                raise MasterNotFoundError(said) from error


class SentinelRedis(Redis):
    """The primary of a service, whichever server that is."""

    @property
    def address(self) -> str:
        """The primary's address, as it was when last asked for."""
        pool: Any = self.connection_pool
        host, port = pool.master_address or ("?", 0)
        return f"{host}:{port}"

    @property
    def sentinels(self) -> list[Redis]:
        """A client for each of the sentinels."""
        pool: Any = self.connection_pool
        return list(pool.sentinel_manager.sentinels)

    async def follow(self) -> None:
        """Ask where the primary is, and leave a server that is none any more but still takes writes, to lose them.

        Sentinel tells such a server only after ten seconds, where an operator moved the primary.
        """
        pool: Any = self.connection_pool
        before = pool.master_address
        if await pool.get_master_address() != before:  # which closes the idle connections
            await pool.update_active_connections_for_reconnect()

    async def check_sentinels(self) -> None:
        """Find out whether the sentinels know our service, as soon as one answers.

        Raises:
            ConfigurationError: it refuses us, or knows other services only.
        """
        pool: Any = self.connection_pool
        for sentinel in self.sentinels:
            try:
                known = await sentinel.sentinel_masters()
            except (RedisError, OSError) as error:
                if why := refusal(error, at="redis.sentinel"):
                    raise ConfigurationError(f"Sentinel: {why}") from error
                continue
            if pool.service_name not in known:
                names = ", ".join(sorted(map(str, known))) or "none"
                raise ConfigurationError(
                    f"Sentinel knows no service {pool.service_name} (known: {names}); check redis.sentinel.service"
                )
            return

    async def aclose(self, close_connection_pool: bool | None = None) -> None:  # noqa: FBT001 - redis-py's
        """Close the connections to the primary and to the sentinels."""
        await super().aclose(close_connection_pool)
        pool: Any = self.connection_pool
        await pool.sentinel_manager.aclose()


def connect_by_sentinel(
    service: str,
    sentinels: Sequence[Address],
    *,
    database: int = 0,
    username: str | None = None,
    password: str | None = None,
    sentinel_username: str | None = None,
    sentinel_password: str | None = None,
    tls: ssl.SSLContext | None = None,
    max_connections: int = MAX_CONNECTIONS,
    timeout_s: float = TIMEOUT_S,
    name: str = "pointsman",
    trust: Trust | None = None,
) -> SentinelRedis:
    """Return a client for the primary of a service; nothing is sent before its first command.

    The caller closes it (`aclose`). The sentinels have credentials of their own; TLS is for them as well. With `trust`, only a
    primary that was checked is spoken to.
    """
    asking = options(timeout_s=min(timeout_s, _ASKING_S), retries=0, name=name)
    how = wire(tls) | login(sentinel_username, sentinel_password) | asking
    pool = _Pool(
        service,
        _Sentinels(sentinels, how),
        **(wire(tls, trust) | {"connection_class": _TlsToPrimary if tls else _PlainToPrimary}),
        **login(username, password),
        **options(timeout_s=timeout_s, retries=RETRIES, name=name),
        db=database,
        max_connections=max_connections,
        timeout=timeout_s,
    )
    return cast("SentinelRedis", SentinelRedis.from_pool(pool))


def _pool(host: str, port: int, how: Mapping[str, Any]) -> BlockingConnectionPool:
    return BlockingConnectionPool(
        host=host, port=port, max_connections=_CONNECTIONS, timeout=_ASKING_S, **how
    )
