"""Runs as they were recorded: the events of a part of a topic, each with its journal. Nothing is written anywhere."""

from collections import Counter
from collections.abc import AsyncGenerator, Callable

from consumers.adapters.kafka_reader import TopicReader
from consumers.ports.sessions import Sessions
from consumers.replay.finding import Found, Missing, finished_run
from consumers.replay.selection import Selection
from consumers.replay.spans import refuse_unrouted, spans_of
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
        refuse_unrouted(selection.topic, self._routes)
        spans = await spans_of(self._reader, selection)
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
