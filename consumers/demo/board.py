"""What the topics have told so far, by run. Filled by the feed, read by the display, the player and the summary."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from schemas.approval import ApprovalDecision, ApprovalRequest
from schemas.cancellation import Cancellation
from schemas.dead_letter import DeadLetter
from schemas.difference import Difference
from schemas.expiry import Expiry
from schemas.outcome import Outcome
from schemas.step import Step, StepKind


@dataclass(frozen=True, slots=True)
class Published:
    """An outcome and the bytes it was published in."""

    outcome: Outcome
    value: bytes


Seen = Step | Published | ApprovalRequest | ApprovalDecision | Cancellation | Expiry | Difference | DeadLetter
"""One record of our own topics, read."""


@dataclass(frozen=True, slots=True)
class RunView:
    """One run as the topics tell it, at one moment; empty before they do."""

    steps: tuple[Step, ...] = ()
    """In the order of the topic, each once."""
    requests: tuple[ApprovalRequest, ...] = ()
    outcomes: tuple[Published, ...] = ()
    """Every publication; a replayed or repeated event publishes its outcome again."""
    repeated_steps: int = 0
    """Steps that were there already and say something else now, or again from the same holder: work that was done twice."""

    @property
    def outcome(self) -> Outcome | None:
        """The outcome, once there is one."""
        return self.outcomes[0].outcome if self.outcomes else None


@dataclass(slots=True)
class _Run:
    steps: dict[str, Step] = field(default_factory=dict[str, Step])
    requests: dict[str, ApprovalRequest] = field(default_factory=dict[str, ApprovalRequest])
    outcomes: list[Published] = field(default_factory=list[Published])
    repeated_steps: int = 0


class Board:
    """Collects what is seen. Owned by one event loop."""

    def __init__(self) -> None:
        self._runs: Final[dict[str, _Run]] = {}
        self._dead_letters: Final[list[DeadLetter]] = []
        self._changed = asyncio.Event()

    def add(self, seen: Seen) -> None:
        """Take note; a step or request that is seen twice counts once. Wakes whoever waits."""
        match seen:
            case Step():
                run = self._run(seen.run_id)
                first = run.steps.setdefault(seen.id, seen)
                # Whoever takes a run over tells first what it found.
                if first is not seen and (seen.body != first.body or seen.epoch == first.epoch):
                    run.repeated_steps += 1
            case Published():
                self._run(seen.outcome.run_id).outcomes.append(seen)
            case ApprovalRequest():
                self._run(seen.run_id).requests.setdefault(seen.id, seen)
            case ApprovalDecision() | Cancellation() | Expiry() | Difference():
                pass  # the run's own step tells it; a difference changes no run
            case DeadLetter():
                self._dead_letters.append(seen)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def run(self, run_id: str) -> RunView:
        """Return what is known of a run."""
        run = self._runs.get(run_id) or _Run()
        steps = tuple(run.steps.values())
        requests, outcomes = tuple(run.requests.values()), tuple(run.outcomes)
        return RunView(steps, requests, outcomes, run.repeated_steps)

    @property
    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """All dead letters so far."""
        return tuple(self._dead_letters)

    @property
    def intents(self) -> dict[str, str]:
        """Run ids by idempotency key: every write that any run was about to make, its undoing included."""
        kinds = {StepKind.INTENT, StepKind.UNDO_INTENT}
        steps = (step for run in self._runs.values() for step in run.steps.values())
        return {step.body["key"]: step.run_id for step in steps if step.kind in kinds}

    async def change(self) -> None:
        """Wait for the next change."""
        await self._changed.wait()

    def _run(self, run_id: str) -> _Run:
        return self._runs.setdefault(run_id, _Run())
