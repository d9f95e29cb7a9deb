"""Sessions in Redis or Valkey: one Lua script a method, all keys of a session in one slot."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

import orjson
from redis.asyncio import RedisCluster

from consumers.adapters.redis_check import check_rights, check_server
from consumers.adapters.redis_connection import Client, busy_when_unreachable
from consumers.adapters.redis_damage import context_of, damage_of, entries_of
from consumers.adapters.redis_leases import Leases
from consumers.adapters.redis_nodes import ping
from consumers.adapters.redis_renewal import renew_all
from consumers.adapters.redis_scripts import Script, Scripts
from consumers.adapters.redis_trust import Trust, token_of, unchecked
from consumers.errors import RetryError, UnavailableError
from consumers.ports.sessions import (
    Body,
    Entry,
    FencedError,
    JournalFullError,
    Lease,
    Opened,
    RunsOpenError,
    SessionBusyError,
    SessionDamagedError,
    SessionLostError,
)
from consumers.session import place
from consumers.session.context import Context
from consumers.session.key import SessionKey
from schemas.canonical import canonical_json

LEASE_S: Final = 30.0
"""How long a worker that died keeps other runs of its session waiting."""
TTL_S: Final = 7 * 86_400.0
"""How long a finished run and an idle session are remembered: the replay horizon."""
MAX_ENTRIES: Final = 1_000
"""Entries of one run."""
MAX_BYTES: Final = 4 * 1024 * 1024
"""Bytes of one run's entries, places included."""
CLOSING_ROOM: Final = 2
"""`close` has this times both limits, so that a run that reached them can still say how it ended."""
RUNS_REMEMBERED: Final = 1_000
"""Runs of a session that `run_ids` can list."""
MAX_BUSY_WAIT_S: Final = 1.0
"""A busy session is asked again after this time, whatever its lease: it is mostly given back early."""

_log = logging.getLogger(__name__)


class RedisSessions:
    """The `Sessions` port on a Redis client, which stays the caller's to close.

    `check` comes first. While `keep_leases` runs, a lease lasts as long as its run; without it, a run that
    writes nothing for `lease_s` may be overtaken by the next one of its session, and is then fenced.
    """

    def __init__(
        self,
        redis: Client,
        *,
        lease_s: float = LEASE_S,
        ttl_s: float = TTL_S,
        max_entries: int = MAX_ENTRIES,
        max_bytes: int = MAX_BYTES,
        durable: bool = True,
        trust: Trust | None = None,
    ) -> None:
        """Build it.

        Args:
            redis: a client made with the same `trust`.
            lease_s: how long a worker that died keeps other runs of its session waiting.
            ttl_s: how long a finished run and an idle session are remembered.
            max_entries: entries of one run.
            max_bytes: bytes of one run's entries, places included.
            durable: refuse a server without append-only file.
            trust: which store was checked; None takes any as it is, as tools do.
        """
        self._redis = redis
        self._trust = trust
        self._guard = [] if trust is None or isinstance(redis, RedisCluster) else [trust.guard]
        self._scripts = Scripts.of(redis)
        self._lease_s = lease_s
        self._lease_ms = int(lease_s * 1000)
        self._ttl_ms = int(ttl_s * 1000)
        self._limits = (max_entries, max_bytes)
        self._durable = durable
        self._leases = Leases()

    async def check(self) -> list[str]:
        """Refuse servers that would lose sessions silently or let us do too little; return warnings.

        Raises:
            ConfigurationError: one evicts, forgets on a restart (unless not `durable`), is too old, or refuses us.
            RetryError: one cannot be reached.
        """
        warnings = await check_server(self._redis, durable=self._durable)
        await check_rights(self._redis, self._scripts.probe)
        return warnings

    async def ping(self) -> None:
        """Find out whether Redis answers.

        Raises:
            UnavailableError: it does not.
        """
        async with busy_when_unreachable():
            await ping(self._redis)

    async def open(self, key: SessionKey, run_id: str, *, take_over: bool = True) -> Opened:
        """As the port says."""
        token = token_of(self._trust)
        keys = [key.meta, key.context, key.journal(run_id), key.runs, *self._guard]
        limits = [self._lease_ms, self._ttl_ms, RUNS_REMEMBERED]
        about = [run_id, key.tenant, key.session_id, *limits, int(take_over), token]
        try:
            answer = await _call(self._scripts.open, keys, about)
        except UnavailableError as error:
            if damage := damage_of(key, error):
                raise damage from error
            raise
        match answer:
            case [b"OK", epoch, revision, context, flat]:
                lease = Lease(key, run_id, epoch)
                self._leases.take(lease, token, revision)
                lost_before = self._trust.lost_before if self._trust else None
                try:
                    return Opened(lease, context_of(key, context), entries_of(key, run_id, flat), lost_before)
                except SessionDamagedError:
                    await self.release(lease)
                    raise
            case [b"BUSY", left_ms]:
                raise SessionBusyError(
                    f"session {key.tag}: it is being worked, for {left_ms} ms more at most",
                    after_s=min(left_ms / 1000, MAX_BUSY_WAIT_S),
                )
            case [b"UNCHECKED"]:
                raise unchecked(self._trust)
            case _:
                raise SessionDamagedError.of_name(key)

    async def read(self, key: SessionKey, run_id: str) -> Mapping[str, Body]:
        """As the port says."""
        answer = await _call(self._scripts.read, [key.journal(run_id), *self._guard], [token_of(self._trust)])
        if answer == [b"UNCHECKED"]:
            raise unchecked(self._trust)
        return entries_of(key, run_id, answer[1])

    async def append(self, lease: Lease, entries: Sequence[Entry]) -> Sequence[Entry]:
        """As the port says."""
        keys = [lease.key.meta, lease.key.journal(lease.run_id)]
        about = [lease.run_id, lease.epoch, self._revision(lease), self._lease_ms, *self._limits]
        return await self._write(self._scripts.append, lease, keys, about, entries)

    async def close(self, lease: Lease, entries: Sequence[Entry], context: Context) -> Sequence[Entry]:
        """As the port says; if an earlier entry wins, the context and the lease stay as they are."""
        return await self._leave("ends", lease, entries, context)

    async def park(self, lease: Lease, entries: Sequence[Entry], context: Context) -> Sequence[Entry]:
        """As the port says; if an earlier entry wins, the context and the lease stay as they are."""
        return await self._leave("parks", lease, entries, context)

    async def release(self, lease: Lease) -> None:
        """As the port says."""
        self._leases.drop(lease)
        keys = [lease.key.meta, lease.key.context, lease.key.runs]
        await _call(self._scripts.release, keys, [lease.run_id, lease.epoch, self._ttl_ms])

    async def cancel(self, key: SessionKey, run_id: str, body: Body) -> bool:
        """As the port says."""
        about = [place.CANCEL, canonical_json(body), token_of(self._trust)]
        answer = await _call(self._scripts.mark, [key.journal(run_id), *self._guard], about)
        if answer == b"UNCHECKED":
            raise unchecked(self._trust)
        return answer == b"MARKED"

    async def erase(self, key: SessionKey, at: datetime) -> Sequence[str]:
        """As the port says."""
        async with busy_when_unreachable():
            runs = cast("list[bytes]", await self._redis.zrange(key.runs, 0, -1))
        names = [run.decode() for run in runs]
        keys = [key.meta, key.context, key.runs, *(key.journal(run) for run in names)]
        about = [self._ttl_ms, place.ERASED, canonical_json({"at": at.isoformat()}), *names]
        match await _call(self._scripts.erase, keys, about):
            case [b"OK"]:
                return names
            case [b"OPEN", run]:
                raise RunsOpenError(f"run {run.decode()} is not finished; finish or cancel it first")
            case [b"BUSY", left_ms]:
                raise SessionBusyError(f"session {key.tag} is being worked", after_s=left_ms / 1000)
            case _:
                raise SessionBusyError(f"session {key.tag}: another run of it has just begun", after_s=0.0)

    async def keep_leases(self) -> None:
        """Renew every lease in hand three times as often as needed, until cancelled."""
        while True:
            await asyncio.sleep(self._lease_s / 3)
            try:
                await self.renew_leases()
            except RetryError as error:
                _log.warning("leases not renewed: %s", error)

    async def renew_leases(self) -> None:
        """Renew every lease in hand, in one round trip to each server; a lease that was lost is let go.

        Raises:
            RetryError: a server is unreachable, or a session's keys are damaged; all others are renewed.
        """
        leases = {lease.key.meta: lease for lease in self._leases}
        about = {meta: [lease.run_id, lease.epoch, self._lease_ms] for meta, lease in leases.items()}
        states, failed = await renew_all(self._redis, self._scripts.renew, about)
        for meta, state in states.items():
            if state != b"HELD":
                self._leases.drop(leases[meta])
        if failed:
            raise failed

    async def _leave(
        self, how: str, lease: Lease, entries: Sequence[Entry], context: Context
    ) -> Sequence[Entry]:
        key = lease.key
        keys = [key.meta, key.context, key.journal(lease.run_id), key.runs]
        room = [CLOSING_ROOM * limit for limit in self._limits]
        about = [lease.run_id, lease.epoch, self._revision(lease), how, self._ttl_ms, *room, context.dump()]
        stored = await self._write(self._scripts.close, lease, keys, about, entries)
        if stored[: len(entries)] == list(entries):
            self._leases.drop(lease)
        return stored

    async def _write(
        self, script: Script, lease: Lease, keys: list[str], about: list[Any], entries: Sequence[Entry]
    ) -> Sequence[Entry]:
        held = self._leases.find(lease)
        if self._trust and held and held.token != self._trust.token:
            # The store was checked anew since, and may have been given back what we do not know of.
            self._leases.drop(lease)
            raise FencedError(f"{_run_of(lease)}: the store that gave epoch {lease.epoch} is another one now")
        for entry in entries:
            about += (entry.place, canonical_json(entry.body))
        match await _call(script, keys, about):
            case [b"OK", revision, None]:
                self._leases.know(lease, revision)
                return list(entries)
            case [b"OK", revision, cancelled]:
                self._leases.know(lease, revision)
                return [*entries, Entry(place.CANCEL, orjson.loads(cancelled))]
            case [b"DUP", revision, index, stored]:
                self._leases.know(lease, revision)
                return [*entries[:index], Entry(entries[index].place, orjson.loads(stored))]
            case [b"FULL", count, size]:
                raise JournalFullError(
                    f"{_run_of(lease)}: its journal would hold {count} entries in {size} bytes; "
                    f"the limits are {self._limits[0]} and {self._limits[1]}"
                )
            case [b"FENCED"]:
                self._leases.drop(lease)
                raise FencedError(f"{_run_of(lease)}: epoch {lease.epoch} no longer holds the lease")
            case _:
                self._leases.drop(lease)
                if self._trust:
                    self._trust.doubt(lost=True)
                raise SessionLostError(
                    f"{_run_of(lease)}: Redis does not know epoch {lease.epoch} as we wrote it: "
                    "it was wiped or went back in time"
                )

    def _revision(self, lease: Lease) -> int:
        held = self._leases.find(lease)
        return held.revision if held else 0


async def _call(script: Script, keys: list[str], about: list[Any]) -> Any:
    async with busy_when_unreachable():
        return await script(keys, about)


def _run_of(lease: Lease) -> str:
    return f"run {lease.run_id} of session {lease.key.tag}"
