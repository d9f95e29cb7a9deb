"""What operators see of the sessions in Redis. Reads only; nothing here is needed to work an event."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, cast

from redis.exceptions import ResponseError

from consumers.adapters.redis_connection import Client, busy_when_unreachable
from consumers.adapters.redis_damage import context_of, damage_of
from consumers.adapters.redis_nodes import Node, primaries
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

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    async def list_sessions(self, limit: int = 100) -> AsyncGenerator[SessionSummary]:
        """Yield up to `limit` sessions in no order; one that changes meanwhile may come twice or not at all.

        Raises:
            RetryError: Redis is unreachable.
        """
        left = limit
        async with busy_when_unreachable():
            nodes = await primaries(self._redis)
        for node in nodes:
            cursor = None
            while cursor != 0 and left > 0:
                async with busy_when_unreachable():
                    cursor, names = await node.command(
                        "SCAN", cursor or 0, "MATCH", "pointsman:{*}:meta", "COUNT", _BATCH
                    )
                    stored = await self._stored(node, names[:left])
                for name, meta in zip(names, stored, strict=False):
                    if meta:  # one may have expired between the two round trips
                        yield _summary(name, meta)
                        left -= 1

    async def _stored(self, node: Node, names: Sequence[bytes]) -> list[dict[bytes, bytes] | Exception]:
        stored = await node.together([("HGETALL", name) for name in names])
        for index, answer in enumerate(stored):
            if isinstance(answer, Exception):  # it has moved to another node, or is no hash
                try:
                    stored[index] = await self._redis.hgetall(names[index].decode())
                except ResponseError as error:
                    stored[index] = error
        return stored

    async def run_ids(self, key: SessionKey) -> list[str]:
        """Return the session's latest runs, last opened first."""
        async with busy_when_unreachable():
            runs = await self._redis.zrange(key.runs, 0, -1)
        return [run.decode() for run in reversed(cast("list[bytes]", runs))]

    async def context(self, key: SessionKey) -> Context:
        """Return what the session remembers; empty for an unknown one.

        Raises:
            SessionDamagedError: it cannot be read.
        """
        try:
            async with busy_when_unreachable():
                data = await self._redis.get(key.context)
        except UnavailableError as error:
            if damage := damage_of(key, error):
                raise damage from error
            raise
        return context_of(key, cast("bytes | None", data))

    async def journal(self, key: SessionKey, run_id: str) -> Stored:
        """Return a run's journal as far as it can be read, and what is wrong with the rest."""
        try:
            async with busy_when_unreachable():
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
