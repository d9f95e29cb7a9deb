"""Real servers for the tests of this folder, each kind started once where it is needed, and emptied before each test."""

from collections.abc import AsyncIterator
from typing import cast

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from consumers.adapters.redis_cluster import WaitingCluster
from consumers.adapters.redis_connection import connect
from consumers.adapters.redis_sentinel import SentinelRedis
from consumers.app.redis_login import redis_client
from tests.consumers.adapters.sessions.redis_servers import Cluster, Server, Watched, cluster, server, watched

NAME = "pointsman-test"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def one_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with server(tmp_path_factory.mktemp("redis")) as started:
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def cluster_servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    async with cluster(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def watched_servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    async with watched(tmp_path_factory.mktemp("watched")) as started:
        yield started


@pytest.fixture
def redis_url(one_server: Server) -> str:
    return one_server.url


@pytest_asyncio.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with connect(redis_url, name=NAME) as client:
        await client.flushall()
        yield client


@pytest_asyncio.fixture
async def redis_cluster(cluster_servers: Cluster) -> AsyncIterator[WaitingCluster]:
    async with redis_client(cluster_servers.settings, name=NAME) as client:
        await client.flushall()
        yield cast("WaitingCluster", client)


@pytest_asyncio.fixture
async def redis_by_sentinel(watched_servers: Watched) -> AsyncIterator[SentinelRedis]:
    async with redis_client(watched_servers.settings, name=NAME) as client:
        await client.flushall()
        yield cast("SentinelRedis", client)
