"""The fake broker keeps the ports' promises: the same cases as for the real one, in virtual time."""

import random
from collections.abc import Awaitable, Callable

import pytest

from tests.contracts import group_cases, producing_cases, rebalance_cases
from tests.contracts.port_stage import PortStage
from tests.simulation.fake_stage import FakeStage
from tests.simulation.virtual_time import run

Case = Callable[[PortStage], Awaitable[None]]


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
@pytest.mark.parametrize(
    "case",
    [*group_cases.CASES, *rebalance_cases.CASES, *producing_cases.CASES],
    ids=lambda case: case.__name__,
)
def test_the_fake_broker(case: Case, seed: int | None) -> None:
    async def played() -> None:
        stage = FakeStage(seed or 0)
        try:
            await case(stage)
        finally:
            stage.broker.close()

    run(played(), shuffle=None if seed is None else random.Random(seed), horizon_s=600)
