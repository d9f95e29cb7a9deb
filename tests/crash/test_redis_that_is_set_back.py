"""The Redis of the crash matrix loses what it is told to lose, and nothing else."""

import sys
from collections.abc import AsyncGenerator, Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from redis.asyncio import Redis

CRASH = Path(__file__).parents[2] / "ops" / "crash"
TWO_IN_ONE = "redis.call('SET', KEYS[1], 'x') redis.call('SET', KEYS[2], 'x')"


@pytest.fixture(scope="module")
def parts() -> Iterator[SimpleNamespace]:
    """The scripts' modules, found as the scripts find each other; gone afterwards, since their names are short."""
    before = set(sys.modules)
    sys.path.insert(0, str(CRASH))
    try:
        yield SimpleNamespace(redis_server=import_module("redis_server"))
    finally:
        sys.path.remove(str(CRASH))
        for name in set(sys.modules) - before:
            if Path(getattr(sys.modules[name], "__file__", None) or "").parent == CRASH:
                del sys.modules[name]


@pytest.fixture
async def server(parts: SimpleNamespace, tmp_path: Path) -> AsyncGenerator[Any]:
    async with parts.redis_server.open_redis(tmp_path) as made:
        async with client_of(made) as client:
            for name in "abcde":
                await client.set(name, "x")
            await client.eval(TWO_IN_ONE, 2, "f", "g")  # pyright: ignore[reportGeneralTypeIssues] - it is awaitable
        yield made


def client_of(server: Any) -> Redis:
    return Redis.from_url(f"redis://127.0.0.1:{server.port}/0", protocol=2)


async def names(server: Any) -> str:
    async with client_of(server) as client:
        found: list[bytes] = await client.keys()  # pyright: ignore[reportAssignmentType] - nothing is decoded
        return b"".join(sorted(found)).decode()


async def test_a_kill_loses_nothing(server: Any) -> None:
    await server.kill()
    assert await names(server) == "abcdefg"


async def test_a_cut_loses_the_last_step_whole(server: Any) -> None:
    await server.cut(several=False)
    assert await names(server) == "abcde"


async def test_a_deeper_cut_loses_several_steps(server: Any) -> None:
    await server.cut(several=True)
    assert await names(server) == "ab"


async def test_it_works_on_after_a_cut(server: Any) -> None:
    await server.cut(several=False)
    async with client_of(server) as client:
        await client.set("h", "x")
    await server.kill()
    assert await names(server) == "abcdeh"


async def test_a_flush_loses_all(server: Any) -> None:
    await server.flush()
    assert await names(server) == ""
