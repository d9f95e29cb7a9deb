"""What operators see of the sessions in Redis. Reads only; nothing here is needed to work an event."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, cast

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from consumers.adapters.redis_connection import busy_when_unreachable
from consumers.adapters.redis_damage import context_of, damage_of
from consumers.errors import UnavailableError
from consumers.session.context import Context
from consumers.session.key import SessionKey
from consumers.session.shapes import sorted_out
from consumers.session.stored import Stored, read_journal

_BATCH: Final = 200
_EVER: Final = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """A session as it stood when it was read.

    Attributes:
        key: which session; None where it was erased.
        epoch: grows with every open.
        holder: the run that holds the lease, or None.
        lease_until: when that lease ends unless renewed; meaningless without a holder.
        updated_at: last open, append, close or release.
        problem: which key of Redis holds it and cannot be read, and why; None where all is well.
    """

    key: SessionKey | None
    epoch: int
    holder: str | None
    lease_until: datetime
    updated_at: datetime
    problem: str | None = None


class RedisSessionsListing:
    """Lists sessions, for the command line."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def list_sessions(self, limit: int = 100) -> AsyncGenerator[SessionSummary]:
        """Yield up to `limit` sessions in no order; one that changes meanwhile may come twice or not at all.

        Raises:
            RetryError: Redis is unreachable.
        """
        cursor, left = 0, limit
        while left > 0:
            with busy_when_unreachable():
                cursor, names = await self._redis.scan(cursor, match="pointsman:{*}:meta", count=_BATCH)
                async with self._redis.pipeline(transaction=False) as pipe:
                    for name in names[:left]:
                        pipe.hgetall(name)
                    stored = await pipe.execute(raise_on_error=False)
            for name, meta in zip(names, stored, strict=False):
                if meta:  # one may have expired between the two round trips
                    yield _summary(cast("bytes", name), meta)
                    left -= 1
            if cursor == 0:
                return

    async def run_ids(self, key: SessionKey) -> list[str]:
        """Return the session's latest runs, last opened first."""
        with busy_when_unreachable():
            runs = await self._redis.zrange(key.runs, 0, -1, desc=True)
        return [run.decode() for run in cast("list[bytes]", runs)]

    async def context(self, key: SessionKey) -> Context:
        """Return what the session remembers; empty for an unknown one.

        Raises:
            SessionDamagedError: it cannot be read.
        """
        try:
            with busy_when_unreachable():
                data = await self._redis.get(key.context)
        except UnavailableError as error:
            if damage := damage_of(key, error):
                raise damage from error
            raise
        return context_of(key, cast("bytes | None", data))

    async def journal(self, key: SessionKey, run_id: str) -> Stored:
        """Return a run's journal as far as it can be read, and what is wrong with the rest."""
        try:
            with busy_when_unreachable():
                stored = await self._redis.hgetall(key.journal(run_id))
        except UnavailableError as error:
            if damage_of(key, error):
                return Stored({}, {key.journal(run_id): str(error.__cause__)})
            raise
        return sorted_out(read_journal(cast("dict[bytes, bytes]", stored)))


def _summary(name: bytes, meta: dict[bytes, bytes] | Exception) -> SessionSummary:
    try:
        if isinstance(meta, Exception):
            raise meta
        return _read(meta)
    except (ResponseError, KeyError, ValueError, OverflowError) as error:
        problem = f"{name.decode(errors='backslashreplace')}: {type(error).__name__}: {error}"
        return SessionSummary(None, 0, None, _EVER, _EVER, problem)


def _read(meta: dict[bytes, bytes]) -> SessionSummary:
    named = b"tenant" in meta
    return SessionSummary(
        SessionKey(meta[b"tenant"].decode(), meta[b"session_id"].decode()) if named else None,
        int(meta[b"epoch"]),
        meta[b"holder"].decode() or None,
        _time(meta[b"lease_until"]),
        _time(meta[b"updated_at"]),
    )


def _time(milliseconds: bytes) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
