"""Rebuild: finished events give the same outcomes again, byte for byte; no model call, no effect.

An event that is not finished is counted and left alone: working it is the live worker's business. Outcomes, who had
them published, how far the job has come in a partition and what it counted there are one transaction a batch: a job that
is killed goes on as if it had not been. Partitions are gone through one after another, each under a transactional id of
its own, so that processes can share a job: whoever comes to a partition fences whoever had it.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
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

    next_offset: int
    tally: Tally
    outcomes: Sequence[_Again]


@dataclass(frozen=True, slots=True)
class Rebuild:
    """A job in rebuild mode, ready to run.

    Attributes:
        reader: of the job's topic, in the name of the job's group.
        sender_of: makes the sender of a partition, under a transactional id that is the job's and the partition's own.
        pace: asked before records are taken.
        clock: the time of day, for the audit trail.
        batch: records in one transaction at most.
        reached: how far `run` has come in each partition.
    """

    looking: Looking
    routes: RouteTable
    reader: SpanReader
    sender_of: Callable[[int], TransactionalSender]
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
        reached = self.reached
        reached |= await self._committed(job, job.spans)

        def tell() -> None:
            done = sum(at.next_offset - job.spans[number][0] for number, at in reached.items())
            progress(done, job.records)

        tell()
        for number, (_, end) in sorted(job.spans.items()):
            if reached[number].next_offset < end and not stop.is_set():
                async with aclosing(self._partition(job, number, stop)) as steps:
                    async for reached[number] in steps:
                        tell()
        return self.tally

    async def _partition(self, job: Job, number: int, stop: asyncio.Event) -> AsyncGenerator[Reached]:
        """Do what is left of a partition, and yield how far the job has come in it after each transaction."""
        sender = self.sender_of(number)
        try:
            # Whoever had this partition is fenced by it: what they have committed is all they ever will.
            await sender.reopen()
            reached = (await self._committed(job, [number]))[number]
            left = Span(reached.next_offset, job.spans[number][1])
            if left.first >= left.end:
                yield reached
                return
            async with (
                aclosing(self._taken(number, left)) as taken,
                aclosing(ahead(taken, _AHEAD, "replay: read", stop)) as read,
                aclosing(self._looked_up(job, read)) as looked_up,
                aclosing(ahead(looked_up, _AHEAD, "replay: look", stop)) as batches,
            ):
                async for done in batches:
                    reached = reached.further(done.next_offset, done.tally)
                    await self._publish(sender, job, number, done, reached)
                    yield reached
        except ProducerFencedError as error:
            raise HaltError(f"job {job.id} was taken over by another process: {error}") from error
        finally:
            await sender.close()

    async def _committed(self, job: Job, partitions: Collection[int]) -> dict[int, Reached]:
        found = await self.reader.committed(partitions)
        return {
            number: Reached.of(found[number]) if number in found else Reached(job.spans[number][0])
            for number in partitions
        }

    async def _taken(self, number: int, left: Span) -> AsyncGenerator[Part]:
        """Yield what was read, as fast as the pace allows."""
        clock = asyncio.get_running_loop().time
        async with aclosing(self.reader.read({number: left}, self.batch)) as batches:
            async for (whole,) in batches:
                part, at = whole, 0
                began = clock()
                while at < len(part.records):
                    more = min(_TOGETHER, len(part.records) - at)
                    await self.pace.ready(more)
                    at += more
                    if at < len(part.records) and clock() - began > _TAKEN_S:
                        head, part = part.split(at)
                        yield head
                        at, began = 0, clock()
                yield part

    async def _looked_up(self, job: Job, parts: AsyncIterator[Part]) -> AsyncGenerator[_Done]:
        async for part in parts:
            found: list[Sequence[_Again] | str] = []
            for first in range(0, len(part.records), _LOOKED_UP):
                ends = await self.looking.ends(part.records[first : first + _LOOKED_UP], job.chosen)
                found += [end if isinstance(end, str) else self._again(*end, job.output) for end in ends]
            yield _done(part, found)

    def _again(self, outcomes: Sequence[Body], topic: str, output: str | None) -> Sequence[_Again]:
        return [
            _Again(each["id"], each["status"], self.messages.stored_outcome(each, output or topic))
            for each in outcomes
        ]

    async def _publish(
        self, sender: TransactionalSender, job: Job, number: int, done: _Done, reached: Reached
    ) -> None:
        messages = [each.message for each in done.outcomes]
        if messages:
            ids = [(each.id, each.message.topic) for each in done.outcomes]
            step = told(job, ids, (number, reached.next_offset), self.clock.now())
            messages = [*self.messages.steps([step]), *messages]
        await sender.commit(messages, {PartitionId(job.topic, number): reached.committed()})


def _done(part: Part, found: Sequence[Sequence[_Again] | str]) -> _Done:
    outcomes = [each for rounds in found if not isinstance(rounds, str) for each in rounds]
    tally = Tally(skipped(each) for each in found if isinstance(each, str))
    tally.update(each.status for each in outcomes)
    tally.update(read=len(found), republished=len(outcomes))
    return _Done(part.next_offset, tally, outcomes)
