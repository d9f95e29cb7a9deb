"""A real Valkey for the tests of this folder: one a session, emptied before each test."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from consumers.adapters.redis_connection import connect
from consumers.local.redis_server import local_redis


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def redis_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    async with local_redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest_asyncio.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with connect(redis_url, name="pointsman-test") as client:
        await client.flushall()
        yield client
