"""The engine: works an event to its outcome, one journaled step after the other."""

import contextlib
from collections.abc import Mapping

from connectors.catalog import Catalog
from consumers.errors import DeadLetterError, RetryError
from consumers.policy.approvers import Approver
from consumers.ports.actions import Actions
from consumers.ports.allowance import Allowance
from consumers.ports.claim import Claim, ClaimLostError, HandedOverError
from consumers.ports.clock import Clock
from consumers.ports.deadlines import Deadlines
from consumers.ports.model import Model
from consumers.ports.outbox import Outbox
from consumers.ports.sessions import Body, Entry, JournalFullError, SessionDamagedError, Sessions
from consumers.router.fitting import PromptBudgetError
from consumers.router.route import Route
from consumers.run import answers, doubts, ending, holding, record
from consumers.run.attempt import Performer
from consumers.run.calls import Calls
from consumers.run.deciding import Deciding
from consumers.run.journal import CallState, CallStatus
from consumers.run.next_step import Decide, End, Perform, Skip, Undo, Wait, ended_early, ended_full, next_step
from consumers.run.remembering import memory_of
from consumers.run.unwinding import UNDO_S, Unwinding
from consumers.run.work import Work
from consumers.session import place
from consumers.session.key import SessionKey
from consumers.session.shapes import checked
from consumers.session.stored import DamagedError
from consumers.telemetry.metrics import Metrics
from schemas.approval import ApprovalDecision, ApprovalRequest
from schemas.cancellation import Cancellation
from schemas.envelope import Envelope
from schemas.expiry import Expiry
from schemas.outcome import Outcome, Status

Said = Outcome | ApprovalRequest
"""What a run has to say when it stops: how it ended, or what it asks a person."""


class Engine:
    """Works runs. Stateless between events: whatever it must remember is in the journal."""

    def __init__(
        self,
        *,
        routes: Mapping[str, Route],
        catalog: Catalog,
        sessions: Sessions,
        model: Model,
        actions: Actions,
        outbox: Outbox,
        deadlines: Deadlines,
        clock: Clock,
        metrics: Metrics,
        settle_s: float = 60.0,
        undo_s: float = UNDO_S,
        allowance: Allowance | None = None,
    ) -> None:
        self._routes = routes
        self._sessions = sessions
        self._deciding = Deciding(model, clock, metrics)
        self._outbox = outbox
        self._deadlines = deadlines
        self._clock = clock
        performer = Performer(actions, catalog, clock, settle_s)
        self._calls = Calls(performer, clock, metrics, allowance)
        self._unwinding = Unwinding(catalog, performer, clock, undo_s)

    async def work(self, event: Envelope, route: Route, claim: Claim) -> Said | None:
        """Work an event to its outcome, or until a person must answer, and return what is to be published.

        Returns None for the event of a session that was erased since: nothing is left to be said of it.

        A run that is finished returns the same outcome again and does nothing else. So whoever publishes what is
        returned, and calls again if that failed, publishes at least once.

        Raises:
            RetryError: something outside is busy, or another worker has taken the run over; calling again
                goes on where it stopped.
            HaltError: going on would do damage.
        """
        claim.enter("opening the session")
        work = await self._open(event, route, claim)
        return await self._carry_on(work)

    async def answer(self, decision: ApprovalDecision, by: Approver, claim: Claim) -> Said | None:
        """Wake the run that waits for this answer and carry on; where more people must agree, it waits again.

        Args:
            decision: the answer.
            by: who gave it. Whoever calls has verified that; here it is believed.
            claim: the right to go on.

        Raises:
            DeadLetterError: the answer fits no open question, its digest differs, who gave it may not, or it was
                answered before.
            RetryError, HaltError: as `work`.
        """
        claim.enter("opening the session")
        key = SessionKey(decision.tenant, decision.session_id)
        waiting = await self._waiting(key, decision.run_id)
        if waiting is None:
            raise DeadLetterError(
                f"no run waits for the answer to {decision.request_id}", reason="approval_unknown"
            )
        work = await self._open(*waiting, claim)
        try:
            entries = answers.entries_of(work.journal.entries, decision, by, self._clock.now(), work.route)
        except DeadLetterError:
            await work.release()
            raise
        said = await self._carry_on(work.noting(entries))
        if expiry := answers.deadline_met(work.journal.entries, decision):
            await self._deadlines.drop(expiry)
        return said

    async def expire(self, expiry: Expiry, claim: Claim) -> Said | None:
        """Wake the run that nobody answered in time: what it waits for is refused, or others are asked.

        Whether the time is over is read from the run's journal. Returns None where nothing waits any more, or not yet.

        Raises:
            RetryError, HaltError: as `work`.
        """
        claim.enter("opening the session")
        waiting = await self._waiting(SessionKey(expiry.tenant, expiry.session_id), expiry.run_id)
        if waiting is None:
            await self._deadlines.drop(expiry)
            return None
        work = await self._open(*waiting, claim)
        entries = answers.entries_of_nobody(work.journal.entries, expiry, self._clock.now())
        if entries is None:
            await work.release()
            said = None
        else:
            said = await self._carry_on(work.noting(entries))
        if expiry.expires_at <= self._clock.now():
            await self._deadlines.drop(expiry)
        return said

    async def cancel(self, cancellation: Cancellation, claim: Claim) -> Said | None:
        """End a run on an operator's word: what is under way is finished, then every finished write is undone.

        A run that waits is ended here. Any other is ended by whoever works it, at its next step. Returns None for one
        that is over already.

        Raises:
            DeadLetterError: there is no such run.
            RetryError, HaltError: as `work`.
        """
        claim.enter("opening the session")
        key = SessionKey(cancellation.tenant, cancellation.session_id)
        body = {
            "operator": cancellation.operator,
            "reason": cancellation.reason,
            "at": cancellation.requested_at.isoformat(),
        }
        stands = await self._sessions.cancel(key, cancellation.run_id, body)
        if stands:
            entry = Entry(place.CANCEL, body)
            step = record.step_from_outside(key, cancellation.run_id, entry, cancellation.requested_at)
            await self._outbox.steps([step])
        waiting = await self._waiting(key, cancellation.run_id)
        if not stands and not await self._sessions.read(key, cancellation.run_id):
            raise DeadLetterError(f"there is no run {cancellation.run_id} to cancel", reason="run_unknown")
        if not stands or waiting is None:
            return None
        return await self._carry_on(await self._open(*waiting, claim, take_over=False))

    async def _waiting(self, key: SessionKey, run_id: str) -> tuple[Envelope, Route] | None:
        """Return the event and route of a run that waits for a person; its record is long committed."""
        body = _sound(key, run_id, await self._sessions.read(key, run_id)).get(place.EVENT)
        if body is None or body["route"] not in self._routes:
            return None
        return record.envelope_of(body), self._routes[body["route"]]

    async def _open(self, event: Envelope, route: Route, claim: Claim, *, take_over: bool = True) -> Work:
        key = SessionKey(event.tenant, event.session_id)
        opened = await self._sessions.open(key, event.run_id, take_over=take_over)
        try:
            _sound(key, event.run_id, opened.entries)
        except SessionDamagedError:
            await self._sessions.release(opened.lease)
            raise
        return Work(event, route, opened, self._sessions, self._outbox, self._clock, claim)

    async def _carry_on(self, work: Work) -> Said | None:
        try:
            if place.ERASED in work.journal.entries:
                return None
            if work.journal.outcome is None:
                reached = await self._advance_within_journal(work)
                if isinstance(reached, ApprovalRequest):
                    return reached
                await self._close(work, reached)
            body = work.journal.outcome
            assert body is not None
            return ending.of_body(body)
        except ClaimLostError:
            raise
        except HandedOverError:
            await work.keep()
            raise
        finally:
            if not work.given_back:
                with contextlib.suppress(RetryError):  # a lease that cannot be given back ends by itself
                    await work.release()

    async def _advance_within_journal(self, work: Work) -> End | ApprovalRequest:
        try:
            return await self._advance(work)
        except JournalFullError as error:
            work.forget_unwritten()
            return ended_full(work.journal, work.route, str(error))

    async def _advance(self, work: Work) -> End | ApprovalRequest:
        """Take steps until the run ends or waits."""
        while True:
            step = next_step(work.journal, work.route)
            if isinstance(step, Decide):
                step = await self._decide(work, step.turn)
            if step is None:
                continue
            match step:
                case End():
                    return step
                case Wait(call=call):
                    return await self._wait(work, call)
                case Skip(call=call):
                    self._calls.skip(work, call)
                case Perform(calls=calls):
                    work.claim.enter(f"performing {calls[0].chosen.action}")
                    await self._calls.perform(work, calls)
                case Undo(call=call):
                    work.claim.enter(f"undoing {call.chosen.action}")
                    await self._unwinding.undo(work, step, call)

    async def _decide(self, work: Work, turn: int) -> End | Undo | None:
        """Note what was decided, or return how the run ends instead."""
        seconds = work.route.budget.seconds
        if work.worked_s > seconds:
            why = f"The budget of {seconds:g} seconds is spent before the goal was reached."
            return ended_early(work.journal, work.route, Status.BUDGET_SPENT, why)
        try:
            await self._deciding.decide(work, turn)
        except PromptBudgetError as error:
            return ended_early(work.journal, work.route, Status.BUDGET_SPENT, f"{error}.")
        return None

    async def _wait(self, work: Work, call: CallState) -> ApprovalRequest:
        asked = (doubts if call.status is CallStatus.IN_DOUBT else holding).request_of(work, call)
        status = Status.IN_DOUBT if call.status is CallStatus.IN_DOUBT else Status.REQUIRES_APPROVAL
        memory = memory_of(
            work.journal,
            work.event,
            work.route,
            status=status,
            summary=f"{asked.action} waits for a person: {asked.reason or asked.rule}",
            at=asked.requested_at,
            waits=True,
        )
        work.tell(memory)
        await work.publish_steps()
        if expiry := answers.deadline_of(asked):
            await self._deadlines.keep(expiry)
        await work.park(work.context.merged(memory))
        return asked

    async def _close(self, work: Work, end: End) -> None:
        outcome = ending.outcome_of(work.journal, work.event, work.route, end, self._clock.now())
        work.note(Entry(place.OUTCOME, ending.body_of(outcome)))
        memory = memory_of(
            work.journal,
            work.event,
            work.route,
            status=outcome.status,
            summary=outcome.summary,
            at=outcome.finished_at,
        )
        work.tell(memory)
        await work.publish_steps()
        await work.close(work.context.merged(memory))


def _sound(key: SessionKey, run_id: str, entries: Mapping[str, Body]) -> Mapping[str, Body]:
    try:
        return checked(entries)
    except DamagedError as error:
        raise SessionDamagedError.of_journal(key, run_id, error) from error
