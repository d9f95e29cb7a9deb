"""Before one system: no more calls at once, or a second, than it can bear, and none while it does not work."""

import asyncio
from dataclasses import dataclass

import pytest

from connectors.breaker import BreakerLimits
from connectors.errors import BusyError, FailedError, InDoubtError, NotSentError, UnusableResultError
from consumers.adapters.connector_gate import CallLimits, Gate
from consumers.telemetry.metrics import CONNECTOR_BREAKER, CONNECTOR_WAITS, Metrics

CLOSED, HALF_OPEN, OPEN = 0, 1, 2
TWICE = CallLimits(breaker=BreakerLimits(in_a_row=2, open_s=5, longest_open_s=60))


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate(metrics: Metrics, clock: Clock) -> Gate:
    return Gate("erp", TWICE, metrics, wait_s=0.02, clock=clock)


async def fail(gate: Gate, *errors: Exception) -> None:
    for error in errors:
        with pytest.raises(type(error)):
            async with gate.passed("erp.look"):
                raise error


async def test_no_more_calls_than_slots_are_under_way_at_once(metrics: Metrics) -> None:
    gate = Gate("erp", CallLimits(at_once=2), metrics, wait_s=5)
    under_way, most, go = 0, 0, asyncio.Event()

    async def call() -> None:
        nonlocal under_way, most
        async with gate.passed("erp.look"):
            under_way += 1
            most = max(most, under_way)
            await go.wait()
            under_way -= 1

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(call(), name="call")
        while metrics.value(CONNECTOR_WAITS, "erp", "slot") < 6:
            await asyncio.sleep(0)
        go.set()
    assert most == 2


@pytest.mark.parametrize(
    ("limits", "reason", "says"),
    [
        (CallLimits(at_once=1), "slot", "erp.change: no free slot within 0.02 s"),
        (CallLimits(per_second=0.001), "rate", "no turn, by connectors.erp.calls.per_second, within 0.02 s"),
    ],
)
async def test_a_call_without_a_place_in_time_is_not_made(
    metrics: Metrics, limits: CallLimits, reason: str, says: str
) -> None:
    gate = Gate("erp", limits, metrics, wait_s=0.02)
    async with gate.passed("erp.look"):
        with pytest.raises(BusyError, match=says):
            async with gate.passed("erp.change"):
                raise AssertionError("it was let through")
    assert metrics.value(CONNECTOR_WAITS, "erp", reason) == 1


async def test_as_many_calls_as_the_rate_says_may_come_in_a_burst(metrics: Metrics) -> None:
    gate = Gate("erp", CallLimits(per_second=50), metrics, wait_s=0)
    for _ in range(50):
        async with gate.passed("erp.look"):
            pass
    assert metrics.value(CONNECTOR_WAITS, "erp", "rate") == 0


@pytest.mark.parametrize(
    "error",
    [NotSentError("refused"), InDoubtError("no answer"), BusyError("503")],
    ids=lambda e: type(e).__name__,
)
async def test_a_system_that_does_not_work_is_left_alone_and_then_probed_by_one(
    gate: Gate, metrics: Metrics, clock: Clock, error: Exception
) -> None:
    await fail(gate, error, error)
    assert metrics.value(CONNECTOR_BREAKER, "erp") == OPEN
    with pytest.raises(BusyError, match=r"erp failed too often and is left alone for 5\.0 s") as refused:
        async with gate.passed("erp.look"):
            raise AssertionError("it was let through")
    assert refused.value.retry_after_s == 5
    clock.now = 5
    async with gate.passed("erp.look"):
        assert metrics.value(CONNECTOR_BREAKER, "erp") == HALF_OPEN
        with pytest.raises(BusyError):
            async with gate.passed("erp.look"):
                raise AssertionError("a second one was let through")
    assert metrics.value(CONNECTOR_BREAKER, "erp") == CLOSED
    assert metrics.value(CONNECTOR_WAITS, "erp", "breaker") == 2


async def test_a_system_that_refuses_or_answers_uselessly_works(gate: Gate, metrics: Metrics) -> None:
    refusals = (FailedError("no such order"), UnusableResultError("no JSON", executed=False))
    for _ in range(20):
        await fail(gate, *refusals)
    assert metrics.value(CONNECTOR_BREAKER, "erp") == CLOSED


@pytest.mark.parametrize(("asked_s", "waits_s"), [(7.0, 7), (604_800.0, 60)])
async def test_a_wait_that_a_system_asks_for_is_kept_within_the_longest(
    gate: Gate, asked_s: float, waits_s: float
) -> None:
    await fail(gate, BusyError("429", retry_after_s=asked_s))
    with pytest.raises(BusyError) as refused:
        async with gate.passed("erp.look"):
            raise AssertionError("it was let through")
    assert refused.value.retry_after_s == waits_s


async def test_a_cancelled_call_gives_its_place_back_and_says_nothing_of_the_system(metrics: Metrics) -> None:
    gate = Gate("erp", CallLimits(at_once=1, breaker=BreakerLimits(in_a_row=1)), metrics, wait_s=1)
    inside = asyncio.Event()

    async def call() -> None:
        async with gate.passed("erp.look"):
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(call(), name="call")
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with gate.passed("erp.look"):
        assert metrics.value(CONNECTOR_BREAKER, "erp") == CLOSED
