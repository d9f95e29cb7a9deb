"""What a job may use: each write once, before it begins; money after each answer, looked at before the next."""

from datetime import UTC, datetime
from typing import Any

import pytest

from consumers.adapters.memory_jobs import MemoryJobs
from consumers.replay.bounded import BoundedModel, BoundReachedError, JobAllowance
from consumers.replay.chosen import Chosen
from consumers.replay.job import Bounds, Job, Mode
from consumers.router.exchange import Prompt, Reply
from consumers.session.key import SessionKey
from schemas.outcome import Outcome, Status
from tests.consumers.run.shop_world import Crash, World, finish, reply, turns


def job(**bounds: Any) -> Job:
    at = datetime(2026, 11, 28, tzinfo=UTC)
    return Job("j", Mode.BACKFILL, "in", {0: (0, 9)}, Chosen(), None, "o", at, bounds=Bounds(**bounds))


class Dear:
    """A model whose every answer costs 40 cents."""

    def __init__(self) -> None:
        self.asked = 0

    async def reply(self, prompt: Prompt) -> Reply:
        del prompt
        self.asked += 1
        return Reply("m", "", (), "stop", 1, 1, 0.4)


async def test_a_write_is_taken_once_however_often_it_is_tried() -> None:
    allowance = JobAllowance(job(effects=2), MemoryJobs())
    for key in ("a", "b", "a", "b"):
        await allowance.begin(key)
    with pytest.raises(BoundReachedError, match="bound of 2 effects"):
        await allowance.begin("c")


async def test_a_write_that_was_announced_before_is_brought_to_an_end_above_the_bound_as_well() -> None:
    jobs = MemoryJobs()
    allowance = JobAllowance(job(effects=1), jobs)
    for key in ("a", "b"):
        await allowance.begun(key)
    assert await jobs.used("j") == {"effects": 2}
    with pytest.raises(BoundReachedError):
        await allowance.begin("c")
    await allowance.begin("a")  # it is its own already


async def test_the_model_is_not_asked_again_once_its_answers_cost_what_they_may() -> None:
    jobs, dear = MemoryJobs(), Dear()
    model = BoundedModel(dear, job(usd=1.0), jobs)
    for _ in range(3):
        await model.reply(Prompt((), (), 1, "r"))
    with pytest.raises(BoundReachedError, match=r"\$1\.00 is reached, by \$1\.20"):
        await model.reply(Prompt((), (), 1, "r"))
    assert dear.asked == 3
    assert await jobs.used("j") == {"usd": 1_200_000}


async def test_without_a_bound_it_is_counted_all_the_same() -> None:
    jobs = MemoryJobs()
    model, allowance = BoundedModel(Dear(), job(), jobs), JobAllowance(job(), jobs)
    for number in range(5):
        await model.reply(Prompt((), (), 1, "r"))
        await allowance.begin(str(number))
    assert await jobs.used("j") == {"usd": 2_000_000, "effects": 5}


ORDER = reply(("shop__order", {"quantity": 2}))
SHIP = reply(("shop__ship", {"order_id": "O-1"}))


async def test_a_run_stops_before_the_intent_of_a_write_too_many_and_goes_on_there_under_a_new_order() -> (
    None
):
    world = World(turns(ORDER, SHIP, reply(finish())))
    world.allowance = JobAllowance(job(effects=1), MemoryJobs())

    with pytest.raises(BoundReachedError):
        await world.work()

    assert world.effects == ["order"]
    assert "t2/c0/intent" not in {step.place for step in world.outbox.step_log}
    asked = world.model.asked
    world.allowance = JobAllowance(job(effects=1), MemoryJobs())
    end = await world.work()
    assert isinstance(end, Outcome)
    assert (end.status, world.effects, world.model.asked) == (Status.SUCCESS, ["order", "ship"], asked + 1)


async def test_what_was_done_is_undone_although_the_bound_is_reached() -> None:
    world = World(turns(ORDER, reply(finish("failed", "No."))))
    jobs = MemoryJobs()
    world.allowance = JobAllowance(job(effects=1), jobs)

    end = await world.work()

    assert isinstance(end, Outcome)
    assert (end.status, world.effects) == (Status.COMPENSATED, ["order", "cancel"])
    assert await jobs.used("j") == {"effects": 1}


async def test_a_write_that_a_dead_worker_announced_is_ended_by_a_job_that_may_do_nothing() -> None:
    for at in range(1, 40):
        world = World(turns(ORDER, reply(finish())))
        world.fuse.crash_at = at
        try:
            await world.work()
        except Crash:
            pass
        else:
            break
        if "t1/c0/intent" in await _places(world):
            world.fuse.crash_at = None
            world.allowance = JobAllowance(job(effects=0), MemoryJobs())
            end = await world.work()
            assert isinstance(end, Outcome)
            assert (end.status, world.effects) == (Status.SUCCESS, ["order"])
            return
    raise AssertionError("no crash left an intent behind")


async def _places(world: World) -> set[str]:
    world.fuse.crash_at = None
    key = SessionKey(world.event.tenant, world.event.session_id)
    return set(await world.sessions.read(key, world.event.run_id))
