"""A steps topic that tells what a test says."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

from consumers.adapters.kafka_reader import Span
from consumers.adapters.kafka_steps import FoundStep
from schemas.step import Step, StepKind

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Steps:
    """A steps topic of one partition; earlier steps were deleted where its first offset is not 0."""

    def __init__(self, *found: tuple[datetime, Step | None], first: int = 0) -> None:
        self._found = [FoundStep(0, first + n, at, step) for n, (at, step) in enumerate(found)]
        self._extent = Span(first, first + len(found))

    async def extents(self) -> Mapping[int, Span] | None:
        return {0: self._extent}

    async def read(self, parts: Mapping[int, Span]) -> AsyncIterator[FoundStep]:
        assert parts == {0: self._extent}
        for found in self._found:
            yield found


class NoSteps(Steps):
    async def extents(self) -> Mapping[int, Span] | None:
        return None


def step(run: str, place: str = "t1/decision", kind: StepKind = StepKind.DECISION) -> Step:
    return Step(f"{run}/{place}", run, "t", "s", "e", "happened", place, kind, None, {}, AT)
