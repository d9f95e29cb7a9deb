"""A handler for simulations: steps that take time, effects that happen once, and every way of failing."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from consumers.errors import DeadLetterError, RetryError, UnavailableError
from consumers.ports.claim import Claim
from schemas.record import Outgoing, Record
from tests.simulation.fake_link import Link
from tests.simulation.sim_journal import SimJournal, SimTarget

KINDS = ("plain", "plain", "plain", "plain", "slow", "flaky", "away", "bad", "odd", "stuck", "silent")
"""What an event is like, by the first word of its value; the more often, the likelier."""


@dataclass(slots=True)
class SimSystems:
    """What all workers share."""

    journal: SimJournal = field(default_factory=SimJournal)
    target: SimTarget = field(default_factory=SimTarget)
    mended: bool = False
    """Whether what made events stuck is mended."""


@dataclass(slots=True)
class SimHandler:
    """The handler of one worker."""

    systems: SimSystems
    link: Link
    rng: random.Random

    async def __call__(self, record: Record, claim: Claim) -> Sequence[Outgoing]:
        """Work an event as the engine does: open it, take its steps, close it; all of it may be done again."""
        if record.value is None:
            raise DeadLetterError("a tombstone", reason="unreadable")
        kind, name = record.value.decode().split(" ")
        await self._trouble(kind)
        journal, target = self.systems.journal, self.systems.target
        claim.enter("opening")
        epoch, entry = await self.link.call("open", lambda: journal.open(name))
        if entry.outcome is None:
            for step in range(entry.steps + 1, 3):
                claim.enter(f"step {step}")
                await asyncio.sleep(self.rng.uniform(0, 20 if kind == "slow" else 0.5))
                claim.hold("intent")
                await self.link.call("intent", lambda: journal.check(name, epoch))
                claim.hold("effect")
                await self.link.call("effect", lambda step=step: target.perform(name, step, self.link.name))
                await self.link.call("result", lambda step=step: journal.done(name, epoch, step))
        outcome = await self.link.call(
            "close", lambda: journal.close(name, epoch, f"outcome of {name}".encode())
        )
        return (
            () if kind == "silent" else (Outgoing("out", record.key, outcome, (("event", name.encode()),)),)
        )

    async def _trouble(self, kind: str) -> None:
        match kind:
            case "bad":
                raise DeadLetterError("it can never be worked", reason="bad")
            case "odd":
                raise ValueError("nobody foresaw this")
            case "stuck" if not self.systems.mended:
                raise RetryError("the system is down", after_s=self.rng.choice([None, 0.5, 5.0]))
            case "flaky" if self.rng.random() < 0.5:
                raise RetryError("busy")
            case "away" if self.rng.random() < 0.5:
                raise UnavailableError("the model is away")
            case _:
                return
