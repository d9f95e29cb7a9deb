"""Working ahead: a stage of a pipeline goes on while the next one is busy, and no further than a bound."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, TypeVar

Item = TypeVar("Item")


class _End:
    """Nothing more comes."""


async def ahead(
    source: AsyncIterator[Item], most: int, name: str, over: asyncio.Event
) -> AsyncGenerator[Item]:
    """Yield what a source yields, which a task of this name takes in advance, so many items at most.

    What the source raises comes after all that it yielded. Where `over` is set, or this is closed, the task ends, and
    what it took in advance is dropped.
    """
    queue: asyncio.Queue[Item | Exception | _End] = asyncio.Queue(most)

    async def fill() -> None:
        try:
            async for item in source:
                await queue.put(item)
        except Exception as error:  # noqa: BLE001 - raised again, in the task that takes
            await queue.put(error)
        else:
            await queue.put(_End())

    tasks: list[asyncio.Task[Any]] = [
        asyncio.create_task(fill(), name=name),
        asyncio.create_task(over.wait(), name=f"{name}: until it is over"),
    ]
    try:
        while True:
            taking = asyncio.create_task(queue.get(), name=f"{name}: take")
            tasks[2:] = [taking]
            await asyncio.wait(tasks[1:], return_when=asyncio.FIRST_COMPLETED)
            if over.is_set():
                return
            item: Item | Exception | _End = taking.result()
            if isinstance(item, Exception):
                raise item
            if isinstance(item, _End):
                return
            yield item
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
