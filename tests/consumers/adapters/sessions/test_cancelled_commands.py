"""A command that is cancelled ends its task, whenever that comes, and its connection gives nobody else its answer."""

import asyncio

from redis.asyncio import Redis

from consumers.adapters.redis_connection import connect

BUSY = "for _ = 1, 1000000 do end return 'late'"
"""A script whose answer is under way for some milliseconds: whoever uses its connection meanwhile would be given it."""


async def test_a_cancellation_is_heeded_at_every_moment_of_a_command(redis_url: str, redis: Redis) -> None:
    del redis
    ended = []
    async with connect(redis_url) as client:

        async def ask() -> object:
            return await client.eval(BUSY, 0)

        await client.set("other", "another")
        for moment in range(40):
            task = asyncio.create_task(ask(), name=f"cancelled at {moment}")
            for _ in range(moment):
                await asyncio.sleep(0)
            asked = task.cancel()
            async with asyncio.timeout(10):
                await asyncio.wait([task])
            assert task.cancelled() is asked, moment
            ended.append(asked)
            assert await client.get("other") == b"another"

    assert ended[0]
    assert ended.count(True) > 3
