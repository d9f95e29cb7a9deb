"""Requests to one OData service: its headers, its CSRF token, repeatable requests, and the pages of an answer."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID, uuid5

import orjson
from multidict import CIMultiDictProxy

from connectors.errors import FailedError, InDoubtError, NotSentError
from connectors.http import HttpAnswer, HttpClient, HttpRequest
from connectors.http_oauth import open_authorised
from connectors.odata.answers import Reply, next_query, page_of, read_reply
from connectors.odata.edm import Version
from connectors.odata.settings import ODataSettings
from connectors.rehearsal import rehearse

_PAGES_LIMIT: Final = 20
"""Requests for one query, however small the service makes its pages."""
_FIRST_SENT_LIMIT: Final = 10_000
_REQUEST_IDS: Final = UUID("6f0a2b5e-4a0e-4f0b-9c38-0d6d1b1d7a36")
_TOKEN: Final = "X-CSRF-Token"  # noqa: S105 - the name of a header, no secret
_HEADERS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "v4": (
        ("Accept", "application/json;odata.metadata=minimal;IEEE754Compatible=true"),
        ("OData-Version", "4.0"),
        ("OData-MaxVersion", "4.0"),
    ),
    "v2": (
        ("Accept", "application/json"),
        ("DataServiceVersion", "2.0"),
        ("MaxDataServiceVersion", "2.0"),
    ),
}
_CONTENT: Final = {"v4": "application/json;IEEE754Compatible=true", "v2": "application/json"}


class Deadline:
    """The time that one call has for all its requests."""

    def __init__(self, timeout_s: float) -> None:
        """Start it."""
        self._until = time.monotonic() + timeout_s

    def left_s(self) -> float:
        """Return the seconds left; raises NotSentError where there are none: what would come next is not sent."""
        left_s = self._until - time.monotonic()
        if left_s <= 0:
            raise NotSentError("no time left to send it")
        return left_s


@dataclass(frozen=True, slots=True)
class Session:
    """What a service wants of whoever changes something: a token, and the cookies it belongs to."""

    token: str = field(repr=False)
    cookies: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Change:
    """A request that changes something.

    Attributes:
        method: `POST`, `PATCH`, `MERGE` or `DELETE`.
        path: segments.
        query: names and values.
        body: JSON-like, or None.
        etag: the state that it may change, or None for any.
        key: our key where the service honours it, or None.
    """

    method: str
    path: tuple[str, ...]
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | None = None
    etag: str | None = None
    key: str | None = None


@asynccontextmanager
async def open_odata(settings: ODataSettings) -> AsyncGenerator["ODataClient"]:
    """Open the client of a section; connects with the first request."""
    async with open_authorised(settings, settings.auth) as http:
        yield ODataClient(http, settings)


class ODataClient:
    """What the actions of a section call with. Get one from `open_odata`."""

    def __init__(self, http: HttpClient, settings: ODataSettings) -> None:
        """Use `open_odata`."""
        self._http = http
        self._version: Version = settings.version
        self._csrf = settings.csrf
        self._headers = (*_HEADERS[settings.version], *settings.headers.items())
        self._session: Session | None = None
        self._fetching = asyncio.Lock()
        self._first_sent: OrderedDict[str, str] = OrderedDict()

    async def read(
        self,
        path: tuple[str, ...],
        query: tuple[tuple[str, str], ...],
        until: Deadline,
        *,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Reply:
        """Return the reply to a GET."""
        request = HttpRequest(
            "GET", quoted(path), query, (*self._headers, *headers), changes=False, quoted=True
        )
        answer = await self._http.exchange(request, timeout_s=until.left_s())
        return read_reply(answer, self._version, changes=False)

    async def rows(
        self, path: tuple[str, ...], query: tuple[tuple[str, str], ...], most: int, until: Deadline
    ) -> list[Any]:
        """Return the entities of a query, page by page, until there are `most` of them or no more.

        Raises:
            FailedError: code `too_many_pages`.
        """
        asked = dict(query)
        found: list[Any] = []
        for _ in range(_PAGES_LIMIT):
            rows, link = page_of(await self.read(path, query, until), self._version)
            found += rows
            if link is None or len(found) >= most:
                return found[:most]
            query = next_query(link, asked)
        raise FailedError(
            f"more than {_PAGES_LIMIT} pages for {most} entities: ask for fewer", code="too_many_pages"
        )

    async def before_change(
        self, path: tuple[str, ...], query: tuple[tuple[str, str], ...], until: Deadline
    ) -> Reply:
        """Return what is there before a change; whatever goes wrong here, nothing was changed.

        Raises:
            NotSentError: no answer came, or none that can be used.
        """
        with _nothing_sent():
            return await self.read(path, query, until)

    async def change(self, change: Change, until: Deadline) -> Reply:
        """Send a change, and return the reply."""
        body = None if change.body is None else orjson.dumps(change.body)
        headers = list(self._headers)
        if change.method != "DELETE":
            # Also without a body: SAP's v2 adapter drops the parameters of a POST that has no content type.
            headers.append(("Content-Type", _CONTENT[self._version]))
        if self._version == "v4" and change.method != "DELETE":
            headers.append(("Prefer", "return=representation"))
        if change.etag is not None:
            headers.append(("If-Match", change.etag))
        if change.key is not None:
            headers += self._repeatability(change.key)
        path = quoted(change.path)
        request = HttpRequest(change.method, path, change.query, tuple(headers), body, quoted=True)
        return read_reply(await self._exchange(request, until), self._version, changes=True)

    async def _exchange(self, request: HttpRequest, until: Deadline) -> HttpAnswer:
        # Before a session is asked for, whose token and cookies nobody is to be shown.
        rehearse(lambda: f"{self._http.base_url}\n{request}", changes=True)
        session = await self._with_session(None, until) if self._csrf else None
        answer = await self._http.exchange(_proven(request, session), timeout_s=until.left_s())
        if answer.status != HTTPStatus.FORBIDDEN or answer.headers.get(_TOKEN, "").lower() != "required":
            return answer
        if session is None:
            raise FailedError("the service wants a CSRF token: set `csrf: true`", code="csrf_required")
        # Refused before anything was done: the session has ended.
        session = await self._with_session(session, until)
        return await self._http.exchange(_proven(request, session), timeout_s=until.left_s())

    async def _with_session(self, refused: Session | None, until: Deadline) -> Session:
        with _nothing_sent():
            async with asyncio.timeout(until.left_s()), self._fetching:
                if self._session is None or self._session is refused:
                    self._session = await self._fetched(until)
                return self._session

    async def _fetched(self, until: Deadline) -> Session:
        headers = (*self._headers, (_TOKEN, "Fetch"))
        request = HttpRequest("GET", (), (), headers, changes=False, slash=True)
        answer = await self._http.exchange(request, timeout_s=until.left_s())
        token = answer.headers.get(_TOKEN)
        if not token:
            read_reply(answer, self._version, changes=False)
            raise FailedError("the service gave no CSRF token: set `csrf: false`", code="no_csrf_token")
        return Session(token, _cookies(answer))

    def _repeatability(self, key: str) -> tuple[tuple[str, str], ...]:
        """Return the headers of a repeatable request (OASIS Repeatable Requests 1.0).

        A service may refuse a repeated request that says another time, so the first one is remembered; after a restart
        it is not, and such a refusal is a doubt.
        """
        sent = self._first_sent.setdefault(key, formatdate(usegmt=True))
        self._first_sent.move_to_end(key)
        if len(self._first_sent) > _FIRST_SENT_LIMIT:
            self._first_sent.popitem(last=False)
        request_id = str(uuid5(_REQUEST_IDS, key))
        return ("Repeatability-Request-ID", request_id), ("Repeatability-First-Sent", sent)


@contextmanager
def _nothing_sent() -> Generator[None]:
    """Turn a doubt about a read that comes before a change into the certainty that nothing was changed."""
    try:
        yield
    except (InDoubtError, TimeoutError) as error:
        raise NotSentError(f"nothing was changed: {error or 'no answer in time'}") from error


def quoted(path: tuple[str, ...]) -> tuple[str, ...]:
    """Return segments as they are sent: the signs around a key stay as they are, because v2 services know no others."""
    return tuple(quote(segment, safe="'(),=$") for segment in path)


def _proven(request: HttpRequest, session: Session | None) -> HttpRequest:
    if session is None:
        return request
    cookies = (("Cookie", session.cookies),) if session.cookies else ()
    return replace(request, headers=(*request.headers, (_TOKEN, session.token), *cookies))


def _cookies(answer: HttpAnswer) -> str:
    """Return the cookies of an answer as a request sends them back."""
    if not isinstance(answer.headers, CIMultiDictProxy):
        return ""
    jar: SimpleCookie = SimpleCookie()
    for said in answer.headers.getall("Set-Cookie", ()):
        try:
            jar.load(said)
        except CookieError:
            continue
    return "; ".join(f"{name}={each.coded_value}" for name, each in jar.items() if each.coded_value)
