"""A tenant that has spent its money of the day waits for the next one; the others do not."""

from datetime import date, timedelta

import pytest

from consumers.adapters.rationed_model import RationedModel
from consumers.errors import UnavailableError
from consumers.router.exchange import Prompt, Reply
from consumers.telemetry.metrics import RATIONED, Metrics
from tests.consumers.run.shop_world import StillClock

QUESTION = Prompt([], [], 100, "run-1", "acme")


class Spent:
    """The `Spending` port in memory."""

    def __init__(self) -> None:
        self.usd: dict[tuple[str, date], float] = {}

    async def spent(self, tenant: str, day: date) -> float:
        return self.usd.get((tenant, day), 0.0)

    async def add(self, tenant: str, day: date, usd: float) -> None:
        self.usd[tenant, day] = await self.spent(tenant, day) + usd


class Costly:
    """A model whose every answer costs forty cents."""

    def __init__(self) -> None:
        self.asked = 0

    async def reply(self, prompt: Prompt) -> Reply:
        del prompt
        self.asked += 1
        return Reply("planned", "", (), "stop", 100, 10, 0.4)


async def test_after_the_limit_nothing_is_asked_until_the_day_is_over() -> None:
    model, clock, metrics = Costly(), StillClock(), Metrics()
    rationed = RationedModel(model, Spent(), clock, metrics, usd_per_day=1.0)
    for _ in range(3):
        await rationed.reply(QUESTION)
    with pytest.raises(
        UnavailableError, match=r"tenant acme has spent \$1\.20 .*limits\.tenant_usd_per_day"
    ) as waits:
        await rationed.reply(QUESTION)
    assert waits.value.after_s == 60.0
    assert model.asked == 3
    assert metrics.value(RATIONED, "acme") == 1
    await rationed.reply(Prompt([], [], 100, "run-2", "globex"))
    clock.pass_by(timedelta(hours=11, minutes=59, seconds=30))
    with pytest.raises(UnavailableError) as waits:
        await rationed.reply(QUESTION)
    assert waits.value.after_s == 30.0
    clock.pass_by(timedelta(seconds=30))
    await rationed.reply(QUESTION)
