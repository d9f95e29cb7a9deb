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
from urllib.parse import quote, unquote, urlencode

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver
from pydantic import SecretStr
from yarl import URL

from connectors.egress import Egress, egress_of, origin_of
from connectors.errors import ActionError, FailedError, InDoubtError, NotSentError
from connectors.http_answer import read_answer, too_large
from connectors.http_login import Login, Proof, SecretLogin
from connectors.http_pinned import pinned_connector
from connectors.rehearsal import rehearse

_CONNECT_SHARE = 0.5
"""Share of a call's time that waiting for a connection may take, so that the two timeouts stay distinguishable."""

_SHOWN: Final = 16_384
"""Bytes of a body that a rehearsal shows."""
_QUOTED: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*")
"""One segment of a path, as RFC 3986 wants it."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request, complete but for who sends it.

    Attributes:
        method: in capitals.
        path: segments; each is quoted as a whole. None of them is the URL of the client itself.
        query: names and values, not encoded yet.
        headers: names and values; the caller has checked that each is one line of printable ASCII.
        data: the body, or None.
        changes: whether it is to change something, so that a lost answer matters.
        slash: whether the path ends with one.
        quoted: whether the segments are quoted already, where some of their signs must be sent as they are (`:cancel`).
    """

    method: str
    path: tuple[str, ...]
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    data: bytes | None = None
    changes: bool = True
    slash: bool = False
    quoted: bool = False

    def __str__(self) -> str:
        """Show it for people; the body as far as it is text."""
        query = f"?{urlencode(self.query)}" if self.query else ""
        lines = [f"{self.method} /{'/'.join(self.path)}{'/' if self.slash else ''}{query}"]
        lines += (f"{name}: {value}" for name, value in self.headers)
        if self.data is not None:
            lines += ("", self.data[:_SHOWN].decode(errors="replace"))
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One answer, whole.

    Attributes:
        status: the HTTP status.
        headers: case-insensitive.
        body: empty where it was longer than the limit and the status is no success.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


@asynccontextmanager
async def open_http(
    base_url: str,
    *,
    token: SecretStr | None = None,
    login: Login | None = None,
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
        login: another way to prove who sends a request; in place of `token`.
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
        proves = SecretLogin(token) if login is None and token is not None else login
        yield HttpClient(_Wire(session, allowed, proves, timeout_s, max_body_bytes, base_url.rstrip("/")))


@dataclass(frozen=True, slots=True)
class _Wire:
    """What requests of one client have in common."""

    session: aiohttp.ClientSession
    egress: Egress
    login: Login | None
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

    @property
    def base_url(self) -> str:
        """What paths are added to, without a slash at its end."""
        return self._wire.base_url

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
        headers: list[tuple[str, str]] = []
        if key is not None:
            headers.append(("Idempotency-Key", key))
        if body is not None:
            headers.append(("Content-Type", "application/json"))
        data = None if body is None else orjson.dumps(body)
        request = HttpRequest(method, path, (), tuple(headers), data, changes=method != "GET")
        return await self.send(request, timeout_s=timeout_s)

    async def send(self, request: HttpRequest, *, timeout_s: float | None = None) -> Any:
        """Send any request whose answer is JSON, or has no body."""
        answer = await self.exchange(request, timeout_s=timeout_s)
        return read_answer(answer.status, answer.headers, answer.body, changes=request.changes)

    async def exchange(self, request: HttpRequest, *, timeout_s: float | None = None) -> HttpAnswer:
        """Send any request and return its answer, whatever its status says.

        Where a login was refused (401) that has been renewed since, it is sent once more with the new one.

        Raises:
            NotSentError: there was no connection to send on.
            InDoubtError: there was one, and no whole answer came.
            UnusableResultError: a success has a body above the limit.
        """
        rehearse(lambda: f"{self._wire.base_url}\n{request}", changes=request.changes)
        limit_s = self._wire.timeout_s if timeout_s is None else min(timeout_s, self._wire.timeout_s)
        path = self._path(request)
        login = self._wire.login
        began = time.monotonic()
        proof = Proof("") if login is None else await login.proof(limit_s * _CONNECT_SHARE)
        try:
            answer = await self._send(path, request, proof, limit_s)
            if answer.status == HTTPStatus.UNAUTHORIZED and login is not None:
                # It was refused before anything was done, and the secret may have been rotated since it was fetched.
                left_s = max(0.1, limit_s - time.monotonic() + began)
                if (renewed := await login.renewed(proof, left_s)) is not None:
                    left_s = max(0.1, limit_s - time.monotonic() + began)
                    answer = await self._send(path, request, renewed, left_s)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _transport_error(error, f"{request.method} /{'/'.join(request.path)}", limit_s) from error
        return answer

    async def _send(self, path: str, request: HttpRequest, proof: Proof, limit_s: float) -> HttpAnswer:
        query = urlencode((*request.query, *proof.query), quote_via=quote, safe="")
        async with self._wire.session.request(
            request.method,
            URL(f"{path}?{query}" if query else path, encoded=True),
            data=request.data,
            headers=[*request.headers, *proof.headers],
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=limit_s, connect=limit_s * _CONNECT_SHARE),
        ) as response:
            body = await self._body(response, changes=request.changes)
            return HttpAnswer(response.status, response.headers, body)

    def _path(self, request: HttpRequest) -> str:
        path = request.path
        if request.quoted:
            if not all(map(_QUOTED.fullmatch, path)):
                raise FailedError(f"no such path: {path!r} is not quoted", code="invalid_path")
            path = tuple(map(unquote, path))
        if not all(path) or not {".", ".."}.isdisjoint(path):
            raise FailedError(f"no such path: {path!r} has an empty or dotted segment", code="invalid_path")
        whole = "/".join(request.path if request.quoted else (quote(segment, safe="") for segment in path))
        return "/".join(filter(None, (self._wire.base_url, whole))) + ("/" if request.slash else "")

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


def _transport_error(error: Exception, request: str, limit_s: float) -> ActionError:
    # Both say that no connection was there to send on: refused, unresolved, no TLS, no free connection in time.
    if isinstance(
        error, (aiohttp.ClientConnectorError, aiohttp.ClientSSLError, aiohttp.ConnectionTimeoutError)
    ):
        return NotSentError(f"{request}: no connection ({type(error).__name__})")
    if isinstance(error, (TimeoutError, asyncio.TimeoutError)):
        return InDoubtError(f"{request}: no answer within {limit_s:g} s")
    return InDoubtError(f"{request}: connection lost before the answer ({type(error).__name__})")
