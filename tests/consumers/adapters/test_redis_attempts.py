"""Marks of attempts on a real Redis."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from consumers.adapters.redis_attempts import RedisAttempts
from consumers.adapters.redis_connection import Client, connect
from consumers.errors import UnavailableError
from consumers.local.redis_server import local_redis
from consumers.ports.consumer_group import PartitionId

ONE, TWO = PartitionId("orders", 0), PartitionId("orders", 1)


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncGenerator[Client]:
    async with local_redis(tmp_path / "redis") as url:
        client = connect(url)
        yield client
        await client.aclose()


async def test_a_mark_is_left_for_others_of_the_same_group_until_it_is_ended(redis: Client) -> None:
    mine, others = RedisAttempts(redis, "a"), RedisAttempts(redis, "b")
    await mine.begin(ONE, 7)
    await mine.begin(ONE, 1007)
    assert await RedisAttempts(redis, "a").left({ONE, TWO}) == {ONE: 1007}
    assert await others.left({ONE, TWO}) == {}
    await others.end({ONE})
    assert await mine.left({ONE}) == {ONE: 1007}
    await mine.end({ONE, TWO})
    assert await mine.left({ONE, TWO}) == {}


async def test_a_mark_does_not_stay_for_ever(redis: Client) -> None:
    await RedisAttempts(redis, "a").begin(ONE, 7)
    (key,) = await redis.keys("*")
    assert 0 < await redis.ttl(key) <= 7 * 86_400


async def test_without_redis_it_says_so() -> None:
    client = connect("redis://127.0.0.1:1", timeout_s=0.2)
    with pytest.raises(UnavailableError):
        await RedisAttempts(client, "a").left({ONE})
    await client.aclose()
