"""Deciding one recorded run afresh, with its personal data as a worker has them: in the clear inside, as tokens outside."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from consumers.adapters.private_sessions import LockedError
from consumers.adapters.remembered_spool import RememberedSpool
from consumers.app.personal_data import PersonalData
from consumers.errors import DeadLetterError, HaltError, RetryError
from consumers.evaluation.difference import ReadsFrom, difference_of, sealed
from consumers.evaluation.evaluate import TRIAL_S, tried
from consumers.evaluation.recording import case_of
from consumers.evaluation.trial import Candidate
from consumers.ports.clock import Clock
from consumers.privacy.bodies import mapped
from consumers.privacy.register import Register
from consumers.privacy.token import TokenError
from consumers.replay.finding import Journals, Missing, run_of
from consumers.replay.job import Job
from consumers.router.route import Route
from consumers.run.record import envelope_body
from consumers.session import place
from schemas.difference import Difference
from schemas.envelope import Envelope
from schemas.record import Record

_PASSING: Final = (RetryError, HaltError)
"""Errors that are no fault of an event: somebody is away, refuses us, or the job is at its bound."""


@dataclass(frozen=True, slots=True)
class DecidesAfresh:
    """The `Decides` of a shadow replay, with the engine of the worker and nothing that it could touch.

    Attributes:
        job: what was ordered.
        candidate: who decides now.
        journals: where recorded runs are looked up, in the clear; runs must be in hand.
        remembered: what sessions knew when their runs began, with tokens where there is a key.
        known: seals and opens personal data; None where there is no key.
        reads: where reads are answered from.
        clock: says when it was decided.
        trial_s: how long deciding one event may take.
    """

    job: Job
    candidate: Candidate
    journals: Journals
    remembered: RememberedSpool
    known: Register | None
    reads: ReadsFrom
    clock: Clock
    trial_s: float = TRIAL_S

    async def decide(
        self, record: Record, event: Envelope, route: Route, begin: Callable[[], Awaitable[None]]
    ) -> Difference | str:
        """As `consumers.replay.decides.Decides` says."""
        try:
            with PersonalData(self.known).of_event(event, route):
                return await self._decide(record, event, route, begin)
        except DeadLetterError:
            return "with personal data that no token can stand for"

    async def _decide(
        self, record: Record, event: Envelope, route: Route, begin: Callable[[], Awaitable[None]]
    ) -> Difference | str:
        found = await run_of(event, route, self.journals)
        if isinstance(found, Missing):
            return found.value
        _, _, entries = found
        outcome = entries[place.OUTCOME]
        if not self.job.chosen.takes_status(outcome["status"]):
            return "not chosen"
        if place.CANCEL in entries:
            return "cancelled by an operator"
        context = self._context(event.run_id)
        await begin()
        case = case_of(route.topic, envelope_body(event), entries, context)
        trial = await tried(case, self.candidate, self.trial_s, passing=_PASSING)
        difference = difference_of(
            case,
            trial,
            job_id=self.job.id,
            event=event,
            route=route,
            record=record,
            summary=outcome["summary"],
            reads=self.reads,
            at=self.clock.now(),
        )
        return difference if self.known is None else sealed(difference, self.known.of(event.run_id))

    def _context(self, run_id: str) -> dict[str, Any] | None:
        context = self.remembered.before(run_id)
        if context.is_empty:
            return None
        body = orjson.loads(context.dump())
        if self.known is None:
            return body
        try:
            return mapped(body, self.known.of(run_id).open)
        except TokenError:
            raise LockedError(run_id, "what its session remembers") from None
