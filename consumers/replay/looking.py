"""From records to what their runs ended with, many at a time, as it is stored. Nothing is written."""

import logging
from collections.abc import Sequence
from typing import Final

from consumers.errors import UnavailableError
from consumers.policy.expressions import ExpressionError
from consumers.ports.glances import Glance, Glances
from consumers.ports.sessions import Body
from consumers.replay.chosen import Chosen
from consumers.replay.finding import Missing, event_of
from consumers.replay.plan import Standing, standing_of
from consumers.replay.rounds import looked_at
from consumers.router.route import RouteTable
from consumers.session.key import SessionKey
from schemas.codec.identity import identity_in_headers
from schemas.codec.records import RecordCodec
from schemas.envelope import Envelope
from schemas.errors import RegistryError
from schemas.record import Record

_log = logging.getLogger(__name__)

_MISSING: Final = {Missing.UNREADABLE: Standing.UNREADABLE, Missing.UNROUTED: Standing.UNROUTED}
_NO_VALUE: Final = "`where` has no value"

End = tuple[Sequence[Body], str] | str
"""The terminal entries of a record's runs, round by round, with the topic of their outcomes; or why nothing is to be published."""


class Looking:
    """Looks up the runs of records of a route's topic.

    Args:
        codec: decodes.
        routes: of the configuration.
        glances: says how runs stand.
    """

    def __init__(self, codec: RecordCodec, routes: RouteTable, glances: Glances) -> None:
        self._codec = codec
        self._routes = routes
        self._glances = glances

    async def ends(self, records: Sequence[Record], chosen: Chosen) -> Sequence[End]:
        """Return how the run of each record ended, in order, of those that are chosen.

        Raises:
            UnavailableError: the store is away or yet to be checked, or the registry of schemas is away.
        """
        ends: dict[int, End] = {}
        if not chosen.by_event:
            await self._look_by_headers(records, chosen, ends)
        await self._look_decoded(records, chosen, ends)
        return [ends[number] for number in range(len(records))]

    async def _look_by_headers(self, records: Sequence[Record], chosen: Chosen, ends: dict[int, End]) -> None:
        """Find the finished runs of events that say who they are; all others are looked at again, decoded."""
        runs: list[tuple[SessionKey, str]] = []
        numbers: list[int] = []
        for number, record in enumerate(records):
            of_topic = self._routes.of_topic(record.topic)
            if of_topic is None or not chosen.takes_record(record):
                continue
            if who := identity_in_headers(record, of_topic.tenant):
                runs.append((SessionKey(who.tenant, who.session_id), who.run_id))
                numbers.append(number)
        for number, rounds in zip(numbers, await looked_at(self._glances, runs), strict=True):
            if rounds[0].outcome is not None:
                ends[number] = self._end(records[number].topic, rounds, chosen)

    async def _look_decoded(self, records: Sequence[Record], chosen: Chosen, ends: dict[int, End]) -> None:
        runs: list[tuple[SessionKey, str]] = []
        numbers: list[int] = []
        for number, record in enumerate(records):
            if number in ends:
                continue
            event = await self._event(record, chosen)
            if isinstance(event, str):
                ends[number] = event
            else:
                runs.append((SessionKey(event.tenant, event.session_id), event.run_id))
                numbers.append(number)
        for number, rounds in zip(numbers, await looked_at(self._glances, runs), strict=True):
            for glance in rounds:
                if glance.problem is not None:
                    _log.warning("a run cannot be read", extra={"error": glance.problem})
            ends[number] = self._end(records[number].topic, rounds, chosen)

    async def _event(self, record: Record, chosen: Chosen) -> Envelope | str:
        if not chosen.takes_record(record):
            return Standing.NOT_CHOSEN
        try:
            found = await event_of(record, self._codec, self._routes)
        except RegistryError as error:
            raise UnavailableError(str(error)) from error
        if isinstance(found, Missing):
            return _MISSING[found]
        event, _ = found
        try:
            return event if chosen.takes_event(event) else Standing.NOT_CHOSEN
        except ExpressionError:
            return _NO_VALUE

    def _end(self, topic: str, rounds: Sequence[Glance], chosen: Chosen) -> End:
        standing = standing_of(rounds[0])
        if standing is not Standing.ENDED:
            return standing
        outcomes = [glance.outcome for glance in rounds if glance.outcome is not None]
        wanted = [outcome for outcome in outcomes if chosen.takes_status(outcome["status"])]
        if not wanted:
            return Standing.NOT_CHOSEN
        route = self._routes.find(topic, wanted[0]["event_type"])
        return Standing.UNROUTED if route is None else (wanted, route.output)
