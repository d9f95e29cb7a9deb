"""Working ahead: in order, within a bound, and ended with whoever takes."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from consumers.replay.ahead import ahead


class Source:
    """Counts upwards, and notes how far it has come."""

    def __init__(self, count: int, fails: bool = False) -> None:
        self.given = 0
        self.closed = False
        self._count = count
        self._fails = fails

    async def read(self) -> AsyncGenerator[int]:
        try:
            for number in range(self._count):
                self.given = number + 1
                yield number
            if self._fails:
                raise ValueError("the source broke")
        finally:
            self.closed = True


async def settled() -> None:
    """Let every task go on until each of them waits."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_all_comes_in_order() -> None:
    async with aclosing(ahead(Source(100).read(), 2, "test", asyncio.Event())) as numbers:
        assert [number async for number in numbers] == list(range(100))


async def test_no_more_is_taken_in_advance_than_the_bound() -> None:
    source = Source(100)
    async with aclosing(ahead(source.read(), 2, "test", asyncio.Event())) as numbers:
        assert await anext(numbers) == 0
        await settled()
        assert source.given == 4, "the one that was taken, two that wait, and one that has no place yet"


async def test_what_the_source_raises_comes_after_all_that_it_gave() -> None:
    found: list[int] = []
    with pytest.raises(ValueError, match="the source broke"):
        async with aclosing(ahead(Source(3, fails=True).read(), 8, "test", asyncio.Event())) as numbers:
            async for number in numbers:
                found.append(number)  # noqa: PERF401 - what was found before the error counts
    assert found == [0, 1, 2]


async def test_whoever_waits_is_let_go_when_it_is_over_and_no_task_is_left() -> None:
    over = asyncio.Event()

    async def never() -> AsyncGenerator[int]:
        yield 1
        await asyncio.Event().wait()

    before = asyncio.all_tasks()
    async with asyncio.timeout(5), aclosing(ahead(never(), 2, "test", over)) as numbers:
        assert await anext(numbers) == 1
        waiting = asyncio.ensure_future(anext(numbers, None))
        await settled()
        over.set()
        assert await waiting is None
    assert asyncio.all_tasks() == before


async def test_closing_it_ends_the_source() -> None:
    source = Source(100)
    async with (
        aclosing(source.read()) as reading,
        aclosing(ahead(reading, 1, "test", asyncio.Event())) as numbers,
    ):
        await anext(numbers)
        assert not source.closed
    assert source.closed
