"""The adapters keep the ports' promises on a real Kafka: the same cases as for the fake broker."""

from collections.abc import Awaitable, Callable

import pytest

from tests.contracts import group_cases, producing_cases, rebalance_cases
from tests.contracts.port_stage import PortStage
from tests.kafka.kafka_stage import kafka_stage

Case = Callable[[PortStage], Awaitable[None]]


@pytest.mark.parametrize(
    "case",
    [*group_cases.CASES, *rebalance_cases.CASES, *producing_cases.CASES],
    ids=lambda case: case.__name__,
)
async def test_the_adapters(case: Case, kafka: str, new_topic: Callable[..., str]) -> None:
    async with kafka_stage(kafka, new_topic) as stage:
        await case(stage)
