"""How we connect to Redis, and what we ask of a server before we trust it with sessions."""

from contextlib import AbstractContextManager
from typing import Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from consumers.errors import ConfigurationError, RetryError, UnavailableError

MAX_CONNECTIONS: Final = 64
"""Commands in flight; more wait for a connection."""
TIMEOUT_S: Final = 5.0
"""How long a connect, a reply, or the wait for a free connection may take."""
RETRIES: Final = 2
"""How often the client sends a command again after a cut connection: every script of ours may be repeated."""
OLDEST_VERSION: Final = (6, 2)


def connect(
    url: str,
    *,
    password: str | None = None,
    max_connections: int = MAX_CONNECTIONS,
    timeout_s: float = TIMEOUT_S,
    name: str = "pointsman",
) -> Redis:
    """Return a client for `redis://`, `rediss://` or `unix://`; nothing is sent before its first command.

    The caller closes it (`aclose`). A password in the URL goes before `password`. `name` is what CLIENT LIST
    shows.

    Raises:
        ConfigurationError: the URL cannot be read.
    """
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            **({"password": password} if password else {}),
            max_connections=max_connections,
            timeout=timeout_s,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(ExponentialWithJitterBackoff(base=0.02, cap=0.5), RETRIES),
            health_check_interval=30,
            client_name=name,
            protocol=2,  # all we need, understood by every server and proxy
            decode_responses=False,
        )
    except ValueError:
        # The URL may hold a password: it is not repeated, and neither is the error that quotes it.
        raise ConfigurationError(
            "redis.url cannot be read; it looks like redis://user:password@host:6379/0"
        ) from None
    return Redis.from_pool(pool)


def busy_when_unreachable() -> AbstractContextManager[None]:
    """Turn what the Redis client raises into UnavailableError; the command may or may not have run."""
    return _BUSY_WHEN_UNREACHABLE


class _BusyWhenUnreachable(AbstractContextManager[None]):
    """No generator: it stands around every command, and one costs more than all else that we add to it."""

    __slots__ = ()

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, RedisError | OSError):
            raise UnavailableError(f"Redis: {type(error).__name__}: {error}") from error


_BUSY_WHEN_UNREACHABLE: Final = _BusyWhenUnreachable()


async def check_server(redis: Redis) -> list[str]:
    """Refuse a server that would lose sessions silently; return warnings, one sentence each.

    Raises:
        ConfigurationError: it evicts, is too old, or refuses our credentials.
        RetryError: it cannot be reached.
    """
    try:
        with busy_when_unreachable():
            info = await redis.info("everything")
    except RetryError as error:
        if isinstance(error.__cause__, AuthenticationError | NoPermissionError):
            raise ConfigurationError(
                f"Redis refuses our credentials: {error.__cause__}; mend redis.url"
            ) from error
        raise
    version = tuple(int(part) for part in str(info["redis_version"]).split(".")[:2])
    if version < OLDEST_VERSION:
        raise ConfigurationError(f"Redis {info['redis_version']} is too old; 6.2 or later is needed")
    if (policy := info.get("maxmemory_policy", "noeviction")) != "noeviction":
        raise ConfigurationError(
            f"Redis evicts keys when memory is short (maxmemory-policy {policy}), so it would forget what was "
            "done; set maxmemory-policy noeviction, or use another server for sessions"
        )
    if int(info.get("aof_enabled", 0)):
        return []
    return ["Redis has no append-only file: a restart loses the latest steps; set appendonly yes"]
