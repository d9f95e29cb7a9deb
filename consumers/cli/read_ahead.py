"""A blocking iterator, such as lines of standard input, as an asynchronous one."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from typing import Final, TypeVar

Item = TypeVar("Item")

_ROOM: Final = 100
"""Items that may wait to be taken."""


async def read_ahead(items: Iterator[Item]) -> AsyncGenerator[Item]:
    """Yield what an iterator gives, in order, without blocking the event loop; raises what it raises.

    It is read by a daemon thread and not by the loop's executor: that one is waited for at the end, so that
    Ctrl-C would have no effect before the next line of a silent input.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[tuple[Item] | Exception | None] = asyncio.Queue()
    room = threading.Semaphore(_ROOM)

    def put(entry: tuple[Item] | Exception | None) -> None:
        room.acquire()
        loop.call_soon_threadsafe(queue.put_nowait, entry)

    def read() -> None:
        with suppress(RuntimeError):  # the loop has ended meanwhile: nobody reads any more
            try:
                for item in items:
                    put((item,))
                put(None)
            except Exception as error:  # noqa: BLE001 - raised again where the items are taken
                put(error)

    threading.Thread(target=read, name="read ahead", daemon=True).start()
    while (entry := await queue.get()) is not None:
        room.release()
        if isinstance(entry, Exception):
            raise entry
        yield entry[0]
