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
from consumers.replay.plan import Standing
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

End = tuple[Body, str] | str
"""The terminal entry of a record's run, with the topic of its outcome; or why nothing is to be published for it."""


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
        glances = await self._glances.look(runs) if runs else ()
        for number, glance in zip(numbers, glances, strict=True):
            if glance.outcome is not None:
                ends[number] = self._end(records[number].topic, glance, chosen)

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
        glances = await self._glances.look(runs) if runs else ()
        for number, glance in zip(numbers, glances, strict=True):
            if glance.problem is not None:
                _log.warning("a run cannot be read", extra={"error": glance.problem})
            ends[number] = self._end(records[number].topic, glance, chosen)

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

    def _end(self, topic: str, glance: Glance, chosen: Chosen) -> End:
        if glance.problem is not None:
            return Standing.DAMAGED
        if glance.erased:
            return Standing.ERASED
        if glance.outcome is None:
            if glance.waits:
                return Standing.WAITS
            return Standing.BEGUN if glance.begun else Standing.NEW
        if not chosen.takes_status(glance.outcome["status"]):
            return Standing.NOT_CHOSEN
        route = self._routes.find(topic, glance.outcome["event_type"])
        return Standing.UNROUTED if route is None else (glance.outcome, route.output)
