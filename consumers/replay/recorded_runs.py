"""Runs as they were recorded: the events of a part of a topic, each with its journal. Nothing is written anywhere."""

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import datetime

from aiokafka import TopicPartition

from consumers.adapters.kafka_reader import Span, TopicReader
from consumers.errors import HaltError
from consumers.ports.sessions import Sessions
from consumers.replay.finding import Found, Missing, finished_run
from consumers.replay.selection import Selection
from consumers.router.route import RouteTable
from consumers.session import place
from schemas.codec.records import RecordCodec
from schemas.record import Record


class RecordedRuns:
    """Finds the finished runs of a selection.

    Attributes:
        skipped: records that have none, by why.
    """

    def __init__(
        self, reader: TopicReader, codec: RecordCodec, routes: RouteTable, sessions: Sessions
    ) -> None:
        self._reader = reader
        self._codec = codec
        self._routes = routes
        self._sessions = sessions
        self.skipped: Counter[str] = Counter()

    async def read(
        self, selection: Selection, most: int, progress: Callable[[int, int], None]
    ) -> AsyncGenerator[Found]:
        """Yield each finished run once, in the order of the topic, so many at most.

        Raises:
            HaltError: the topic is no input of any route, or does not exist.
            UnavailableError: the broker stopped answering.
        """
        if self._routes.of_topic(selection.topic) is None:
            raise HaltError(f"{selection.topic} is the input of no route: nothing was ever worked from it")
        spans = await self._spans(selection)
        total, done = sum(span.end - span.first for span in spans.values()), 0
        seen: set[str] = set()
        async for record in self._reader.between(spans):
            found = await self._find(record)
            if len(seen) == most:
                self.skipped["not read: there are as many cases as --max allows"] = total - done
                return
            if found and found[0].run_id not in seen:
                seen.add(found[0].run_id)
                yield found
            elif found:
                self.skipped["delivered more than once"] += 1
            done += 1
            progress(done, total)

    async def _find(self, record: Record) -> Found | None:
        found = await finished_run(record, self._codec, self._routes, self._sessions)
        if isinstance(found, Missing):
            return self._skip(found.value)
        return self._skip("cancelled by an operator") if place.CANCEL in found[2] else found

    def _skip(self, why: str) -> None:
        self.skipped[why] += 1

    async def _spans(self, selection: Selection) -> dict[TopicPartition, Span]:
        whole = dict(await self._reader.spans([selection.topic]))
        if selection.offsets:
            parts = {
                tp: Span(*selection.offsets[tp.partition])
                for tp in whole
                if tp.partition in selection.offsets
            }
        else:
            since = await self._at(whole, selection.since, {tp: span.first for tp, span in whole.items()})
            until = await self._at(whole, selection.until, {tp: span.end for tp, span in whole.items()})
            parts = {tp: Span(since[tp], until[tp]) for tp in whole}
        within = {
            tp: Span(max(part.first, whole[tp].first), min(part.end, whole[tp].end))
            for tp, part in parts.items()
        }
        return {tp: span for tp, span in within.items() if span.first < span.end}

    async def _at(
        self,
        whole: Mapping[TopicPartition, Span],
        at: datetime | None,
        otherwise: Mapping[TopicPartition, int],
    ) -> Mapping[TopicPartition, int]:
        if at is None:
            return otherwise
        found = await self._reader.offsets_at(whole, at)
        return {tp: found.get(tp, span.end) for tp, span in whole.items()}
