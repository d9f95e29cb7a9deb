"""Rebuild: finished events give the same outcomes again, byte for byte; no model call, no effect.

An event that is not finished is counted and left alone: working it is the live worker's business. Outcomes, who had
them published, how far the job has come and what it counted are one transaction a batch: a job that is killed goes on
as if it had not been.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from consumers.adapters.kafka_reader import Span
from consumers.adapters.kafka_span_reader import Part, SpanReader
from consumers.adapters.kafka_transactions import TransactionalSender
from consumers.adapters.own_messages import OwnMessages
from consumers.errors import HaltError
from consumers.ports.clock import Clock
from consumers.ports.consumer_group import PartitionId
from consumers.ports.producing import ProducerFencedError
from consumers.ports.sessions import Body
from consumers.replay.ahead import ahead
from consumers.replay.audit import told
from consumers.replay.job import Job
from consumers.replay.looking import Looking
from consumers.replay.pace import Pace
from consumers.replay.reached import Reached, Tally, skipped, total
from consumers.replay.spans import refuse_unrouted
from consumers.router.route import RouteTable
from schemas.record import Outgoing

BATCH: Final = 2_000
"""Records in one transaction at most."""
_AHEAD: Final = 2
"""Batches that are read, and as many that are looked up, while one is published."""
_LOOKED_UP: Final = 200
"""Records that are looked up and encoded at a time: what the store has of so many stays close to the processor."""
_TAKEN_S: Final = 0.25
"""A batch is published after so long at the latest, however few records the pace has let into it."""
_TOGETHER: Final = 20
"""Records that the pace is asked for at a time."""


@dataclass(frozen=True, slots=True)
class _Again:
    """An outcome that is to be published once more."""

    id: str
    status: str
    message: Outgoing


@dataclass(frozen=True, slots=True)
class _Done:
    """What a part comes to."""

    partition: int
    next_offset: int
    tally: Tally
    outcomes: Sequence[_Again]


@dataclass(frozen=True, slots=True)
class Rebuild:
    """A job in rebuild mode, ready to run.

    Attributes:
        reader: of the job's topic, in the name of the job's group.
        sender: opened here, under a transactional id of the job's own.
        pace: asked before records are taken.
        clock: the time of day, for the audit trail.
        batch: records in one transaction at most.
        reached: how far `run` has come in each partition.
    """

    looking: Looking
    routes: RouteTable
    reader: SpanReader
    sender: TransactionalSender
    messages: OwnMessages
    pace: Pace
    clock: Clock
    batch: int = BATCH
    reached: dict[int, Reached] = field(default_factory=dict[int, Reached], init=False)

    @property
    def tally(self) -> Tally:
        """What became of the records so far, those of earlier runs included, as it is committed whenever progress is told."""
        return total(self.reached.values())

    async def run(self, job: Job, *, progress: Callable[[int, int], None], stop: asyncio.Event) -> Tally:
        """Do what is left of a job, and return what became of all its records, those of earlier runs included.

        Args:
            job: what to do.
            progress: told records done, by all runs of the job, and records in all.
            stop: set it to end early, between two transactions.

        Raises:
            HaltError: the topic is no input of any route, or not there any more; another process runs this job.
            UnavailableError: the broker, the store or the registry is away; what was done stays done.
        """
        refuse_unrouted(job.topic, self.routes)
        # Whoever had this job is fenced by it: what they have committed is all they ever will.
        await self.sender.reopen()
        found = await self.reader.committed(job.spans)
        reached = self.reached
        reached |= {
            number: Reached.of(found[number]) if number in found else Reached(first)
            for number, (first, _) in job.spans.items()
        }
        progress(_records_done(job, reached), job.records)
        left = {
            number: Span(reached[number].next_offset, end)
            for number, (_, end) in job.spans.items()
            if reached[number].next_offset < end
        }
        async with (
            aclosing(self._taken(left)) as taken,
            aclosing(ahead(taken, _AHEAD, "replay: read", stop)) as read,
            aclosing(self._looked_up(job, read)) as looked_up,
            aclosing(ahead(looked_up, _AHEAD, "replay: look", stop)) as batches,
        ):
            async for batch in batches:
                for done in batch:
                    reached[done.partition] = reached[done.partition].further(done.next_offset, done.tally)
                await self._publish(job, batch, reached)
                progress(_records_done(job, reached), job.records)
        return self.tally

    async def _taken(self, spans: Mapping[int, Span]) -> AsyncGenerator[Sequence[Part]]:
        """Yield what was read, as fast as the pace allows."""
        clock = asyncio.get_running_loop().time
        async with aclosing(self.reader.read(spans, self.batch)) as batches:
            async for batch in batches:
                taken: list[Part] = []
                began = clock()
                for whole in batch:
                    part, at = whole, 0
                    while at < len(part.records):
                        more = min(_TOGETHER, len(part.records) - at)
                        await self.pace.ready(more)
                        at += more
                        if at < len(part.records) and clock() - began > _TAKEN_S:
                            head, part = part.split(at)
                            yield [*taken, head]
                            taken, at, began = [], 0, clock()
                    taken.append(part)
                yield taken

    async def _looked_up(
        self, job: Job, batches: AsyncIterator[Sequence[Part]]
    ) -> AsyncGenerator[Sequence[_Done]]:
        async for batch in batches:
            records = [record for part in batch for record in part.records]
            found: list[_Again | str] = []
            for first in range(0, len(records), _LOOKED_UP):
                ends = await self.looking.ends(records[first : first + _LOOKED_UP], job.chosen)
                found += [end if isinstance(end, str) else self._again(*end, job.output) for end in ends]
            rest = iter(found)
            yield [_done(part, list(islice(rest, len(part.records)))) for part in batch]

    def _again(self, outcome: Body, topic: str, output: str | None) -> _Again:
        return _Again(
            outcome["id"], outcome["status"], self.messages.stored_outcome(outcome, output or topic)
        )

    async def _publish(self, job: Job, batch: Sequence[_Done], reached: Mapping[int, Reached]) -> None:
        outcomes = [each for done in batch for each in done.outcomes]
        messages = [each.message for each in outcomes]
        if outcomes:
            step = told(
                job,
                [(each.id, each.message.topic) for each in outcomes],
                _records_done(job, reached),
                self.clock.now(),
            )
            messages = [*self.messages.steps([step]), *messages]
        offsets = {
            PartitionId(job.topic, done.partition): reached[done.partition].committed() for done in batch
        }
        try:
            await self.sender.commit(messages, offsets)
        except ProducerFencedError as error:
            raise HaltError(f"job {job.id} was taken over by another process: {error}") from error


def _done(part: Part, found: Sequence[_Again | str]) -> _Done:
    outcomes = [each for each in found if not isinstance(each, str)]
    tally = Tally(skipped(each) for each in found if isinstance(each, str))
    tally.update(each.status for each in outcomes)
    tally.update(read=len(found), republished=len(outcomes))
    return _Done(part.partition, part.next_offset, tally, outcomes)


def _records_done(job: Job, reached: Mapping[int, Reached]) -> int:
    return sum(at.next_offset - job.spans[number][0] for number, at in reached.items())
