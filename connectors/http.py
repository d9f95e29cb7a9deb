"""A small pooled JSON-over-HTTP client whose errors say what is known about the effect.

It talks to one origin, follows no redirects, reads no proxy variables and no unbounded bodies. Paths are given as
segments, each of them quoted, so that a model's `../admin?x=` stays one harmless segment.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import orjson
from pydantic import SecretStr
from yarl import URL

from connectors.errors import ActionError, FailedError, InDoubtError, NotSentError
from connectors.http_answer import read_answer, too_large

_CONNECT_SHARE = 0.5
"""Share of a call's time that waiting for a connection may take, so that the two timeouts stay distinguishable."""


@asynccontextmanager
async def open_http(
    base_url: str,
    *,
    token: SecretStr | None = None,
    timeout_s: float = 10.0,
    max_body_bytes: int = 1 << 20,
    connections: int = 100,
) -> AsyncGenerator["HttpClient"]:
    """Open a client for one origin; connects with the first request, closes its pool at the end.

    Args:
        base_url: scheme, host, port and an optional path prefix; nothing else.
        token: sent as bearer token, never logged.
        timeout_s: for a whole request; a single call may shorten it.
        max_body_bytes: longer answers are refused.
        connections: how many at once; further calls wait within their timeout.

    Raises:
        ValueError: where base_url has no http(s) scheme and host, or has credentials, query or fragment.
    """
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "pointsman"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token.get_secret_value()}"
    session = aiohttp.ClientSession(
        headers=headers,
        connector=aiohttp.TCPConnector(limit=connections),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        # A few compressed bytes could become gigabytes; we ask for none and accept none.
        auto_decompress=False,
    )
    async with session:
        yield HttpClient(session, _checked(base_url), timeout_s=timeout_s, max_body_bytes=max_body_bytes)


class HttpClient:
    """What an HTTP connector's actions call with. Get one from `open_http`.

    Every method returns the decoded JSON body, or None for an empty one, and raises only errors of
    `connectors.errors` (and CancelledError, after which the effect is as unknown as after InDoubtError).
    """

    def __init__(
        self, session: aiohttp.ClientSession, base_url: str, *, timeout_s: float, max_body_bytes: int
    ) -> None:
        self._session = session
        self._base_url = base_url
        self._timeout_s = timeout_s
        self._max_body_bytes = max_body_bytes

    async def get(self, *path: str, timeout_s: float | None = None) -> Any:
        """Read the resource at these path segments."""
        return await self._request("GET", path, timeout_s=timeout_s)

    async def post(
        self,
        *path: str,
        body: Mapping[str, Any] | None = None,
        key: str | None = None,
        timeout_s: float | None = None,
    ) -> Any:
        """Post a JSON object to these path segments, with `Idempotency-Key: key` where one is given."""
        return await self._request("POST", path, body=body, key=key, timeout_s=timeout_s)

    async def _request(
        self,
        method: str,
        path: tuple[str, ...],
        *,
        body: Mapping[str, Any] | None = None,
        key: str | None = None,
        timeout_s: float | None = None,
    ) -> Any:
        headers: dict[str, str] = {}
        if key is not None:
            headers["Idempotency-Key"] = key
        if body is not None:
            headers["Content-Type"] = "application/json"
        limit_s = self._timeout_s if timeout_s is None else min(timeout_s, self._timeout_s)
        try:
            async with self._session.request(
                method,
                self._url(path),
                data=None if body is None else orjson.dumps(body),
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=limit_s, connect=limit_s * _CONNECT_SHARE),
            ) as response:
                changes = method != "GET"
                raw = await self._body(response, changes=changes)
                return read_answer(response.status, response.headers, raw, changes=changes)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _transport_error(error, f"{method} /{'/'.join(path)}", limit_s) from error

    def _url(self, path: tuple[str, ...]) -> URL:
        if not all(path) or not {".", ".."}.isdisjoint(path):
            raise FailedError(f"no such path: {path!r} has an empty or dotted segment", code="invalid_path")
        quoted = "/".join(quote(segment, safe="") for segment in path)
        return URL(f"{self._base_url}/{quoted}", encoded=True)

    async def _body(self, response: aiohttp.ClientResponse, *, changes: bool) -> bytes:
        length = response.content_length
        if length is not None and length <= self._max_body_bytes:
            return await response.read()
        received = bytearray()
        async for chunk in response.content.iter_any():
            received += chunk
            if len(received) > self._max_body_bytes:
                response.close()
                if response.status >= HTTPStatus.MULTIPLE_CHOICES:
                    return b""  # the status says it all
                raise too_large(response.status, response.headers, self._max_body_bytes, changes=changes)
        return bytes(received)


def _transport_error(error: Exception, request: str, limit_s: float) -> ActionError:
    # Both say that no connection was there to send on: refused, unresolved, no TLS, no free connection in time.
    if isinstance(
        error, (aiohttp.ClientConnectorError, aiohttp.ClientSSLError, aiohttp.ConnectionTimeoutError)
    ):
        return NotSentError(f"{request}: no connection ({type(error).__name__})")
    if isinstance(error, (TimeoutError, asyncio.TimeoutError)):
        return InDoubtError(f"{request}: no answer within {limit_s:g} s")
    return InDoubtError(f"{request}: connection lost before the answer ({type(error).__name__})")


def _checked(base_url: str) -> str:
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"base_url {parts.hostname or base_url!r} must be http(s)://host[:port][/prefix]")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"base_url for {parts.hostname} must have no credentials, query or fragment")
    return base_url.rstrip("/")
