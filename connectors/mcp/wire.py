"""HTTP for the `mcp` package's transport, over connections that are made only where the egress list allows.

That transport gives up as a whole where one request fails, and says little of why. So nothing fails here: what went wrong
is answered as an error of JSON-RPC that hands over our own, to the one request that it befell. Redirects are not followed.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final, cast

import aiohttp
import httpx2
from yarl import URL

from connectors.errors import ActionError, FailedError, InDoubtError, NotSentError, UnusableResultError
from connectors.http_answer import read_answer
from connectors.http_login import Login, Proof
from connectors.mcp.events import Events
from connectors.mcp.failures import HandedOver

_SESSION: Final = "mcp-session-id"
_CONNECT_SHARE: Final = 0.5
_OF_THE_TRANSPORT: Final = frozenset((-32000, -32001))
"""Codes with which a server's transport refuses a request; those of tools come with status 200."""
_OWN: Final = frozenset(("host", "content-length", "accept-encoding", "connection", "user-agent"))
"""Headers that are not for the package to set."""
_SLACK_S: Final = 5.0
"""How much longer than any call a request may last, so that the call's own limit comes first."""


_TOLD_S: Final = 5.0
_MOST_TOLD: Final = 50
_SHOWN: Final = 200


class Wire(httpx2.AsyncBaseTransport):
    """Sends the requests of one session.

    Args:
        http: makes the connections.
        login: proves who sends them, or None.
        handed_over: where errors are left for those who wait for an answer.
        on_end: called when the server no longer knows the session.
        timeout_s: the longest a call may take.
        max_bytes: a longer answer is dropped, and the request that it answers fails.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        login: Login | None,
        handed_over: HandedOver,
        on_end: Callable[[], None],
        *,
        timeout_s: float,
        max_bytes: int,
    ) -> None:
        self._http = http
        self._login = login
        self._handed_over = handed_over
        self._on_end = on_end
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._told: set[asyncio.Task[None]] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; raises nothing but CancelledError."""
        body = await request.aread()
        message = _object(body)
        if message.get("method") == "notifications/cancelled":
            self._tell(request, body)
            return httpx2.Response(HTTPStatus.ACCEPTED)
        number = _number(message)
        try:
            response = await self._sent(request, body)
        except ActionError as error:
            return self._failed(number, error)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return self._failed(number, _transport_error(error))
        try:
            return await self._answer(request, response, number)
        except ActionError as error:
            response.close()
            return self._failed(number, error)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            response.close()
            return self._failed(number, InDoubtError(f"connection lost ({type(error).__name__})"))
        except BaseException:
            response.close()
            raise

    def _tell(self, request: httpx2.Request, body: bytes) -> None:
        """Send what nobody waits for beside other requests: the package would send nothing else until it is answered."""
        if len(self._told) >= _MOST_TOLD:
            return

        async def tell() -> None:
            with suppress(ActionError, aiohttp.ClientError, TimeoutError, OSError):
                async with asyncio.timeout(_TOLD_S):
                    (await self._sent(request, body)).close()

        task = asyncio.create_task(tell(), name="mcp cancellation")
        self._told.add(task)
        task.add_done_callback(self._told.discard)

    async def aclose(self) -> None:
        """Leave untold what has not been told."""
        told = tuple(self._told)
        for task in told:
            task.cancel()
        await asyncio.gather(*told, return_exceptions=True)

    async def _sent(self, request: httpx2.Request, body: bytes) -> aiohttp.ClientResponse:
        proof = Proof("") if self._login is None else await self._login.proof(self._timeout_s)
        response = await self._attempt(request, body, proof)
        if response.status == HTTPStatus.UNAUTHORIZED and self._login is not None:
            # It was refused before anything was done, and the secret may have been rotated since it was fetched.
            response.close()
            renewed = await self._login.renewed(proof, self._timeout_s)
            if renewed is None:
                raise FailedError("HTTP 401: the server refuses the token", code="http_401")
            response = await self._attempt(request, body, renewed)
        return response

    async def _attempt(self, request: httpx2.Request, body: bytes, proof: Proof) -> aiohttp.ClientResponse:
        kept = [(name, value) for name, value in request.headers.items() if name.lower() not in _OWN]
        # The stream of the server's own messages stays open; a call's must not when nobody waits for it any more.
        total_s = None if request.method == "GET" else self._timeout_s + _SLACK_S
        return await self._http.request(
            request.method,
            URL(str(request.url), encoded=True),
            data=body or None,
            headers=[*kept, *proof.headers],
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=total_s, connect=self._timeout_s * _CONNECT_SHARE),
        )

    async def _answer(
        self, request: httpx2.Request, response: aiohttp.ClientResponse, number: int | None
    ) -> httpx2.Response:
        # Without what says how the body is packed: we asked for nothing packed, and a few bytes could become gigabytes.
        headers = [
            (name, value)
            for name, value in response.headers.items()
            if name.lower() in {"content-type", _SESSION}
        ]
        if response.status == HTTPStatus.OK and _is_stream(response):
            stream = Events(response, lambda: self._over_limit(number), self._max_bytes)
            return httpx2.Response(response.status, headers=headers, stream=stream)
        body = await self._whole(response)
        if response.status >= HTTPStatus.MULTIPLE_CHOICES:
            self._check(request, response, body, number)
        return httpx2.Response(response.status, headers=headers, content=body)

    def _check(
        self, request: httpx2.Request, response: aiohttp.ClientResponse, body: bytes, number: int | None
    ) -> None:
        """Return where the server answers this request with an error of JSON-RPC.

        Raises:
            ActionError: it answers with anything else.
        """
        said = _object(body)
        error = said.get("error")
        code = cast("dict[str, Any]", error).get("code") if isinstance(error, dict) else None
        rejected = HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND
        own_layer = said.get("id") is None or code in _OF_THE_TRANSPORT
        if _SESSION in request.headers and response.status in rejected and own_layer:
            # It was refused before any tool could see it: the server has forgotten the session.
            self._on_end()
            raise NotSentError(f"HTTP {response.status}: the server no longer knows the session")
        if code is not None and number is not None and said.get("id") == number:
            return
        try:
            read_answer(response.status, response.headers, body, changes=True)
        except FailedError as error:
            leads = response.headers.get("Location", "")[:_SHOWN]
            if not leads:
                raise
            why = f"{error}: it leads to {leads!r}, and no redirect is followed"
            raise FailedError(why, code=error.code) from None

    async def _whole(self, response: aiohttp.ClientResponse) -> bytes:
        received = bytearray()
        async for chunk in response.content.iter_any():
            received += chunk
            if len(received) > self._max_bytes:
                raise _too_large(self._max_bytes)
        return bytes(received)

    def _failed(self, number: int | None, error: ActionError) -> httpx2.Response:
        """Return what the package takes for an answer: to a request, the error; to anything else, that it was refused."""
        if number is None:
            return httpx2.Response(HTTPStatus.SERVICE_UNAVAILABLE)
        return httpx2.Response(HTTPStatus.OK, json=self._error(number, error))

    def _error(self, number: int, error: ActionError) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": number, "error": self._handed_over.put(error)}

    def _over_limit(self, number: int | None) -> bytes:
        """Return the event in place of one that is too long: nothing, where nobody waits for an answer."""
        if number is None:
            return b""
        said = json.dumps(self._error(number, _too_large(self._max_bytes)))
        return f"event: message\ndata: {said}\n\n".encode()


def _is_stream(response: aiohttp.ClientResponse) -> bool:
    return response.headers.get("content-type", "").lower().startswith("text/event-stream")


def _number(message: Mapping[str, Any]) -> int | None:
    """Return the id of the request that a message is, or None for a notification or an answer of ours."""
    number = message.get("id")
    return number if "method" in message and isinstance(number, int) else None


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        value: Any = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _too_large(limit: int) -> UnusableResultError:
    return UnusableResultError(
        f"an answer of more than {limit} bytes", code="result_too_large", executed=False
    )


def _transport_error(error: Exception) -> ActionError:
    unsent = (aiohttp.ClientConnectorError, aiohttp.ClientSSLError, aiohttp.ConnectionTimeoutError)
    if isinstance(error, unsent):
        return NotSentError(f"no connection ({type(error).__name__})")
    return InDoubtError(f"connection lost ({type(error).__name__})")
