"""The stream of events in which a server answers, within a bound and without losing its connection."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Final

import aiohttp
import httpx2

from connectors.mcp.lines import Cutter

_EVENT_END: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_LINGER_S: Final = 0.1
_LINGER_CHUNKS: Final = 10


class Events(httpx2.AsyncByteStream):
    """A stream of events, handed on one by one, without those that are too long.

    Args:
        response: where they come from; closed with this.
        over_limit: returns the event in place of one that is too long, or nothing.
        max_bytes: of one event.
    """

    def __init__(
        self, response: aiohttp.ClientResponse, over_limit: Callable[[], bytes], max_bytes: int
    ) -> None:
        self._response = response
        self._over_limit = over_limit
        self._max_bytes = max_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        cutter = Cutter(self._max_bytes, _EVENT_END)
        try:
            async for chunk in self._response.content.iter_any():
                for cut in cutter.feed(chunk):
                    yield self._over_limit() if cut.too_long else cut.data + b"\n\n"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise httpx2.ReadError(type(error).__name__) from error

    async def aclose(self) -> None:
        """Close the response; one that ends in a moment leaves its connection for the next request."""
        try:
            async with asyncio.timeout(_LINGER_S):
                for _ in range(_LINGER_CHUNKS):
                    if not await self._response.content.readany():
                        break
        except (aiohttp.ClientError, TimeoutError, OSError):
            pass  # it does not
        finally:
            self._response.close()
