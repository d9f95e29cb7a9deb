"""OAuth 2.0 client credentials: a token is fetched when it is needed, kept until shortly before it ends, renewed on a 401."""

import asyncio
import base64
import re
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import quote_plus, urlencode

import orjson
from pydantic import SecretStr

from connectors.errors import InDoubtError
from connectors.http import HttpAnswer, HttpClient, HttpRequest, open_http
from connectors.http_answer import read_answer
from connectors.http_auth import Auth, ClientCredentials
from connectors.http_login import Login, Proof, SecretLogin
from connectors.http_settings import HttpSettings
from connectors.secret import Secret, SecretUnavailableError, present_value

_EARLY: Final = 0.1
"""Share of a token's life after which, counted from its end, it is no longer used."""
_LIFE_S: Final = 300.0
"""Taken where the answer does not say."""
_REFUSED: Final = frozenset((HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN))
_BUSY: Final = frozenset((HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE))
_SECONDS: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]+)?")


@asynccontextmanager
async def open_authorised(
    settings: HttpSettings, auth: Auth | None, *, base_url: str | None = None, answer_bytes: int = 1 << 20
) -> AsyncGenerator[HttpClient]:
    """Open the client of a section, and the one that fetches its tokens where it has one; connects with the first request.

    Args:
        settings: where it may connect, and how long it may wait.
        auth: how its requests prove who sends them; None sends nothing.
        base_url: in place of the section's.
        answer_bytes: a longer answer is refused.
    """

    def opened(login: Login | None) -> AbstractAsyncContextManager[HttpClient]:
        return open_http(
            settings.base_url if base_url is None else base_url,
            login=login,
            egress=settings.egress,
            timeout_s=settings.timeout_s,
            max_body_bytes=answer_bytes,
        )

    oauth = None if auth is None else auth.oauth2_client_credentials
    if oauth is None:
        async with opened(auth and auth.secret_login()) as client:
            yield client
        return
    async with (
        open_http(oauth.token_url, egress=settings.egress, timeout_s=settings.timeout_s) as tokens,
        opened(ClientCredentialsLogin(oauth, tokens)) as client,
    ):
        yield client


class ClientCredentialsLogin:
    """Fetches tokens, one request at a time. One for each client."""

    def __init__(
        self, settings: ClientCredentials, http: HttpClient, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._http = http
        self._clock = clock
        self._lock = asyncio.Lock()
        self._proof: Proof | None = None
        self._until = 0.0

    async def proof(self, within_s: float) -> Proof:
        """Return a token that is good; raises SecretUnavailableError or BusyError where there is none."""
        try:
            async with asyncio.timeout(within_s), self._lock:
                if self._proof is None or self._clock() >= self._until:
                    self._proof = await self._fetched(within_s)
                return self._proof
        except TimeoutError:
            raise SecretUnavailableError(
                f"{self._settings.token_url}: no token within {within_s:g} s"
            ) from None

    async def renewed(self, refused: Proof, within_s: float) -> Proof | None:
        """Drop the refused token, unless another call has, and return the next one."""
        if self._proof is not None and self._proof.secret == refused.secret:
            self._proof = None
        fresh = await self.proof(within_s)
        return None if fresh.secret == refused.secret else fresh

    async def _fetched(self, within_s: float) -> Proof:
        own = self._settings
        secret = await present_value(own.client_secret, within_s)
        answer = await self._asked(secret, within_s)
        if answer.status in _REFUSED and isinstance(own.client_secret, Secret):
            # It may have been rotated since it was fetched.
            fresh = await own.client_secret.replacement(secret, within_s)
            if fresh is not None:
                answer = await self._asked(fresh, within_s)
        if answer.status != HTTPStatus.OK:
            # Not what it says: that may repeat what it was sent.
            raise SecretUnavailableError(f"{own.token_url}: no token (HTTP {answer.status})")
        return await self._read(_json(answer.body))

    async def _asked(self, secret: str, within_s: float) -> HttpAnswer:
        own = self._settings
        form = {"grant_type": "client_credentials"} | ({"scope": own.scope} if own.scope else {})
        headers = [("Content-Type", "application/x-www-form-urlencoded")]
        if own.send_as == "body":
            form |= {"client_id": own.client_id, "client_secret": secret}
        else:
            both = f"{quote_plus(own.client_id)}:{quote_plus(secret)}"
            headers.append(("Authorization", f"Basic {base64.b64encode(both.encode()).decode()}"))
        data = urlencode(form).encode()
        slash = own.token_url.endswith("/")
        request = HttpRequest("POST", (), (), tuple(headers), data, changes=False, slash=slash)
        try:
            answer = await self._http.exchange(request, timeout_s=within_s)
        except InDoubtError as error:
            # Nothing of the call itself was sent.
            raise SecretUnavailableError(f"{own.token_url}: no token ({error})") from error
        if answer.status in _BUSY:
            read_answer(answer.status, answer.headers, b"")
        return answer

    async def _read(self, answer: Any) -> Proof:
        said = cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}
        token, life = said.get("access_token"), said.get("expires_in", _LIFE_S)
        if not isinstance(token, str) or str(said.get("token_type", "bearer")).lower() != "bearer":
            raise SecretUnavailableError(f"{self._settings.token_url}: answered without a bearer token")
        life_s = float(life) if _SECONDS.fullmatch(str(life)) else _LIFE_S
        self._until = self._clock() + life_s * (1 - _EARLY)
        return await SecretLogin(SecretStr(token)).proof(0)


def _json(body: bytes) -> Any:
    """Return what a body says, None where that is no JSON; without the error, which would show it."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
