"""Rebuild: finished events give the same outcomes again, byte for byte; no model call, no effect.

An event that is not finished is counted and left alone: working it is the live worker's business.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from consumers.adapters.kafka_clients import partitions_of, record_of
from consumers.adapters.kafka_outbox import KafkaOutbox
from consumers.errors import HaltError
from consumers.ports.clock import Clock
from consumers.ports.sessions import Sessions
from consumers.replay.finding import Missing, finished_run
from consumers.replay.selection import Selection
from consumers.router.route import RouteTable
from consumers.run import ending
from consumers.session import place
from schemas.codec.records import RecordCodec
from schemas.outcome import Outcome
from schemas.record import Record
from schemas.step import Step, StepKind

_log = logging.getLogger(__name__)

_BATCH = 500
_QUIET_S = 30.0
"""A broker that gives nothing for so long although there is more: the replay ends with an error."""

Range = tuple[int, int]


@dataclass(slots=True)
class ReplayReport:
    """What a replay did."""

    read: int = 0
    republished: int = 0
    unfinished: int = 0
    erased: int = 0
    damaged: int = 0
    unreadable: int = 0
    unrouted: int = 0
    by_status: Counter[str] = field(default_factory=Counter[str])


@dataclass(frozen=True, slots=True)
class Rebuild:
    """A replay in rebuild mode, ready to run.

    Attributes:
        consumer: started, in a group of its own, subscribed to nothing.
        clock: the time of day.
        output: topic for the outcomes instead of the routes' own, or None.
        operator: who replays; the audit trail says so of each outcome, before it is published again.
    """

    consumer: AIOKafkaConsumer
    codec: RecordCodec
    routes: RouteTable
    sessions: Sessions
    outbox: KafkaOutbox
    clock: Clock
    output: str | None = None
    operator: str = ""

    async def run(self, selection: Selection, progress: Callable[[int, int], None]) -> ReplayReport:
        """Replay a selection; `progress` is told records done and records in all.

        Raises:
            HaltError: the topic is no input of any route, or the broker stopped answering.
        """
        if self.routes.of_topic(selection.topic) is None:
            raise HaltError(f"{selection.topic} is the input of no route: nothing was ever worked from it")
        ranges = {tp: span for tp, span in (await self._ranges(selection)).items() if span[0] < span[1]}
        total = sum(end - first for first, end in ranges.values())
        report = ReplayReport()
        self.consumer.assign(list(ranges))
        for tp, (first, _) in ranges.items():
            self.consumer.seek(tp, first)
        done = 0
        while ranges:
            batch = await self._poll()
            for tp, fetched in batch.items():
                _, end = ranges[tp]
                await self._replay([record_of(one) for one in fetched if one.offset < end], report)
            for tp in list(ranges):
                position = await self.consumer.position(tp)
                if position >= ranges[tp][1]:
                    await self.consumer.commit({tp: OffsetAndMetadata(ranges[tp][1], "")})
                    done += ranges[tp][1] - ranges[tp][0]
                    del ranges[tp]
                    self.consumer.pause(tp)
            progress(min(done + report.read, total) if ranges else total, total)
        return report

    async def _poll(self) -> dict[TopicPartition, list[Any]]:
        async with asyncio.timeout(_QUIET_S):
            while True:
                batch = await self.consumer.getmany(timeout_ms=500, max_records=_BATCH)
                if batch:
                    return batch
                await asyncio.sleep(0.02)

    async def _ranges(self, selection: Selection) -> dict[TopicPartition, Range]:
        topic = selection.topic
        numbers = (await partitions_of(self.consumer, [topic])).get(topic)
        if numbers is None:
            raise HaltError(f"the topic {topic} does not exist; `pointsman topics create` makes it")
        tps = [TopicPartition(topic, number) for number in sorted(numbers)]
        firsts = await self.consumer.beginning_offsets(tps)
        ends = await self.consumer.end_offsets(tps)
        if selection.offsets:
            tps = [tp for tp in tps if tp.partition in selection.offsets]
            wanted = {tp: selection.offsets[tp.partition] for tp in tps}
            return {tp: (max(w[0], firsts[tp]), min(w[1], ends[tp])) for tp, w in wanted.items()}
        since = await self._at(tps, selection.since, firsts, ends)
        until = await self._at(tps, selection.until, ends, ends)
        return {tp: (since[tp], until[tp]) for tp in tps}

    async def _at(self, tps: Sequence[TopicPartition], at: Any, default: Any, ends: Any) -> dict[Any, int]:
        if at is None:
            return dict(default)
        found = await self.consumer.offsets_for_times(dict.fromkeys(tps, int(at.timestamp() * 1000)))
        return {tp: ends[tp] if (f := found.get(tp)) is None else f.offset for tp in tps}

    async def _replay(self, records: Sequence[Record], report: ReplayReport) -> None:
        """Look the records up beside each other, publish in their order."""
        found = await asyncio.gather(*(self._find(record, report) for record in records))
        outcomes = [(outcome, self.output or topic) for outcome, topic in filter(None, found)]
        await self.outbox.steps([self._step(outcome, topic) for outcome, topic in outcomes])
        for outcome, topic in outcomes:
            await self.outbox.outcome(outcome, topic)
            report.republished += 1
            report.by_status[outcome.status] += 1

    def _step(self, outcome: Outcome, topic: str) -> Step:
        at = self.clock.now()
        told = f"replay/{at.timestamp():.3f}"
        return Step(
            id=f"{outcome.run_id}/{told}",
            run_id=outcome.run_id,
            tenant=outcome.tenant,
            session_id=outcome.session_id,
            event_id=outcome.event_id,
            event_type=outcome.event_type,
            place=told,
            kind=StepKind.REPLAY,
            action=None,
            body={"operator": self.operator, "outcome": outcome.id, "topic": topic, "at": at.isoformat()},
            at=at,
        )

    async def _find(self, record: Record, report: ReplayReport) -> tuple[Outcome, str] | None:
        report.read += 1
        found = await finished_run(record, self.codec, self.routes, self.sessions)
        match found:
            case Missing.UNREADABLE:
                report.unreadable += 1
            case Missing.UNROUTED:
                report.unrouted += 1
            case Missing.DAMAGED:
                report.damaged += 1
            case Missing.ERASED:
                report.erased += 1
            case Missing.UNFINISHED:
                report.unfinished += 1
            case (_, route, entries):
                return ending.of_body(entries[place.OUTCOME]), route.output
        return None
