"""What every store of deadlines does, and what a worker that looks at them does."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from consumers.adapters.memory_deadlines import MemoryDeadlines
from consumers.adapters.redis_deadlines import RedisDeadlines
from consumers.errors import UnavailableError
from consumers.ports.deadlines import AGAIN_S, Deadlines
from consumers.recovery.expiring import Expiring
from consumers.telemetry.metrics import EXPIRED, Metrics
from schemas.expiry import Expiry
from tests.consumers.run.shop_world import StillClock

AT = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
FIRST = Expiry("run-1", "acme", "s-{1}", "t1/c0", AT)
SECOND = replace(FIRST, run_id="run-2", expires_at=AT + timedelta(milliseconds=1_001))


@pytest.fixture(params=["memory", "redis", "redis_cluster", "redis_by_sentinel"])
def deadlines(request: pytest.FixtureRequest) -> Deadlines:
    if request.param == "memory":
        return MemoryDeadlines()
    return RedisDeadlines(request.getfixturevalue(request.param), "pointsman:{store}:deadlines:approvals")


async def test_a_deadline_is_due_when_its_time_is_over(deadlines: Deadlines) -> None:
    await deadlines.keep(SECOND)
    await deadlines.keep(FIRST)
    assert await deadlines.due(AT - timedelta(milliseconds=1), 10) == []
    assert await deadlines.due(AT, 10) == [FIRST]
    assert await deadlines.due(SECOND.expires_at, 10) == [SECOND]


async def test_the_oldest_come_first_and_no_more_than_was_asked_for(deadlines: Deadlines) -> None:
    for expiry in (SECOND, FIRST):
        await deadlines.keep(expiry)
    assert [await deadlines.due(AT + timedelta(minutes=1), 1) for _ in range(3)] == [[FIRST], [SECOND], []]


async def test_one_that_nobody_dropped_is_told_of_again(deadlines: Deadlines) -> None:
    await deadlines.keep(FIRST)
    await deadlines.due(AT, 10)
    await deadlines.keep(FIRST)
    assert await deadlines.due(AT + timedelta(seconds=AGAIN_S - 1), 10) == []
    assert await deadlines.due(AT + timedelta(seconds=AGAIN_S), 10) == [FIRST]
    await deadlines.drop(FIRST)
    await deadlines.drop(FIRST)
    assert await deadlines.due(AT + timedelta(days=1), 10) == []


class Topic:
    """Where expiries are published; it may be away."""

    def __init__(self) -> None:
        self.told: list[Expiry] = []
        self.away = 0
        self.was_told = asyncio.Event()

    async def expiry(self, expiry: Expiry) -> None:
        if self.away:
            self.away -= 1
            raise UnavailableError("no Kafka broker answers")
        self.told.append(expiry)
        self.was_told.set()


async def test_a_worker_says_once_of_each_question_that_its_time_is_over() -> None:
    topic, kept, clock, metrics = Topic(), MemoryDeadlines(), StillClock(), Metrics()
    for number in range(250):
        await kept.keep(replace(FIRST, run_id=f"run-{number}", expires_at=clock.now()))
    task = asyncio.create_task(Expiring(kept, topic, clock, metrics).watch(), name="look")
    async with asyncio.timeout(5):
        while len(topic.told) < 250:
            await topic.was_told.wait()
            topic.was_told.clear()
    task.cancel()
    assert len(set(topic.told)) == len(topic.told) == 250
    assert metrics.value(EXPIRED) == 250


async def test_what_could_not_be_said_is_said_later() -> None:
    topic, kept, clock = Topic(), MemoryDeadlines(), StillClock()
    topic.away = 1
    await kept.keep(replace(FIRST, expires_at=clock.now()))
    looking = Expiring(kept, topic, clock, Metrics())
    with pytest.raises(UnavailableError):
        await looking.look()
    assert await looking.look() == 0
    clock.pass_by(timedelta(seconds=AGAIN_S))
    assert await looking.look() == 1
    assert len(topic.told) == 1
