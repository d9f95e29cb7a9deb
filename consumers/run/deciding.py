"""One turn: what the model is asked, and its answer as an entry of the journal."""

from datetime import datetime
from typing import Final

from consumers.ports.clock import Clock
from consumers.ports.model import Model
from consumers.router.decision import FINISH_TOOL, decide
from consumers.router.exchange import Prompt
from consumers.router.fitting import fitted
from consumers.run import record
from consumers.run.work import Work
from consumers.telemetry.metrics import LEFT_OUT, Metrics

MAX_OUTPUT_TOKENS: Final = 2048
"""Of one turn."""


class Deciding:
    """Decides the next turn of a run.

    Args:
        model: is asked.
        clock: times.
        metrics: counts what was left out of prompts.
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
        route, event = work.route, work.event
        tools = [*route.tools, FINISH_TOOL]
        turns = work.journal.finished_turns()
        prompt = fitted(work.opening, turns, tools, route=route, event=event, context=work.context)
        for part in prompt.left_out:
            self._metrics.add(LEFT_OUT, route.name, part)
        reply = await self._model.reply(
            Prompt(prompt.messages, tools, MAX_OUTPUT_TOKENS, event.run_id, event.tenant)
        )
        decision = decide(reply, {action.tool_name: action for action in route.actions.values()})
        started = work.journal.started_at
        started_at = datetime.fromisoformat(started) if started else work.started_at
        work.note(record.decision_entry(turn, decision, reply, prompt, started_at, self._clock.now()))
