"""Asking an OAuth 2.0 token endpoint for a token with client credentials (RFC 6749, section 4.4)."""

import base64
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Literal, cast
from urllib.parse import quote_plus

import aiohttp
import orjson
from pydantic import SecretStr
from yarl import URL

from consumers.adapters.kafka_tokens import Granted, TokenError, ends_at, is_token

_TIMEOUT_S: Final = 10.0
_ANSWER_BYTES: Final = 64 * 1024
_UNKNOWN_S: Final = 60.0
"""How long a token is used whose end nobody says."""
_FIXES: Final = {
    "invalid_client": "check `client_id` and `client_secret`, or try another `client_auth`",
    "invalid_scope": "check `scope`",
    "invalid_request": "check `scope` and `parameters`",
    "unauthorized_client": "allow the client the grant `client_credentials` at the provider",
    "unsupported_grant_type": "check that `token_url` is that of an endpoint for client credentials",
}
"""The errors of RFC 6749, section 5.2, that a person can do something about."""


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Where and how to ask.

    Attributes:
        section: where the settings stand, for messages.
        url: an address with https, or on this machine.
        client_id: who asks.
        client_secret: never logged.
        client_auth: how both are sent: `basic` as a header (RFC 6749 wants every server to take it), `post` as form fields.
        scope: what the token shall be good for; None leaves it to the provider.
        parameters: further form fields that a provider wants, such as `audience`.
        tls: whom to trust; None means whom the system trusts.
        timeout_s: for one request as a whole.
    """

    section: str
    url: str
    client_id: str
    client_secret: SecretStr
    client_auth: Literal["basic", "post"] = "basic"
    scope: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    tls: ssl.SSLContext | None = None
    timeout_s: float = _TIMEOUT_S

    async def fetch(self) -> Granted:
        """Return a new token. A session for each request, so that there is nothing to close: they are rare.

        Raises:
            TokenError: there is none; the message says why, without what the endpoint said in its own words.
        """
        status, text, problem = None, b"", ""
        try:
            status, text = await self._post()
        except (aiohttp.ClientSSLError, ssl.SSLError) as error:
            problem = f"no TLS with it ({type(error).__name__}); check `ca_file` and `token_url`"
        except TimeoutError:
            problem = f"no answer within {self.timeout_s:g} s"
        except (aiohttp.ClientError, OSError) as error:
            problem = f"no answer ({type(error).__name__}); check `token_url`"
        # Not in the handlers: aiohttp's errors carry the request's headers, and a chained one would show them.
        if status is None:
            raise self._error(problem)
        return self._granted(status, text)

    async def _post(self) -> tuple[int, bytes]:
        form = {"grant_type": "client_credentials", **self.parameters}
        if self.scope is not None:
            form["scope"] = self.scope
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "pointsman"}
        secret = self.client_secret.get_secret_value()
        if self.client_auth == "basic":
            pair = f"{quote_plus(self.client_id)}:{quote_plus(secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self.client_id, "client_secret": secret}
        opening = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self.timeout_s),
            # A proxy of the environment would see the secret; a few compressed bytes could become gigabytes.
            trust_env=False,
            auto_decompress=False,
        )
        async with (
            opening as session,
            session.post(
                self.url, data=form, headers=headers, allow_redirects=False, ssl=self.tls or True
            ) as response,
        ):
            text = bytearray()
            async for chunk in response.content.iter_any():
                text += chunk
                if len(text) > _ANSWER_BYTES:
                    raise self._error(f"it answered with more than {_ANSWER_BYTES} bytes; check `token_url`")
            return response.status, bytes(text)

    def _granted(self, status: int, text: bytes) -> Granted:
        answer = _object(text)
        if status != HTTPStatus.OK:
            code = answer.get("error")
            fix = _FIXES.get(code) if isinstance(code, str) else None
            # Only codes that we know: anything else might repeat what we sent.
            raise self._error(
                f"it answered {status}" + (f" ({code}); {fix}" if fix else "; check `token_url`")
            )
        token, kind = answer.get("access_token"), answer.get("token_type", "bearer")
        if not isinstance(token, str) or not is_token(token) or str(kind).lower() != "bearer":
            raise self._error("it answered without a bearer token; check `token_url`")
        return Granted(token, _seconds(answer.get("expires_in")) or _left(token))

    def _error(self, problem: str) -> TokenError:
        return TokenError(f"{self.section}: no token from {URL(self.url).host}: {problem}")


def _object(text: bytes) -> dict[str, Any]:
    try:
        answer: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}


def _left(token: str) -> float:
    end = ends_at(token)
    return _UNKNOWN_S if end is None else end - time.time()


def _seconds(value: object) -> float | None:
    """Return a lifetime; some providers write it as text."""
    try:
        seconds = float(value) if isinstance(value, int | float | str) else 0.0
    except ValueError:
        return None
    return seconds if 0 < seconds < float("inf") else None
