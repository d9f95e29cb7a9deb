"""A small pooled JSON-over-HTTP client whose errors say what is known about the effect.

It talks to one origin, follows no redirects, reads no proxy variables and no unbounded bodies, and connects to no address
that is not on the internet unless the configuration lists it (`connectors.egress`). Paths are given as segments, each of
them quoted, so that a model's `../admin?x=` stays one harmless segment.
"""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver
from pydantic import SecretStr
from yarl import URL

from connectors.egress import Egress, egress_of, origin_of
from connectors.errors import ActionError, FailedError, InDoubtError, NotSentError
from connectors.http_answer import read_answer, too_large
from connectors.http_pinned import pinned_connector
from connectors.secret import Secret, SecretUnavailableError, present_value

_CONNECT_SHARE = 0.5
"""Share of a call's time that waiting for a connection may take, so that the two timeouts stay distinguishable."""


_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
"""What a header can carry; a value with a line break would be another header."""


@asynccontextmanager
async def open_http(
    base_url: str,
    *,
    token: SecretStr | None = None,
    egress: Sequence[str] = (),
    timeout_s: float = 10.0,
    max_body_bytes: int = 1 << 20,
    connections: int = 100,
    resolver: AbstractResolver | None = None,
) -> AsyncGenerator["HttpClient"]:
    """Open a client for one origin; connects with the first request, closes its pool at the end.

    Args:
        base_url: scheme, host, port and an optional path prefix; nothing else. Written by an operator: its host is allowed.
        token: sent as bearer token, never logged. One that comes from the configuration is looked up for each request, so
            hand it on as it is.
        egress: further hosts for `HttpClient.at`, and addresses and networks that names may resolve to although they are
            not on the internet.
        timeout_s: for a whole request; a single call may shorten it.
        max_body_bytes: longer answers are refused.
        connections: how many at once; further calls wait within their timeout.
        resolver: resolves names; the system's where None.

    Raises:
        ValueError: where base_url has no http(s) scheme and host, or has credentials, query or fragment, or where an entry
            of `egress` is no host, address or network.
    """
    allowed = egress_of(base_url, egress)
    session = aiohttp.ClientSession(
        headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "pointsman"},
        connector=pinned_connector(allowed, limit=connections, resolver=resolver),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        # A few compressed bytes could become gigabytes; we ask for none and accept none.
        auto_decompress=False,
    )
    async with session:
        yield HttpClient(_Wire(session, allowed, token, timeout_s, max_body_bytes, base_url.rstrip("/")))


@dataclass(frozen=True, slots=True)
class _Wire:
    """What requests of one client have in common."""

    session: aiohttp.ClientSession
    egress: Egress
    token: SecretStr | None
    timeout_s: float
    max_body_bytes: int
    base_url: str


class HttpClient:
    """What an HTTP connector's actions call with. Get one from `open_http`.

    Every method returns the decoded JSON body, or None for an empty one, and raises only errors of
    `connectors.errors` (and CancelledError, after which the effect is as unknown as after InDoubtError).
    """

    def __init__(self, wire: _Wire) -> None:
        """Use `open_http`."""
        self._wire = wire

    def at(self, base_url: str) -> "HttpClient":
        """Return a client for another origin that the egress list names, with the same token and connections.

        For systems that say in an answer where to go on, such as the instance of a tenant.

        Raises:
            FailedError: code `egress_refused`: it is no plain URL, or its host is not listed.
        """
        try:
            origin = origin_of(base_url)
        except ValueError as error:
            raise FailedError(str(error), code="egress_refused") from None
        self._wire.egress.check_origin(origin)
        return HttpClient(replace(self._wire, base_url=base_url.rstrip("/")))

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
        limit_s = self._wire.timeout_s if timeout_s is None else min(timeout_s, self._wire.timeout_s)
        url, data = self._url(path), None if body is None else orjson.dumps(body)
        changes = method != "GET"
        token = await self._token(limit_s * _CONNECT_SHARE)
        began = time.monotonic()
        try:
            answer = await self._send(method, url, data, _with(headers, token), limit_s, changes=changes)
            if answer[0] == HTTPStatus.UNAUTHORIZED and (renewed := await self._renewed(token, limit_s)):
                # It was refused before anything was done, and the token has been rotated since it was fetched.
                left_s = max(0.1, limit_s - time.monotonic() + began)
                answer = await self._send(method, url, data, _with(headers, renewed), left_s, changes=changes)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _transport_error(error, f"{method} /{'/'.join(path)}", limit_s) from error
        return read_answer(*answer, changes=changes)

    async def _token(self, within_s: float) -> str | None:
        secret = self._wire.token
        return None if secret is None else _sendable(secret, await present_value(secret, within_s))

    async def _renewed(self, refused: str | None, within_s: float) -> str | None:
        """Return the token that has taken the place of one that was refused, or None where it is still the same."""
        secret = self._wire.token
        if refused is None or not isinstance(secret, Secret):
            return None
        token = await secret.replacement(refused, within_s)
        return None if token is None else _sendable(secret, token)

    async def _send(
        self,
        method: str,
        url: URL,
        data: bytes | None,
        headers: dict[str, str],
        limit_s: float,
        *,
        changes: bool,
    ) -> tuple[int, Mapping[str, str], bytes]:
        async with self._wire.session.request(
            method,
            url,
            data=data,
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=limit_s, connect=limit_s * _CONNECT_SHARE),
        ) as response:
            return response.status, response.headers, await self._body(response, changes=changes)

    def _url(self, path: tuple[str, ...]) -> URL:
        if not all(path) or not {".", ".."}.isdisjoint(path):
            raise FailedError(f"no such path: {path!r} has an empty or dotted segment", code="invalid_path")
        quoted = "/".join(quote(segment, safe="") for segment in path)
        return URL(f"{self._wire.base_url}/{quoted}", encoded=True)

    async def _body(self, response: aiohttp.ClientResponse, *, changes: bool) -> bytes:
        length = response.content_length
        if length is not None and length <= self._wire.max_body_bytes:
            return await response.read()
        received = bytearray()
        async for chunk in response.content.iter_any():
            received += chunk
            if len(received) > self._wire.max_body_bytes:
                response.close()
                if response.status >= HTTPStatus.MULTIPLE_CHOICES:
                    return b""  # the status says it all
                raise too_large(response.status, response.headers, self._wire.max_body_bytes, changes=changes)
        return bytes(received)


def _sendable(secret: SecretStr, token: str) -> str:
    if not _TOKEN.fullmatch(token):
        raise SecretUnavailableError(f"{secret!r} is no token: it has spaces, line breaks or no ASCII in it")
    return token


def _with(headers: dict[str, str], token: str | None) -> dict[str, str]:
    return headers if token is None else {**headers, "Authorization": f"Bearer {token}"}


def _transport_error(error: Exception, request: str, limit_s: float) -> ActionError:
    # Both say that no connection was there to send on: refused, unresolved, no TLS, no free connection in time.
    if isinstance(
        error, (aiohttp.ClientConnectorError, aiohttp.ClientSSLError, aiohttp.ConnectionTimeoutError)
    ):
        return NotSentError(f"{request}: no connection ({type(error).__name__})")
    if isinstance(error, (TimeoutError, asyncio.TimeoutError)):
        return InDoubtError(f"{request}: no answer within {limit_s:g} s")
    return InDoubtError(f"{request}: connection lost before the answer ({type(error).__name__})")
