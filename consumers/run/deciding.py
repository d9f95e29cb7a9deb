"""One turn: what the plan says or the model is asked, and the answer as an entry of the journal."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from consumers.ports.clock import Clock
from consumers.ports.model import Model
from consumers.router.decision import Decision, decide
from consumers.router.exchange import Prompt, Reply
from consumers.router.fitting import fitted
from consumers.router.plan import Planned, next_turn
from consumers.run import record
from consumers.run.showing import offered
from consumers.run.work import Work
from consumers.telemetry.metrics import LEFT_OUT, PLANNED, Metrics

MAX_OUTPUT_TOKENS: Final = 2048
"""Of one turn."""


class Deciding:
    """Decides the next turn of a run.

    Args:
        model: is asked where the route has no plan, or its plan ends.
        clock: times.
        metrics: counts planned turns, and what was left out of prompts.
    """

    def __init__(self, model: Model, clock: Clock, metrics: Metrics) -> None:
        self._model = model
        self._clock = clock
        self._metrics = metrics

    async def decide(self, work: Work, turn: int) -> None:
        """Note the decision of a turn; it is not written yet.

        Raises:
            PromptBudgetError: what has to be said is longer than the route's budget; nobody was asked.
            RetryError, DeadLetterError, HaltError: as the port of the model says.
        """
        if planned := self._planned(work, turn):
            self._metrics.add(PLANNED, work.route.name)
            # A plan knows what it wants: it is not offered a choice.
            allowed = {action.tool_name: action for action in work.route.actions.values()}
            decision = decide(planned.reply, allowed)
            self._note(work, turn, decision, planned.reply, {"prompt": "", "step": planned.step})
        else:
            await self._ask(work, turn)

    def _planned(self, work: Work, turn: int) -> Planned | None:
        plan, taken = work.route.plan, work.journal.taken
        if plan is None or taken is None:
            return None
        facts = {
            "event": record.envelope_facts(work.event),
            "session": {**work.context.facts(), "results": work.journal.results()},
            "failures": work.journal.failures(),
            "now": self._clock.now(),
        }
        return next_turn(plan, taken, turn, facts)

    async def _ask(self, work: Work, turn: int) -> None:
        work.claim.enter(f"turn {turn}: asking the model")
        route, event = work.route, work.event
        offer = offered(route, event, work.journal)
        turns = work.journal.finished_turns()
        prompt = fitted(work.opening, turns, offer.tools, route=route, event=event, context=work.context)
        for part in prompt.left_out:
            self._metrics.add(LEFT_OUT, route.name, part)
        asked = Prompt(prompt.messages, offer.tools, MAX_OUTPUT_TOKENS, event.run_id, event.tenant)
        reply = await work.keeping(self._model.reply(asked))
        left = route.budget.calls - work.journal.spent().calls
        decision = decide(reply, offer.known, hidden=offer.hidden, calls_left=left)
        about = {
            "prompt": prompt.version,
            **({"left_out": list(prompt.left_out)} if prompt.left_out else {}),
            **({} if offer.shown is None else {"shown": list(offer.shown)}),
        }
        self._note(work, turn, decision, reply, about)

    def _note(
        self, work: Work, turn: int, decision: Decision, reply: Reply, about: Mapping[str, Any]
    ) -> None:
        started = work.journal.started_at
        started_at = datetime.fromisoformat(started) if started else work.started_at
        work.note(record.decision_entry(turn, decision, reply, about, started_at, self._clock.now()))
