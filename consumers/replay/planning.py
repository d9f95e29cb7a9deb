"""Planning: a selection is read and looked up, and nothing is written anywhere."""

from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from aiokafka import TopicPartition

from consumers.adapters.kafka_reader import Span, TopicReader
from consumers.ports.glances import Glance, Glances
from consumers.replay.finding import Missing, event_of
from consumers.replay.history import Expected, History
from consumers.replay.job import Job
from consumers.replay.mode import Mode
from consumers.replay.plan import Plan, RoutePlan, Spans, Standing, is_meant, standing_of, windows
from consumers.replay.rounds import MOST_ROUNDS, looked_at, may_follow
from consumers.router.route import Route, RouteTable
from consumers.run import ending
from consumers.session.key import SessionKey
from schemas.codec.outgoing import own_message_of
from schemas.codec.records import RecordCodec
from schemas.envelope import Envelope
from schemas.errors import SchemaError
from schemas.outcome import Outcome
from schemas.record import Record

MOST_LOOKED_AT: Final = 10_000
"""Records of a selection that a plan looks at, unless more are asked for."""
_BATCH: Final = 500
_OUTCOMES: Final = 1_000
"""Latest outcomes that are read for a route of which the selection has no finished run."""

_MISSING: Final = {Missing.UNREADABLE: Standing.UNREADABLE, Missing.UNROUTED: Standing.UNROUTED}


@dataclass(slots=True)
class _Counts:
    """What was found so far.

    Attributes:
        offsets: that were looked at; some may hold no record, such as markers of transactions.
        looked_at: records.
        standings: how many stand how.
        meant: for each route the events that something would be done with.
        histories: of each route's finished runs.
        seen: runs.
    """

    offsets: int = 0
    looked_at: int = 0
    standings: Counter[str] = field(default_factory=Counter[str])
    meant: Counter[str] = field(default_factory=Counter[str])
    histories: defaultdict[str, History] = field(default_factory=lambda: defaultdict(History))
    seen: set[str] = field(default_factory=set[str])


class Planner:
    """Finds out what a job would do.

    Args:
        reader: reads the topic, and outcomes.
        codec: decodes.
        routes: of the configuration.
        glances: says how runs stand.
        live: of each partition, where the live group's own work begins; without one, it has none there.
    """

    def __init__(
        self,
        reader: TopicReader,
        codec: RecordCodec,
        routes: RouteTable,
        glances: Glances,
        live: Mapping[int, int],
    ) -> None:
        self._reader = reader
        self._codec = codec
        self._routes = routes
        self._glances = glances
        self._live = live

    async def plan(self, job: Job, most: int, progress: Callable[[int, int], None]) -> Plan:
        """Look at a selection.

        Args:
            job: what would be done.
            most: records that are looked at; 0 is all of them.
            progress: told records done and records in all.

        Raises:
            ExpressionError: the job's expression has no value on an event.
            UnavailableError: Kafka or the store is away.
        """
        counts = _Counts()
        total = job.records if most <= 0 else min(job.records, most)
        for part in windows(job.spans, most):
            counts.offsets += sum(end - first for first, end in part.values())
            async for batch in _batches(self._records(job.topic, part)):
                await self._count(job, batch, counts)
                progress(min(counts.looked_at, total), total)
        for name in counts.meant:
            if not counts.histories[name].runs and job.mode.works:
                await self._remember(self._routes.named(name), counts.histories[name])
        return _plan(job, counts)

    async def _records(self, topic: str, part: Spans) -> AsyncGenerator[Record]:
        spans = {TopicPartition(topic, number): Span(*span) for number, span in part.items()}
        held = await self._reader.spans([topic])
        within = {
            tp: Span(max(span.first, held[tp].first), min(span.end, held[tp].end))
            for tp, span in spans.items()
            if tp in held
        }
        async for record in self._reader.between(
            {tp: span for tp, span in within.items() if span.first < span.end}
        ):
            yield record

    async def _count(self, job: Job, batch: Sequence[Record], counts: _Counts) -> None:
        found: list[tuple[Envelope, Route]] = []
        for record in batch:
            counts.looked_at += 1
            if not job.chosen.takes_record(record):
                counts.standings[Standing.NOT_CHOSEN] += 1
                continue
            if job.mode.works and record.offset >= self._live.get(record.partition, record.offset + 1):
                counts.standings[Standing.LIVE] += 1
                continue
            event = await event_of(record, self._codec, self._routes)
            if isinstance(event, Missing):
                counts.standings[_MISSING[event]] += 1
            elif not job.chosen.takes_event(event[0]):
                counts.standings[Standing.NOT_CHOSEN] += 1
            elif event[0].run_id in counts.seen:
                counts.standings[Standing.AGAIN] += 1
            else:
                counts.seen.add(event[0].run_id)
                found.append(event)
        runs = [(SessionKey(event.tenant, event.session_id), event.run_id) for event, _ in found]
        for (_, route), rounds in zip(found, await looked_at(self._glances, runs), strict=True):
            self._judge(job, route, rounds, counts)

    def _judge(self, job: Job, route: Route, rounds: Sequence[Glance], counts: _Counts) -> None:
        ended = [ending.of_body(glance.outcome) for glance in rounds if glance.outcome is not None]
        for outcome in ended:
            counts.histories[route.name].take(outcome)
        statuses = [str(outcome.status) for outcome in ended]
        match job.mode:
            case Mode.REBUILD:
                asked, last = statuses, rounds[max(0, len(ended) - 1)]
            case Mode.SHADOW:
                asked, last = statuses[:1], rounds[0]
            case (
                Mode.RESUME | Mode.BACKFILL
            ):  # a round that has not ended is chosen by how the one before it did
                asked, last = statuses[-1:], rounds[-1]
        standing = standing_of(last)
        if job.mode is Mode.RESUME and last.outcome is not None and may_follow(last.outcome):
            standing = Standing.FAILED if len(rounds) < MOST_ROUNDS else Standing.SPENT
        named = str(standing) if last.outcome is None else f"{standing}: {last.outcome['status']}"
        if not any(job.chosen.takes_status(status) for status in asked or [None]):
            named = Standing.NOT_CHOSEN
        elif is_meant(job.mode, standing):
            counts.meant[route.name] += 1
        counts.standings[named] += 1

    async def _remember(self, route: Route, history: History) -> None:
        """Read the latest outcomes of a route."""
        held = await self._reader.spans([route.output])
        each = -(-_OUTCOMES // max(1, len(held)))
        tails = {tp: Span(max(span.first, span.end - each), span.end) for tp, span in held.items()}
        async for record in self._reader.between(
            {tp: span for tp, span in tails.items() if span.first < span.end}
        ):
            try:
                said = own_message_of(await self._codec.decode(record, tenant=route.tenant))
            except SchemaError:
                continue  # the topic may carry what others publish
            if isinstance(said, Outcome) and said.route == route.name:
                history.take(said)


def _plan(job: Job, counts: _Counts) -> Plan:
    times = job.records / counts.offsets if counts.offsets else 0.0
    routes = {
        name: RoutePlan(events * times, _expected(job.mode, counts.histories[name], events * times))
        for name, events in sorted(counts.meant.items())
    }
    standings = {str(name): count * times for name, count in counts.standings.most_common()}
    estimated = counts.offsets < job.records
    return Plan(job.records, counts.looked_at, standings, routes, estimated=estimated)


def _expected(mode: Mode, history: History, events: float) -> Expected:
    if mode is Mode.REBUILD:
        return Expected()
    expected = history.expected(events)
    return expected if mode.works else replace(expected, effects={})


async def _batches(records: AsyncIterator[Record]) -> AsyncGenerator[list[Record]]:
    batch: list[Record] = []
    async for record in records:
        batch.append(record)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
