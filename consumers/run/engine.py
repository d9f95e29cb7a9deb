"""The engine: works an event to its outcome, one journaled step after the other."""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.action import Action
from connectors.catalog import Catalog
from consumers.errors import DeadLetterError, RetryError
from consumers.policy.rules import Effect
from consumers.policy.verdict import Verdict, judge
from consumers.ports.actions import Actions
from consumers.ports.claim import Claim, ClaimLostError, HandedOverError
from consumers.ports.clock import Clock
from consumers.ports.model import Model
from consumers.ports.outbox import Outbox
from consumers.ports.sessions import Entry, JournalFullError, Sessions
from consumers.router import prompt
from consumers.router.decision import FINISH_TOOL, decide
from consumers.router.exchange import Prompt
from consumers.router.route import Route
from consumers.run import ending, holding, record
from consumers.run.attempt import Attempt, Performer, together
from consumers.run.journal import CallState, CallStatus
from consumers.run.next_step import Decide, End, Perform, Skip, Undo, Wait, ended_early, ended_full, next_step
from consumers.run.unwinding import undo
from consumers.run.work import Work
from consumers.session import place
from consumers.session.key import SessionKey
from consumers.telemetry.metrics import VERDICTS, Metrics
from schemas.approval import ApprovalDecision, ApprovalRequest
from schemas.envelope import Envelope
from schemas.outcome import Outcome, Status

MAX_OUTPUT_TOKENS = 2048
"""Of one turn."""


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
        clock: Clock,
        metrics: Metrics,
        settle_s: float = 60.0,
    ) -> None:
        self._metrics = metrics
        self._routes = routes
        self._catalog = catalog
        self._sessions = sessions
        self._model = model
        self._outbox = outbox
        self._clock = clock
        self._performer = Performer(actions, catalog, clock, settle_s)

    async def work(self, event: Envelope, route: Route, claim: Claim) -> Outcome | ApprovalRequest:
        """Work an event to its outcome, or until a person must answer, and return what is to be published.

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

    async def answer(self, decision: ApprovalDecision, claim: Claim) -> Outcome | ApprovalRequest:
        """Wake the run that waits for this answer and carry on.

        Raises:
            DeadLetterError: the answer fits no open request, its digest differs, or it was answered before.
            RetryError, HaltError: as `work`.
        """
        claim.enter("opening the session")
        key = SessionKey(decision.tenant, decision.session_id)
        body = (await self._sessions.read(key, decision.run_id)).get(place.EVENT)
        if body is None or body["route"] not in self._routes:
            raise DeadLetterError(
                f"no run waits for the answer to {decision.request_id}", reason="approval_unknown"
            )
        work = await self._open(record.envelope_of(body), self._routes[body["route"]], claim)
        try:
            entry = holding.approval_entry(work.journal.entries, decision, self._clock.now())
        except DeadLetterError:
            await work.release()
            raise
        if entry:
            work.note(entry)
        return await self._carry_on(work)

    async def _open(self, event: Envelope, route: Route, claim: Claim) -> Work:
        key = SessionKey(event.tenant, event.session_id)
        opened = await self._sessions.open(key, event.run_id)
        return Work(event, route, opened, self._sessions, self._outbox, self._clock, claim)

    async def _carry_on(self, work: Work) -> Outcome | ApprovalRequest:
        closed = False
        try:
            if work.journal.outcome is None:
                end = await self._advance_within_journal(work)
                if isinstance(end, ApprovalRequest):
                    return end
                closed = await self._close(work, end)
            body = work.journal.outcome
            assert body is not None
            return ending.of_body(body)
        except ClaimLostError:
            raise
        except HandedOverError:
            await work.keep()
            raise
        finally:
            if not closed:
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
        seconds = work.route.budget.seconds
        while True:
            step = next_step(work.journal, work.route)
            late = (self._clock.now() - work.started_at).total_seconds() > seconds
            if late and isinstance(step, Decide):
                why = f"The budget of {seconds:g} seconds is spent before the goal was reached."
                step = ended_early(work.journal, work.route, Status.BUDGET_SPENT, why)
            match step:
                case End():
                    return step
                case Wait(call=call):
                    return await self._wait(work, call)
                case Decide(turn=turn):
                    work.claim.enter(f"turn {turn}: asking the model")
                    await self._decide(work, turn)
                case Skip(call=call):
                    why = "an earlier write of the same answer was not done"
                    body = record.not_done(CallStatus.SKIPPED, "skipped", why, self._clock.now())
                    work.note(Entry(call.place.result, body), call.chosen.action)
                case Perform(calls=calls):
                    work.claim.enter(f"performing {calls[0].chosen.action}")
                    await self._perform(work, calls)
                case Undo(call=call):
                    work.claim.enter(f"undoing {call.chosen.action}")
                    await undo(work, step, call, self._catalog, self._performer, self._clock.now())

    async def _decide(self, work: Work, turn: int) -> None:
        route = work.route
        messages = prompt.build(work.opening, work.journal.finished_turns())
        reply = await self._model.reply(Prompt(messages, [*route.tools, FINISH_TOOL], MAX_OUTPUT_TOKENS))
        allowed = {action.tool_name: action for action in route.actions.values()}
        decision = decide(reply, allowed)
        started = work.journal.started_at
        started_at = datetime.fromisoformat(started) if started else work.started_at
        work.note(record.decision_entry(turn, decision, reply, started_at, self._clock.now()))

    async def _perform(self, work: Work, calls: tuple[CallState, ...]) -> None:
        action = work.route.actions.get(calls[0].chosen.action)
        if action is None:
            work.note(self._delisted(calls[0]), calls[0].chosen.action)
        elif action.effect == "write":
            await self._write(work, calls[0], action)
        else:
            await self._read(work, calls)

    async def _read(self, work: Work, calls: Sequence[CallState]) -> None:
        allowed: list[tuple[CallState, Action]] = []
        for call in calls:
            action = work.route.actions[call.chosen.action]
            verdict = self._judge(work, call, action)
            if verdict.effect is Effect.ALLOW:
                allowed.append((call, action))
            else:  # nobody is asked about a read: `hold` is for writes
                work.note(Entry(call.place.result, record.denied(verdict, self._clock.now())), action.name)
        if not allowed:
            return
        # The decision is written before anything acts on it; the results go out with the next write.
        await work.commit()
        attempts = [self._attempt(work, call, action) for call, action in allowed]
        for (call, action), body in zip(allowed, await together(self._performer, attempts), strict=True):
            work.note(Entry(call.place.result, body), action.name)

    async def _write(self, work: Work, call: CallState, action: Action) -> None:
        attempt = self._attempt(work, call, action)
        if call.intent is None:
            verdict = self._judge(work, call, action)
            if refusal := self._refusal(work, call, verdict):
                work.note(Entry(call.place.result, refusal), action.name)
                return
            if verdict.effect is Effect.HOLD and call.status is not CallStatus.ANSWERED:
                work.note(holding.hold_entry(work, call, action, verdict, self._clock.now()), action.name)
                work.note(holding.event_entry(work.event, work.route))
                return
            work.note(
                record.intent_entry(call, action, attempt.key, verdict, attempt.intended_at), action.name
            )
            await work.publish_steps()
            work.claim.hold(f"writing the intent of {action.name}")
            await work.commit()
        work.claim.hold(f"performing {action.name}")
        body = await self._performer.write(attempt)
        work.note(Entry(call.place.result, body), action.name)
        await work.commit()

    def _judge(self, work: Work, call: CallState, action: Action) -> Verdict:
        facts = {
            "event": record.envelope_facts(work.event),
            "arguments": call.chosen.arguments,
            "session": {**work.context.facts(), "results": work.journal.results()},
            "action": {"name": action.name, "effect": action.effect},
            "now": self._clock.now(),
        }
        verdict = judge(work.route.rules, action.name, action.effect, facts)
        self._metrics.add(VERDICTS, verdict.rule or "", str(verdict.effect))
        return verdict

    def _delisted(self, call: CallState) -> Entry:
        """Return the end of a call whose action has left the route's list since the model chose it."""
        why = f"{call.chosen.action} is no longer on the route's list"
        status = CallStatus.IN_DOUBT if call.intent else CallStatus.DENIED
        return Entry(call.place.result, record.not_done(status, "delisted", why, self._clock.now()))

    def _refusal(self, work: Work, call: CallState, verdict: Verdict) -> dict[str, Any] | None:
        """Return why a write is not to be done, or None. Rules are judged again after a person said yes."""
        if verdict.effect is Effect.DENY:
            return record.denied(verdict, self._clock.now())
        answer = work.noted(call.place.approval)
        if answer and answer["answer"] != "approve":
            why = f"{answer['answer']} by {answer['approver']}: {answer['comment']}".rstrip(": ")
            return record.not_done(CallStatus.DENIED, "rejected", why, self._clock.now())
        return None

    async def _wait(self, work: Work, call: CallState) -> ApprovalRequest:
        await work.publish_steps()
        await work.commit()
        return holding.request_of(work, call)

    def _attempt(self, work: Work, call: CallState, action: Action) -> Attempt:
        ordinal = record.ordinal_of(call, list(work.journal.calls()))
        key = record.idempotency_key(work.event.run_id, action.name, ordinal)
        since = datetime.fromisoformat(call.intent["at"]) if call.intent else self._clock.now()
        event = work.event
        return Attempt(
            action, call.chosen.arguments, key, event.tenant, event.run_id, since, call.intent is not None
        )

    async def _close(self, work: Work, end: End) -> bool:
        outcome = ending.outcome_of(work.journal, work.event, work.route, end, self._clock.now())
        work.note(Entry(place.OUTCOME, ending.body_of(outcome)))
        await work.publish_steps()
        await work.close(work.context.after(outcome))
        return True
