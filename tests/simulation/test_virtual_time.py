"""The clock of the simulation jumps, a run repeats, owners can be stopped, and waiting for ever is an error."""

import asyncio
import random
import time

import pytest

from tests.simulation.virtual_time import STARTS_AT, DeadlockError, VirtualTimeLoop, owned, run


def loop() -> VirtualTimeLoop:
    found = asyncio.get_running_loop()
    assert isinstance(found, VirtualTimeLoop)
    return found


def test_hours_pass_at_once() -> None:
    async def played() -> float:
        await asyncio.sleep(36_000)
        return loop().time()

    began = time.monotonic()
    assert run(played()) == pytest.approx(STARTS_AT + 36_000)
    assert time.monotonic() - began < 1


def test_timers_come_in_their_order() -> None:
    async def played() -> list[int]:
        seen: list[int] = []

        async def note(number: int) -> None:
            await asyncio.sleep(number)
            seen.append(number)

        await asyncio.gather(*map(note, (3, 1, 2)))
        return seen

    assert run(played()) == [1, 2, 3]


def test_timeouts_and_cancelled_timers_work() -> None:
    async def played() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.sleep(100)
        return loop().time()

    assert run(played()) == pytest.approx(STARTS_AT + 5)


@pytest.mark.parametrize("seed", range(3))
def test_the_same_seed_gives_the_same_order(seed: int) -> None:
    async def played() -> list[int]:
        seen: list[int] = []

        async def note(number: int) -> None:
            for _ in range(3):
                await asyncio.sleep(0)
                seen.append(number)

        await asyncio.gather(*map(note, range(10)))
        return seen

    first, second = (run(played(), shuffle=random.Random(seed)) for _ in range(2))
    assert first == second
    assert first != run(played())


def test_waiting_for_ever_is_an_error() -> None:
    async def played() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(DeadlockError, match="everybody waits"):
        run(played())


def test_going_on_for_ever_is_an_error() -> None:
    async def played() -> None:
        while True:
            await asyncio.sleep(1)

    with pytest.raises(DeadlockError, match="after"):
        run(played(), horizon_s=60)


def test_a_frozen_owner_does_nothing_and_is_late_afterwards() -> None:
    async def played() -> tuple[list[float], list[float]]:
        frozen: list[float] = []
        free: list[float] = []

        async def tick(seen: list[float]) -> None:
            for _ in range(5):
                await asyncio.sleep(1)
                seen.append(round(loop().time() - STARTS_AT))

        async def started() -> None:
            await asyncio.create_task(tick(frozen))  # what an owner starts is the owner's

        one, two = owned("one", started()), owned("two", tick(free))
        await asyncio.sleep(2.5)
        loop().freeze("one")
        await asyncio.sleep(10)
        assert len(frozen) == 2
        loop().thaw("one")
        await asyncio.gather(one, two)
        return frozen, free

    frozen, free = run(played())
    assert frozen[:2] == [1, 2]
    assert frozen[2] >= 12
    assert free == [1, 2, 3, 4, 5]


def test_what_is_left_is_ended() -> None:
    ended: list[str] = []

    async def played() -> None:
        async def work() -> None:
            try:
                await asyncio.sleep(1000)
            finally:
                await asyncio.sleep(1)
                ended.append("in order")

        owned("somebody", work())
        owned("frozen", work())
        await asyncio.sleep(1)
        loop().freeze("frozen")

    run(played())
    assert ended == ["in order"] * 2
