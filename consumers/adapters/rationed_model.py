"""A model that a tenant may ask for so much money a day, behind the port of one without a limit."""

from datetime import UTC, datetime, time, timedelta
from typing import Final

from consumers.errors import UnavailableError
from consumers.ports.clock import Clock
from consumers.ports.model import Model
from consumers.ports.spending import Spending
from consumers.router.exchange import Prompt, Reply
from consumers.telemetry.metrics import RATIONED, Metrics

_LOOK_S: Final = 60.0
"""Events that wait look again so often: the limit may have been raised meanwhile."""


class RationedModel:
    """Looks before each question, and adds afterwards what it cost.

    Questions that are asked at the same moment are not known to each other, so a day may cost a little more than the
    limit: at most what all runs in flight ask at once. What an answer costs is by the price of the
    model that gave it, or by its ceiling.
    """

    def __init__(
        self, model: Model, spending: Spending, clock: Clock, metrics: Metrics, *, usd_per_day: float
    ) -> None:
        self._model = model
        self._spending = spending
        self._clock = clock
        self._metrics = metrics
        self._limit = usd_per_day

    async def reply(self, prompt: Prompt) -> Reply:
        """As the port says.

        Raises:
            UnavailableError: the tenant has spent its money of the day; its events wait until the next one begins.
        """
        now = self._clock.now().astimezone(UTC)
        if (spent := await self._spending.spent(prompt.tenant, now.date())) >= self._limit:
            self._metrics.add(RATIONED, prompt.tenant)
            raise UnavailableError(
                f"tenant {prompt.tenant} has spent ${spent:,.2f} on the model today; the limit of `limits.tenant_usd_per_day` "
                f"is ${self._limit:,.2f}, and its events wait until 00:00 UTC, or until it is raised",
                after_s=min(_LOOK_S, _until_midnight(now)),
            )
        reply = await self._model.reply(prompt)
        await self._spending.add(prompt.tenant, now.date(), reply.cost_usd)
        return reply


def _until_midnight(now: datetime) -> float:
    return (datetime.combine(now.date() + timedelta(days=1), time(), UTC) - now).total_seconds()
