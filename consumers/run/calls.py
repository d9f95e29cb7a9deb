"""Performing what the model chose: judged by the rules, announced, then done, in that order."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from connectors.action import Action
from consumers.policy.provenance import UNPROVEN
from consumers.policy.rules import Effect, Rule
from consumers.policy.verdict import Verdict, concerned, judge
from consumers.ports.allowance import Allowance
from consumers.ports.clock import Clock
from consumers.ports.sessions import Entry
from consumers.router.finder import FIND
from consumers.run import doubts, holding, record, repeats, seen
from consumers.run.attempt import Attempt, Performer, together
from consumers.run.consent import YES, unsatisfied
from consumers.run.holding import ESCALATED
from consumers.run.journal import REFUSED_VALUES, CallState, CallStatus
from consumers.run.showing import find
from consumers.run.work import Work
from consumers.session import place
from consumers.telemetry.metrics import VERDICTS, Metrics


class Calls:
    """Performs chosen calls and notes what becomes of them.

    Args:
        performer: performs.
        clock: times.
        metrics: counts verdicts.
        allowance: says whether one more write may begin; None where nobody does.
    """

    def __init__(
        self, performer: Performer, clock: Clock, metrics: Metrics, allowance: Allowance | None = None
    ) -> None:
        self._performer = performer
        self._clock = clock
        self._metrics = metrics
        self._allowance = allowance

    async def perform(self, work: Work, calls: Sequence[CallState]) -> None:
        """Perform several reads beside each other, or one write.

        Raises:
            RetryError: a system is busy; calling again goes on from the journal.
        """
        calls = self._find(work, calls)
        if not calls:
            return
        action = work.route.actions.get(calls[0].chosen.action)
        if action is None:
            self._delisted(work, calls[0])
        elif action.effect == "write":
            await self._write(work, calls[0], action)
        else:
            await self._read(work, calls)

    def skip(self, work: Work, call: CallState) -> None:
        """Note that a write is left out."""
        why = "an earlier write of the same answer was not done"
        body = record.not_done(CallStatus.SKIPPED, "skipped", why, self._clock.now())
        work.note(Entry(call.place.result, body), call.chosen.action)

    def _find(self, work: Work, calls: Sequence[CallState]) -> list[CallState]:
        """Answer the searches for actions, which reach nothing outside, one after the other; return the other calls."""
        for call in calls:
            if call.chosen.action == FIND:
                body = find(work.route, work.event, work.journal, call, self._clock.now())
                work.note(Entry(call.place.result, body), FIND)
        return [call for call in calls if call.chosen.action != FIND]

    async def _read(self, work: Work, calls: Sequence[CallState]) -> None:
        allowed: list[tuple[CallState, Action, Verdict]] = []
        for call in calls:
            action = work.route.actions[call.chosen.action]
            verdict = self._judge(work, call, action)
            same = repeats.same_again(repeats.asked_before(call, work.journal), self._clock.now())
            if verdict.effect is Effect.ALLOW and same:
                work.note(Entry(call.place.result, same), action.name)
            elif verdict.effect is Effect.ALLOW:
                allowed.append((call, action, verdict))
            else:  # nobody is asked about a read: `hold` is for writes
                work.note(Entry(call.place.result, record.denied(verdict, self._clock.now())), action.name)
        if not allowed:
            return
        # The decision is written before anything acts on it; the results go out with the next write.
        await work.commit()
        attempts = [self._attempt(work, call, action) for call, action, _ in allowed]
        results = await together(self._performer, attempts)
        for (call, action, verdict), body in zip(allowed, results, strict=True):
            work.note(Entry(call.place.result, record.judged(body, verdict)), action.name)

    async def _write(self, work: Work, call: CallState, action: Action) -> None:
        attempt = self._attempt(work, call, action)
        if call.sent is None:
            verdict = self._judge(work, call, action)
            rule = self._holding(work, call, verdict)
            if refusal := self._refusal(work, call, verdict, rule):
                work.note(Entry(call.place.result, refusal), action.name)
                return
            if rule:
                held = holding.hold_entry(work, call, action, verdict, rule, self._clock.now())
                work.note(held, action.name)
                work.note(holding.event_entry(work.event, work.route))
                return
            if self._allowance is not None:
                await self._allowance.begin(attempt.key)  # here stopping is free: nothing is announced yet
            intent = record.intent_entry(call, action, attempt.key, verdict, attempt.intended_at)
            work.note(intent, action.name)
            await work.publish_steps()
            work.claim.hold(f"writing the intent of {action.name}")
            await work.commit()
        elif self._allowance is not None:
            await self._allowance.begun(attempt.key)
        work.claim.hold(f"performing {action.name}")
        body = await self._performer.write(attempt)
        if body["status"] == CallStatus.IN_DOUBT:
            self._doubt(work, call, action, body["error"])
        else:
            work.note(Entry(call.place.result, body), action.name)
            await work.commit()
            self._performer.recorded(attempt.key)

    @staticmethod
    def _holding(work: Work, call: CallState, verdict: Verdict) -> Rule | None:
        """Return the rule that still holds a write, if any; one that was sent before is held no more."""
        if verdict.effect is not Effect.HOLD or call.status not in {CallStatus.CHOSEN, CallStatus.ANSWERED}:
            return None
        return unsatisfied(work.journal.entries, call, verdict.holds)

    def _doubt(self, work: Work, call: CallState, action: Action | None, why: str) -> None:
        name = call.chosen.action
        work.note(doubts.doubt_entry(work, call, action, why, self._clock.now()), name)
        work.note(holding.event_entry(work.event, work.route))

    def _judge(self, work: Work, call: CallState, action: Action) -> Verdict:
        facts = {
            "event": record.envelope_facts(work.event),
            "arguments": call.arguments,
            "session": {**work.context.facts(), "results": work.journal.results()},
            "action": {"name": action.name, "effect": action.effect},
            "now": self._clock.now(),
        }
        route = work.route
        verdict = judge(route.rules, action.name, action.effect, facts, require_allow=route.require_allow)
        if verdict.effect is not Effect.DENY and (why := seen.concern_of(work, call, action)):
            verdict = concerned(verdict, action.effect, why)
        self._metrics.add(VERDICTS, verdict.rule or "", str(verdict.effect))
        return verdict

    def _delisted(self, work: Work, call: CallState) -> None:
        """End a call whose action has left the route's list since the model chose it."""
        why = f"{call.chosen.action} is no longer on the route's list"
        if call.intent:
            self._doubt(work, call, None, f"{why}, and it may have been performed")
        else:
            body = record.not_done(CallStatus.DENIED, "delisted", why, self._clock.now())
            work.note(Entry(call.place.result, body), call.chosen.action)

    def _refusal(
        self, work: Work, call: CallState, verdict: Verdict, holding_rule: Rule | None
    ) -> dict[str, Any] | None:
        """Return why a write is not to be done, or None. Rules are judged again after a person said yes."""
        if verdict.effect is Effect.DENY:
            return record.denied(verdict, self._clock.now())
        answer = work.noted(call.place.approval(call.holds))
        if answer and answer["answer"] not in {*YES, ESCALATED}:
            why = f"{answer['answer']} by {answer['approver']}: {answer['comment']}".rstrip(": ")
            asked = work.noted(place.hold(call.place.question(call.holds)))
            # A value that came from nowhere is refused like by a rule: what was meant may still be done.
            code = REFUSED_VALUES if asked and asked["rule"] == UNPROVEN else "rejected"
            return record.not_done(CallStatus.DENIED, code, why, self._clock.now())
        field = work.route.requester_field
        if holding_rule and field and work.route.requester_of(work.event.payload) is None:
            why = f"rule {holding_rule.name} asks a person, and the event does not say in {field} who may not answer"
            return record.not_done(CallStatus.DENIED, "no_requester", why, self._clock.now())
        return None

    def _attempt(self, work: Work, call: CallState, action: Action) -> Attempt:
        ordinal = record.ordinal_of(call, list(work.journal.calls()))
        lost = work.maybe_lost and call.sent is None  # sent before, it may be, and that was forgotten
        since = work.event.time if lost else self._clock.now()
        return Attempt(
            action=action,
            arguments=call.arguments,
            key=record.idempotency_key(work.event.first_run_id, action.name, ordinal),
            tenant=work.event.tenant,
            run_id=work.event.run_id,
            intended_at=datetime.fromisoformat(call.sent["at"]) if call.sent else since,
            resumed=lost or call.sent is not None,
            lost=lost,
        )
