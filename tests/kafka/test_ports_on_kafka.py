"""The adapters keep the ports' promises on a real Kafka: the same cases as for the fake broker."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from typing import Any

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
    unseen: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))
    async with kafka_stage(kafka, new_topic) as stage:
        await case(stage)
    gc.collect()  # an error that nobody has looked at is only told when it is collected
    assert unseen == []
