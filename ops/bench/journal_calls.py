"""The three ways to write an entry that `bench-journal` compares, each on a session of its own."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import Redis

from consumers.adapters.redis_sessions import RedisSessions
from consumers.ports.sessions import Entry, Lease
from consumers.session.key import SessionKey

APPEND: Final = "append"
SCRIPT: Final = "its script alone"
BARE: Final = "bare EVALSHA"
WAYS: Final = (APPEND, SCRIPT, BARE)

_APPENDS_OF_A_RUN: Final = 16
"""Then the next run begins, as it would in earnest: a journal that only grows is no journal of ours."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is appended: so many entries at once, with bodies of about so many bytes."""

    name: str
    entries: int
    body_bytes: int
    judged: bool

    def at(self, number: int) -> list[Entry]:
        """Return the entries of the n-th append of a run."""
        return [Entry(f"t{number}/c{call}/intent", self._body(number)) for call in range(self.entries)]

    def _body(self, number: int) -> dict[str, Any]:
        return {
            "action": "erp.create_order",
            "arguments": {"customer_id": "C-1001", "note": "n" * (self.body_bytes - 150)},
            "at": f"2026-11-24T12:00:{number:02}+00:00",
            "key": f"{number:040}",
        }


LOADS: Final = (
    Load("1 entry, 300 B", 1, 300, judged=True),
    Load("1 entry, 1 KB", 1, 1_024, judged=True),
    Load("1 entry, 8 KB", 1, 8_192, judged=True),
    Load("3 entries of 1 KB", 3, 1_024, judged=False),
)

Call = Callable[[], Awaitable[Any]]


class Sayings(Redis):
    """A client that sends nothing and keeps what it was to send: so the bare call takes what the append takes."""

    sent: tuple[Any, ...] = ()

    async def execute_command(self, *args: Any, **_options: Any) -> Any:
        self.sent = args
        return [b"OK", 1, None]


class Writers:
    """Makes the calls, run after run. What is not measured is done when a call is made, not when it is begun."""

    def __init__(self, redis: Redis, load: Load) -> None:
        self._redis = redis
        self._load = load
        self._sessions = RedisSessions(redis)
        self._sayings = Sayings()
        self._unsent = RedisSessions(self._sayings)
        self._bare = ""
        self._runs = 0

    async def ready(self) -> None:
        """Have the server know every script: those of a session by using each once.

        Raises:
            PointsmanError: Redis is not as it must be.
        """
        await self._sessions.check()
        opened = await self._sessions.open(SessionKey("bench", "first"), "run")
        await self._sessions.append(opened.lease, self._load.at(0))
        pairs = 2 * self._load.entries
        source = f"redis.call('HSET', KEYS[2], unpack(ARGV, #ARGV - {pairs - 1})) return {{'OK'}}"
        self._bare = await self._redis.script_load(source)

    async def run(self) -> list[dict[str, Call]]:
        """Open a session for each way, and return the calls of one run by way, append after append."""
        self._runs += 1
        leases: dict[str, Lease] = {}
        for way in WAYS:
            key = SessionKey("bench", f"{self._load.name} {way} {self._runs}")
            leases[way] = (await self._sessions.open(key, "run")).lease
        return [
            {way: await self._made(way, lease, number) for way, lease in leases.items()}
            for number in range(_APPENDS_OF_A_RUN)
        ]

    async def _made(self, way: str, lease: Lease, number: int) -> Call:
        entries = self._load.at(number)
        if way == APPEND:
            return lambda: self._sessions.append(lease, entries)
        await self._unsent.append(lease, entries)
        _, digest, keys, *rest = self._sayings.sent
        if way == BARE:
            digest = self._bare
        return lambda: self._redis.evalsha(digest, keys, *rest)
