"""The openai SDK's client as we want it: on aiohttp, bounded, without redirects and without own retries."""

from collections.abc import AsyncIterator
from typing import Final

import httpx2
from openai import AsyncOpenAI, DefaultAioHttpClient

from consumers.adapters.openai_settings import ModelSettings

RESPONSE_LIMIT_BYTES: Final = 4 * 1024 * 1024
"""Of a response, which is asked for without compression; what is longer counts as a broken connection."""


def open_client(settings: ModelSettings) -> AsyncOpenAI:
    """Return a client; it connects with the first request and must be closed."""
    timeout = httpx2.Timeout(settings.timeout_s, connect=settings.connect_timeout_s)
    return AsyncOpenAI(
        base_url=settings.base_url,
        api_key=settings.api_key.get_secret_value(),
        max_retries=0,
        timeout=timeout,
        default_headers={"Accept-Encoding": "identity"},
        http_client=DefaultAioHttpClient(
            timeout=timeout,
            limits=httpx2.Limits(max_connections=settings.max_concurrency),
            # Events must not follow a redirect to somewhere the configuration does not name, and what is on
            # this machine needs no proxy.
            follow_redirects=False,
            trust_env=not settings.is_loopback,
            event_hooks={"response": [_bound]},
        ),
    )


async def _bound(response: httpx2.Response) -> None:
    encoding = response.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        # We asked for a plain body: what it unfolds to could be any number of times the limit.
        raise httpx2.DecodingError("an encoded response, where a plain one was asked for")
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = _Bounded(response.stream)


class _Bounded(httpx2.AsyncByteStream):
    """A body that ends with an error above the limit, so that an endpoint cannot fill the memory."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        received = 0
        async for chunk in self._stream:
            received += len(chunk)
            if received > RESPONSE_LIMIT_BYTES:
                raise httpx2.ReadError(f"a response above {RESPONSE_LIMIT_BYTES} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
