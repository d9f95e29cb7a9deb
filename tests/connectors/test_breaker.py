"""The circuit breaker: when it opens, whom it lets through, and that a probe is alone."""

import asyncio
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.breaker import Breaker, BreakerLimits, Permit, State

LIMITS = BreakerLimits(in_a_row=3, rate=0.5, window=10, open_s=5.0, longest_open_s=60.0)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def made(clock: Clock, limits: BreakerLimits = LIMITS) -> tuple[Breaker, list[State]]:
    states: list[State] = []
    return Breaker(limits, clock=clock, told=states.append), states


def fail(breaker: Breaker, after_s: float | None = None) -> None:
    permit = breaker.admit()
    assert permit
    with permit:
        permit.failed(after_s)


def succeed(breaker: Breaker) -> None:
    permit = breaker.admit()
    assert permit
    with permit:
        permit.succeeded()


def opened(clock: Clock) -> Breaker:
    breaker, _ = made(clock)
    for _ in range(3):
        fail(breaker)
    assert breaker.state is State.OPEN
    return breaker


def test_faults_in_a_row_open_it_and_a_success_between_them_does_not() -> None:
    breaker, states = made(Clock())
    for step in (fail, fail, succeed, fail, fail):
        step(breaker)
    assert breaker.state is State.CLOSED
    fail(breaker)
    assert breaker.state is State.OPEN
    assert states == [State.OPEN]
    assert breaker.admit() is None


def test_a_share_of_faults_opens_it_once_the_window_is_full() -> None:
    breaker, _ = made(Clock())
    for _ in range(4):
        fail(breaker)
        succeed(breaker)
    fail(breaker)
    assert breaker.state is State.CLOSED, "nine calls are no window"
    succeed(breaker)
    fail(breaker)
    assert breaker.state is State.OPEN


def test_a_wait_that_is_asked_for_opens_it_at_once_for_so_long() -> None:
    clock = Clock()
    breaker, _ = made(clock)
    fail(breaker, after_s=90.0)
    assert breaker.wait_s == 90.0
    clock.now += 89.9
    assert breaker.admit() is None
    clock.now += 0.1
    assert breaker.admit()


def test_each_probe_that_fails_doubles_the_time_up_to_the_longest() -> None:
    clock = Clock()
    breaker = opened(clock)
    waits: list[float] = []
    for _ in range(6):
        waits.append(breaker.wait_s)
        clock.now += breaker.wait_s
        fail(breaker)
    assert waits == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]
    clock.now += breaker.wait_s
    succeed(breaker)
    for _ in range(3):
        fail(breaker)
    assert breaker.wait_s == 5.0, "once closed, it begins anew"


@pytest.mark.parametrize("ends", ["succeeded", "failed", "cancelled"])
async def test_of_hundreds_of_callers_one_is_let_through_when_it_is_half_open(ends: str) -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 5.0
    gate, through, refused = asyncio.Event(), 0, 0

    async def call() -> None:
        nonlocal through, refused
        permit = breaker.admit()
        if permit is None:
            refused += 1
            return
        with permit:
            through += 1
            await gate.wait()
            permit.succeeded() if ends == "succeeded" else permit.failed()

    callers = [asyncio.create_task(call(), name=f"caller-{number}") for number in range(400)]
    while through + refused < 400:
        await asyncio.sleep(0)
    assert (through, refused) == (1, 399)
    if ends == "cancelled":
        callers[0].cancel()
    gate.set()
    await asyncio.gather(*callers, return_exceptions=True)
    after = {"succeeded": State.CLOSED, "failed": State.OPEN, "cancelled": State.HALF_OPEN}
    assert breaker.state is after[ends]
    assert bool(breaker.admit()) is (ends != "failed"), "a cancelled probe frees its place"


def test_what_was_let_through_before_it_opened_neither_closes_nor_doubles_it() -> None:
    clock = Clock()
    breaker, states = made(clock)
    early = [breaker.admit() for _ in range(4)]
    assert all(early)
    for _ in range(3):
        fail(breaker)
    for number, permit in enumerate(early):
        assert permit
        with permit:
            permit.succeeded() if number % 2 else permit.failed()
    assert states == [State.OPEN]
    assert breaker.wait_s == 5.0


def test_a_late_fault_that_asks_for_a_longer_wait_gets_it() -> None:
    breaker, _ = made(Clock())
    late = breaker.admit()
    assert late
    fail(breaker, after_s=10.0)
    with late:
        late.failed(after_s=30.0)
    assert breaker.wait_s == 30.0


def test_how_a_call_ended_counts_once() -> None:
    breaker, _ = made(Clock())
    permit = breaker.admit()
    assert permit
    with permit:
        for _ in range(5):
            permit.failed()
    assert breaker.state is State.CLOSED


STEPS = st.lists(
    st.one_of(
        st.sampled_from(["admit", "succeed", "fail", "give up"]),
        st.floats(0.0, 30.0, allow_nan=False),
        st.floats(0.0, 200.0, allow_nan=False).map(lambda wait: ("fail", wait)),
    ),
    max_size=80,
)


@given(STEPS, st.randoms(use_true_random=False))
def test_whatever_happens_nobody_passes_while_open_and_one_at_most_while_half_open(
    steps: list[Any], random: Random
) -> None:
    clock = Clock()
    breaker, _ = made(clock)
    under_way: list[tuple[Permit, State]] = []
    for step in steps:
        if isinstance(step, float):
            clock.now += step
        elif step == "admit":
            waits = breaker.wait_s
            permit = breaker.admit()
            assert permit is None or waits == 0.0
            assert permit or breaker.wait_s > 0.0, "who is not let through knows for how long"
            if permit:
                under_way.append((permit, breaker.state))
        elif under_way:
            permit, _ = under_way.pop(random.randrange(len(under_way)))
            with permit:
                if step == "succeed":
                    permit.succeeded()
                elif step != "give up":
                    permit.failed(step[1] if isinstance(step, tuple) else None)
        if breaker.state is State.HALF_OPEN:
            probes = [permit for permit, state in under_way if state is State.HALF_OPEN]
            alive = [permit for permit in probes if permit.era == probes[-1].era]
            assert len(alive) <= 1
