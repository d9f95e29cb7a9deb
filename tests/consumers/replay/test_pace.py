"""A job takes records by its rate, and none while live work is behind. In virtual time."""

import asyncio

import pytest

from consumers.errors import UnavailableError
from consumers.replay.pace import Pace
from tests.consumers.runtime.loop_stage import now, virtual


@virtual
async def test_a_rate_is_kept_over_any_second_by_all_tasks_together() -> None:
    pace, taken = Pace(10.0), []

    async def take() -> None:
        for _ in range(10):
            await pace.ready(1)
            taken.append(now())

    await asyncio.gather(take(), take(), take())

    assert len(taken) == 30
    for at in taken:
        assert sum(at <= other < at + 0.999 for other in taken) <= 10
    assert taken[-1] - taken[0] == pytest.approx(2.9)


@virtual
async def test_a_pause_saves_nothing_up() -> None:
    pace = Pace(10.0)
    await asyncio.sleep(60)
    began = now()
    for _ in range(11):
        await pace.ready(1)
    assert now() - began == pytest.approx(1.0)


@virtual
async def test_many_records_at_once_cost_as_much_as_one_after_the_other() -> None:
    pace = Pace(100.0)
    began = now()
    await pace.ready(500)
    await pace.ready(1)
    assert now() - began == pytest.approx(5.0)


@virtual
async def test_nothing_is_taken_while_live_work_is_behind_which_is_asked_once_a_second() -> None:
    asked: list[float] = []

    async def lag() -> int:
        asked.append(now())
        return 500 if len(asked) <= 3 else 100

    pace = Pace(None, lag, most_lag=100)
    began = now()
    await asyncio.gather(*(pace.ready(1) for _ in range(50)))

    assert now() - began == pytest.approx(3.0)
    assert asked == [pytest.approx(began + second) for second in range(4)]
    assert pace.yields == 3


@virtual
async def test_nothing_is_taken_while_nobody_can_say_how_far_live_work_is() -> None:
    async def lag() -> int:
        raise UnavailableError("no broker")

    pace = Pace(None, lag)
    with pytest.raises(UnavailableError):
        await pace.ready(1)
    waiting = asyncio.create_task(pace.ready(1))
    await asyncio.sleep(0.9)
    assert not waiting.done()
    with pytest.raises(UnavailableError):
        await waiting


@virtual
async def test_whoever_is_cancelled_while_it_waits_has_taken_nothing() -> None:
    pace = Pace(1.0)
    await pace.ready(1)
    waiting = asyncio.create_task(pace.ready(1))
    await asyncio.sleep(0.5)
    waiting.cancel()
    began = now()
    await pace.ready(1)
    assert now() - began == pytest.approx(0.5)


@virtual
async def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 0"):
        Pace(0.0)
