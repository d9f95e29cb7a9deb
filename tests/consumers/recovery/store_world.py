"""A store on a real server, the steps topic as a list, and keepers of workers that come and go."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from consumers.adapters.kafka_reader import Span
from consumers.adapters.kafka_steps import FoundStep
from consumers.adapters.redis_deadlines import RedisDeadlines
from consumers.adapters.redis_guard import RedisGuard
from consumers.adapters.redis_restoring import RedisRestoring
from consumers.adapters.redis_sessions import RedisSessions
from consumers.adapters.redis_trust import Trust, guard_of
from consumers.app.redis_login import redis_client
from consumers.app.redis_settings import Redis
from consumers.errors import UnavailableError
from consumers.ports.clock import SystemClock
from consumers.ports.sessions import Entry, Lease
from consumers.recovery.keeper import Keeper
from consumers.recovery.rebuilding import Rebuilding
from consumers.session.key import SessionKey
from consumers.telemetry.metrics import Metrics
from schemas.step import Step, StepKind

DEADLINES = "pointsman:{store}:deadlines:approvals"
TTL_S = 7 * 86_400.0
KEY = SessionKey("acme", "s-1")
DECISION = Entry("t1/decision", {"calls": ["erp.find_order"]})
INTENT = Entry("t1/c0/intent", {"key": "k1"})


@dataclass
class Topic:
    """The steps topic, in one partition; it can be away, and have lost its beginning."""

    log: list[Step | None] = field(default_factory=list[Step | None])
    first: int = 0
    there: bool = True
    away: int = 0
    """How many calls fail."""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    read_from: list[int] = field(default_factory=list[int])

    async def extents(self) -> Mapping[int, Span] | None:
        self._answer()
        return {0: Span(self.first, len(self.log))} if self.there else None

    async def read(self, parts: Mapping[int, Span]) -> AsyncIterator[FoundStep]:
        self.read_from.append(parts[0].first)
        for offset in range(parts[0].first, parts[0].end):
            self._answer()
            yield FoundStep(0, offset, self.at, self.log[offset])
            await asyncio.sleep(0)

    async def steps(self, steps: Sequence[Step], after: str | None = None) -> str:
        """Publish, as an outbox does; nobody follows the chain here."""
        self.log.extend(steps)
        return after or ""

    def _answer(self) -> None:
        if self.away > 0:
            self.away -= 1
            raise UnavailableError("no Kafka broker answers")

    def publish(self, lease: Lease, *entries: Entry) -> None:
        for entry in entries:
            key = lease.key
            ids = (f"{lease.run_id}/{entry.place}", lease.run_id, key.tenant, key.session_id)
            kind = StepKind(entry.place.rpartition("/")[2])
            body = dict(entry.body)
            self.log.append(Step(*ids, "e-1", "order", entry.place, kind, None, body, self.at, lease.epoch))


@dataclass
class Worker:
    """What one process has of the store."""

    sessions: RedisSessions
    guard: RedisGuard
    keeper: Keeper
    trust: Trust
    metrics: Metrics
    told: list[str | None] = field(default_factory=list[str | None])

    async def settle(self) -> None:
        async with asyncio.timeout(20):
            await self.keeper.settle(self.told.append)

    async def write(self, topic: Topic, *entries: Entry, run_id: str = "run-1") -> Lease:
        """Work a run: each entry is published, then stored."""
        lease = (await self.sessions.open(KEY, run_id)).lease
        for entry in entries:
            topic.publish(lease, entry)
            await self.sessions.append(lease, [entry])
        return lease

    async def found(self, run_id: str = "run-1") -> set[str]:
        return set((await self.sessions.open(KEY, run_id)).entries)


@asynccontextmanager
async def worker(settings: Redis, topic: Topic, *, rebuilds: bool = True) -> AsyncGenerator[Worker]:
    trust, metrics = Trust(guard_of("steps")), Metrics()
    async with redis_client(settings, trust=trust) as client, redis_client(settings) as unchecked:
        sessions = RedisSessions(client, trust=trust)
        rebuilding = Rebuilding(
            topic,
            RedisRestoring(unchecked, TTL_S),
            RedisDeadlines(unchecked, DEADLINES),
            topic,
            SystemClock(),
            TTL_S,
        )
        guard = RedisGuard(unchecked, trust.guard)
        keeper = Keeper(
            guard, trust, rebuilding if rebuilds else None, topic, SystemClock(), metrics, sessions.ping
        )
        yield Worker(sessions, guard, keeper, trust, metrics)
