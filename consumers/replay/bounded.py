"""What a job may use at most: each write is taken before its intent, what the model cost after each answer."""

import secrets
from typing import Final

from consumers.ports.claim import HandedOverError
from consumers.ports.jobs import Jobs
from consumers.ports.model import Model
from consumers.replay.job import Job
from consumers.router.exchange import Prompt, Reply

EFFECTS: Final = "effects"
USD: Final = "usd"
_MILLIONTHS: Final = 1_000_000


class BoundReachedError(HandedOverError):
    """The job has used all that it may: its run is left at this step, where nothing is under way."""


class JobAllowance:
    """The `Allowance` port: what a job may still write."""

    def __init__(self, job: Job, jobs: Jobs) -> None:
        self._job = job
        self._jobs = jobs

    async def begin(self, key: str) -> None:
        """As the port says.

        Raises:
            BoundReachedError: the job has performed as many writes as it may.
        """
        most = self._job.bounds.effects
        if not await self._jobs.take(self._job.id, EFFECTS, key, 1, most):
            raise BoundReachedError(f"the job's bound of {most} effects is reached; more is a new order")

    async def begun(self, key: str) -> None:
        """As the port says: it counts, above the bound as well."""
        await self._jobs.take(self._job.id, EFFECTS, key, 1, None)


class BoundedModel:
    """A model that a job may ask for so much money, behind the port of one without a bound.

    It looks before each question and adds afterwards, so that a job may cost more than its bound by what the runs in
    flight ask at the same moment.
    """

    def __init__(self, model: Model, job: Job, jobs: Jobs) -> None:
        self._model = model
        self._job = job
        self._jobs = jobs

    async def reply(self, prompt: Prompt) -> Reply:
        """As the port says.

        Raises:
            BoundReachedError: the job has spent what it may.
        """
        usd = self._job.bounds.usd
        if usd is not None:
            spent = (await self._jobs.used(self._job.id)).get(USD, 0) / _MILLIONTHS
            if spent >= usd:
                raise BoundReachedError(
                    f"the job's bound of ${usd:,.2f} is reached, by ${spent:,.2f}; more is a new order"
                )
        reply = await self._model.reply(prompt)
        answer = f"{prompt.run_id}/{secrets.token_hex(8)}"
        await self._jobs.take(self._job.id, USD, answer, round(reply.cost_usd * _MILLIONTHS), None)
        return reply
