"""What stands in for the world in a trial: time, the audit trail, the claim, and a look at the clock beside the model."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from consumers.ports.model import Model
from consumers.router.exchange import Prompt, Reply
from schemas.chain import linked
from schemas.step import Step


class CaseClock:
    """Begins when the case's run began, so that rules see the time of then; it goes on at its usual pace."""

    def __init__(self, at: datetime) -> None:
        self._begin = at
        self._began = time.monotonic()

    def now(self) -> datetime:
        """As the port says."""
        now = self._begin + timedelta(seconds=time.monotonic() - self._began)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def seconds(self) -> float:
        """As the port says."""
        return time.monotonic()

    def put_forward(self, to: datetime) -> None:
        """Have nobody answer until then."""
        self._begin += max(timedelta(), to - self.now()) + timedelta(milliseconds=1)


class TimedModel:
    """A model whose answers are timed.

    Attributes:
        seconds: of each answer, in order.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self.seconds: list[float] = []

    async def reply(self, prompt: Prompt) -> Reply:
        """As the port says."""
        started = time.monotonic()
        reply = await self._model.reply(prompt)
        self.seconds.append(time.monotonic() - started)
        return reply


class OwnSteps:
    """An outbox that publishes nothing."""

    async def steps(self, steps: Sequence[Step], after: str | None = None) -> str:
        """Return the link of the last one, as if they were published."""
        return "" if after is None else linked(steps, after)[-1].link or ""


class Unclaimed:
    """The claim of a run that nobody else could take."""

    def enter(self, step: str) -> None:
        """Go on."""

    def hold(self, step: str) -> None:
        """Go on."""
