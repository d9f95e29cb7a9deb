"""OAuth 2.0 client credentials: a token is fetched when it is needed, kept until shortly before it ends, renewed on a 401."""

import asyncio
import base64
import time
from collections.abc import Callable
from typing import Any, Final, cast
from urllib.parse import quote_plus, urlencode

from pydantic import SecretStr

from connectors.errors import ActionError, BusyError
from connectors.http import HttpClient, HttpRequest
from connectors.http_login import Proof, SecretLogin
from connectors.openapi.settings import ClientCredentials
from connectors.secret import SecretUnavailableError, present_value

_EARLY: Final = 0.1
"""Share of a token's life after which, counted from its end, it is no longer used."""
_LIFE_S: Final = 300.0
"""Taken where the answer does not say."""


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
        form = {"grant_type": "client_credentials"} | ({"scope": own.scope} if own.scope else {})
        headers = [("Content-Type", "application/x-www-form-urlencoded")]
        if own.send_as == "body":
            form |= {"client_id": own.client_id, "client_secret": secret}
        else:
            both = f"{quote_plus(own.client_id)}:{quote_plus(secret)}"
            headers.append(("Authorization", f"Basic {base64.b64encode(both.encode()).decode()}"))
        request = HttpRequest("POST", (), (), tuple(headers), urlencode(form).encode(), changes=False)
        problem = ""
        try:
            answer = await self._http.send(request, timeout_s=within_s)
        except BusyError:
            raise
        except ActionError as error:
            # Not its message: what the endpoint says may repeat what it was sent.
            problem = getattr(error, "code", type(error).__name__)
        else:
            return await self._read(answer)
        raise SecretUnavailableError(f"{own.token_url}: no token ({problem})")

    async def _read(self, answer: Any) -> Proof:
        said = cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}
        token, life = said.get("access_token"), said.get("expires_in", _LIFE_S)
        if not isinstance(token, str) or str(said.get("token_type", "bearer")).lower() != "bearer":
            raise SecretUnavailableError(f"{self._settings.token_url}: answered without a bearer token")
        life_s = float(life) if isinstance(life, int | float) and life > 0 else _LIFE_S
        self._until = self._clock() + life_s * (1 - _EARLY)
        return await SecretLogin(SecretStr(token)).proof(0)
