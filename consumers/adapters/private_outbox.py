"""An outbox whose steps carry tokens in place of personal data."""

from collections.abc import Sequence
from dataclasses import replace

from consumers.ports.outbox import Outbox
from consumers.privacy.bodies import mapped
from consumers.privacy.register import Register
from schemas.step import Step


class PrivateOutbox:
    """Seals steps. Those of a store that is rebuilt are sealed already, and do not come this way."""

    def __init__(self, outbox: Outbox, register: Register) -> None:
        self._outbox = outbox
        self._register = register

    async def steps(self, steps: Sequence[Step], after: str | None = None) -> str:
        """As the port says; the run must be in hand."""
        return await self._outbox.steps([self._sealed(step) for step in steps], after)

    def _sealed(self, step: Step) -> Step:
        run = self._register.of(step.run_id)
        memory = None if step.memory is None else mapped(step.memory, run.seal)
        return replace(step, body=dict(run.seal_entry(step.place, step.body)), memory=memory)
