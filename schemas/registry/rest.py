"""Requests to a schema registry over HTTP: bounded, tried again within limits, at several addresses of one registry."""

import asyncio
import base64
import random
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, cast

import aiohttp
import orjson
from yarl import URL

from schemas.errors import RegistryError, SchemaError, UnknownSchemaError
from schemas.registry.avro_schema import SCHEMA_BYTES

Authorization = Callable[[], Awaitable[str]]
"""Returns the value of the header `Authorization` for one request; raises RegistryError where it cannot be had now."""

ANSWER_BYTES: Final = 4 * SCHEMA_BYTES
"""The longest answer that is read: a schema, escaped, and what stands around it."""

_MEDIA_TYPE: Final = "application/vnd.schemaregistry.v1+json"
_PAUSE_S: Final = 0.1
_PAUSE_AT_MOST_S: Final = 2.0
"""Between two tries, also where the registry asks for more: the record waits, and is tried again by whoever reads it."""

_PASSING: Final = frozenset({429, 500, 502, 503, 504})
"""Statuses after which the same request may be answered; every request of ours may be sent twice."""
_NOT_LET_IN: Final = {
    401: "check the credentials in `registry`",
    403: "these credentials may not do this",
}
"""Answers that say nothing of what was asked for: a person lets us in, and until then nothing is to be judged by them."""
_REFUSALS: Final = {
    409: "the schema is incompatible with the versions before it",
    422: "the schema is invalid there",
}
"""Answers that stay the same until a person changes something."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a registry is, and how it is asked.

    Attributes:
        urls: addresses of one registry, at least one; a path in them is kept. The next is asked where one does not answer.
        authorization: asked for each request; None sends no credentials.
        headers: sent with each request, such as those that name a cluster at a provider.
        tls: whom to trust and who we are; None trusts whom the system trusts.
        timeout_s: for one try as a whole.
        tries: of one request, at all addresses together.
    """

    urls: tuple[str, ...]
    authorization: Authorization | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    tls: ssl.SSLContext | None = None
    timeout_s: float = 10.0
    tries: int = 3


class NotThereError(UnknownSchemaError):
    """The registry answered that it does not know what was asked for."""


def basic(username: str, password: str) -> Authorization:
    """Return what authorizes a user by name and password."""
    pair = base64.b64encode(f"{username}:{password}".encode()).decode()

    async def authorize() -> str:
        return f"Basic {pair}"

    return authorize


class RegistryRest:
    """Sends requests and sorts the answers by who must act. Redirects are not followed, proxies of the environment not used."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Connect lazily; use it inside one event loop."""
        self._endpoint = endpoint
        self._urls = [url.rstrip("/") for url in endpoint.urls]
        self._answering = 0
        self._session: aiohttp.ClientSession | None = None

    async def ask(
        self, method: str, path: str, *, what: str, body: object = None, may_lack: bool = False
    ) -> object:
        """Return what the registry answers, as JSON.

        Args:
            method: of HTTP; whatever is sent may be sent more than once.
            path: below the address, quoted already.
            what: is asked for, for messages.
            body: sent as JSON; None sends none.
            may_lack: there are registries without this path, so that any 404 says that it is not known.

        Raises:
            NotThereError: it says that it does not know it.
            SchemaError: it refuses; a person must change something.
            UnknownSchemaError: its answer is longer than ANSWER_BYTES.
            RegistryError: it did not answer, said that it cannot now, or does not let us in; trying again later may help.
        """
        data = None if body is None else orjson.dumps(body)
        problem, asked_s = "", None
        for number in range(self._endpoint.tries):
            if number:
                await asyncio.sleep(_pause(number, asked_s))
            at = self._answering % len(self._urls)
            try:
                status, retry_after, text = await self._send(method, self._urls[at] + path, data, what)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                # Not chained below: aiohttp's errors carry the request's headers, and those may hold a secret.
                problem, asked_s = f"did not answer: {type(error).__name__}", None
            else:
                if status not in _PASSING:
                    _raise_for(status, text, what, may_lack=may_lack)
                    return _json(text, what)
                problem, asked_s = f"answered {status}", retry_after
            if self._answering % len(self._urls) == at:  # nobody else has moved on meanwhile
                self._answering = at + 1
        raise RegistryError(f"{what}: the registry {problem}, the last of {self._endpoint.tries} times")

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _send(
        self, method: str, url: str, data: bytes | None, what: str
    ) -> tuple[int, float | None, bytes]:
        headers: dict[str, str] = {}
        if self._endpoint.authorization is not None:
            headers["Authorization"] = await self._endpoint.authorization()
        if data is not None:
            headers["Content-Type"] = _MEDIA_TYPE
        async with self._open().request(
            method, URL(url, encoded=True), data=data, headers=headers, allow_redirects=False
        ) as response:
            return (
                response.status,
                _seconds(response.headers.get("Retry-After")),
                await _capped(response, what),
            )

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._endpoint.timeout_s),
                connector=aiohttp.TCPConnector(ssl=self._endpoint.tls or True),
                headers={
                    "Accept": f"{_MEDIA_TYPE}, application/json",
                    # A few compressed bytes could become gigabytes; we ask for none and accept none.
                    "Accept-Encoding": "identity",
                    "User-Agent": "pointsman",
                    **self._endpoint.headers,
                },
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
            )
        return self._session


def answered_object(answer: object, what: str) -> dict[str, Any]:
    """Return an answer that has to be a JSON object.

    Raises:
        RegistryError: it is none.
    """
    if not isinstance(answer, dict):
        raise RegistryError(f"{what}: the registry answered with JSON that is no object")
    return cast("dict[str, Any]", answer)


async def _capped(response: aiohttp.ClientResponse, what: str) -> bytes:
    text = bytearray()
    async for chunk in response.content.iter_any():
        text += chunk
        if len(text) > ANSWER_BYTES:
            response.close()
            raise UnknownSchemaError(f"{what}: the registry's answer is longer than {ANSWER_BYTES} bytes")
    return bytes(text)


def _raise_for(status: int, text: bytes, what: str, *, may_lack: bool) -> None:
    """Sort statuses by who must act; the registry's own words stay out, they may echo what we sent."""
    if status == HTTPStatus.OK:
        return
    if status == HTTPStatus.NOT_FOUND:
        if may_lack or _has_error_code(text):
            raise NotThereError(f"{what}: the registry does not know it")
        # A proxy's, or of another path: records are not to become dead letters by it.
        raise RegistryError(
            f"{what}: 404, and not as a registry answers, with an error code: check `registry.url`, and what stands before it"
        )
    if status in _REFUSALS:
        raise SchemaError(f"{what}: the registry answered {status}: {_REFUSALS[status]}")
    hint = f": {_NOT_LET_IN[status]}" if status in _NOT_LET_IN else ""
    raise RegistryError(f"{what}: the registry answered {status}{hint}")


def _has_error_code(text: bytes) -> bool:
    try:
        said: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return isinstance(said, dict) and isinstance(cast("dict[str, Any]", said).get("error_code"), int)


def _json(text: bytes, what: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RegistryError(f"{what}: the registry answered with something that is no JSON") from error


def _pause(number: int, asked_s: float | None) -> float:
    """Return seconds before the next try; different ones for those who failed together."""
    backoff_s = _PAUSE_S * 2**number * random.uniform(0.5, 1)  # noqa: S311 - no secret
    return min(_PAUSE_AT_MOST_S, max(backoff_s, asked_s or 0))


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after is not None and retry_after.isdecimal() else None
