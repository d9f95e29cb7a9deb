"""What every store of replay jobs does."""

import asyncio

import pytest

from consumers.adapters.memory_jobs import MemoryJobs
from consumers.adapters.redis_jobs import RedisJobs
from consumers.ports.jobs import Jobs


@pytest.fixture(params=["memory", "redis", "redis_cluster", "redis_by_sentinel"])
def jobs(request: pytest.FixtureRequest) -> Jobs:
    return MemoryJobs() if request.param == "memory" else RedisJobs(request.getfixturevalue(request.param))


async def test_a_job_is_what_was_kept_last(jobs: Jobs) -> None:
    assert await jobs.find("j-1") is None
    await jobs.keep("j-1", {"id": "j-1", "state": "ordered"})
    await jobs.keep("j-1", {"id": "j-1", "state": "over"})
    assert await jobs.find("j-1") == {"id": "j-1", "state": "over"}


async def test_the_latest_job_is_listed_first(jobs: Jobs) -> None:
    assert await jobs.listed() == []
    for name in ("20261101-000000-aa", "20261103-000000-cc", "20261102-000000-bb"):
        await jobs.keep(name, {"id": name})
    assert [each["id"][-2:] for each in await jobs.listed()] == ["cc", "bb", "aa"]


async def test_of_each_event_the_last_word_counts(jobs: Jobs) -> None:
    assert dict(await jobs.ends("j-1")) == {}
    for number in range(1_500):
        await jobs.note("j-1", f"run-{number}", "success" if number % 3 else "waits")
    await jobs.note("j-1", "run-0", "success")
    await jobs.note("j-2", "run-0", "failed")
    assert dict(await jobs.ends("j-1")) == {"success": 1_001, "waits": 499}
    assert dict(await jobs.ends("j-2")) == {"failed": 1}


async def test_a_thing_is_taken_once_and_no_more_than_the_most(jobs: Jobs) -> None:
    assert dict(await jobs.used("j-1")) == {}
    assert await jobs.take("j-1", "effects", "key-1", 1, 2)
    assert await jobs.take("j-1", "effects", "key-1", 1, 2)
    assert await jobs.take("j-1", "effects", "key-2", 1, 2)
    assert not await jobs.take("j-1", "effects", "key-3", 1, 2)
    assert await jobs.take("j-1", "effects", "key-2", 1, 2)
    assert await jobs.take("j-1", "usd", "turn-1", 250_000, None)
    assert await jobs.take("j-2", "effects", "key-3", 1, 2)
    assert dict(await jobs.used("j-1")) == {"effects": 2, "usd": 250_000}


async def test_who_asks_at_once_gets_no_more_than_the_most(jobs: Jobs) -> None:
    asked = await asyncio.gather(
        *(jobs.take("j-1", "effects", f"key-{each % 8}", 1, 5) for each in range(40))
    )
    assert dict(await jobs.used("j-1")) == {"effects": 5}
    assert sum(asked) >= 5
