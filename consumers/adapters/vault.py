"""Secrets of a HashiCorp Vault, or of what speaks like one (OpenBao): engine KV, version 2, read over HTTP.

`GET /v1/<mount>/data/<path>`, as its API documentation has it; the answer holds the latest version. Values are kept for a
while, so that a call does not wait for the vault, and never beyond that: a secret that was taken back is not used.
"""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import quote

import aiohttp
import orjson
from pydantic import SecretStr
from yarl import URL

_ANSWER_BYTES: Final = 1 << 20
_MOST_PATHS: Final = 256
_YOUNG_S: Final = 1.0
"""A value as young as this is not asked for again, however often it is refused: the vault is not to be flooded."""
_FIXES: Final[Mapping[int, str]] = {
    HTTPStatus.BAD_REQUEST: "check that the mount is an engine KV of version 2",
    HTTPStatus.FORBIDDEN: "renew `secrets.vault.token`, or let its policy read this path",
    HTTPStatus.NOT_FOUND: "there is nothing at this path, or its latest version is deleted",
    HTTPStatus.TOO_MANY_REQUESTS: "it is a standby, or asked too often",
    HTTPStatus.SERVICE_UNAVAILABLE: "it is sealed or under maintenance",
}


@dataclass(frozen=True, slots=True)
class _Kept:
    fields: Mapping[str, Any]
    at: float


class Vault:
    """Reads secrets, and keeps each for `ttl_s`. Safe to use from many tasks of one loop; holds no connection open."""

    def __init__(
        self,
        url: str,
        token: Callable[[], SecretStr],
        *,
        mount: str | None = None,
        tls: ssl.SSLContext | None = None,
        timeout_s: float = 5.0,
        ttl_s: float = 60.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is asked yet.

        Args:
            url: `https://host[:port]`.
            token: returns our token, read for each request, or raises LookupError.
            mount: of the engine; where None, the first part of each path.
            tls: whom to trust; None means whom the system trusts.
            timeout_s: for one request as a whole.
            ttl_s: how long a value is used without asking again.
            now: seconds of a clock that is never set.
        """
        self._url = url.rstrip("/")
        self._token = token
        self._mount = mount
        self._tls = tls
        self._timeout_s = timeout_s
        self._ttl_s = ttl_s
        self._now = now
        self._kept: dict[str, _Kept] = {}
        self._asking: dict[str, asyncio.Task[_Kept]] = {}

    async def read(self, path: str, field: str) -> str:
        """Return one field of a secret.

        Raises:
            LookupError: it is not there, or the vault does not answer; the message says why, without any value.
        """
        kept = self._kept.get(path)
        if kept is None or self._now() - kept.at >= self._ttl_s:
            kept = await self._asked(path)
        return _field(kept, field)

    def at_hand(self, path: str, field: str) -> str:
        """Return what was read last, without asking.

        Raises:
            LookupError: nothing was read yet, or it is too old.
        """
        kept = self._kept.get(path)
        if kept is None or self._now() - kept.at >= self._ttl_s:
            raise LookupError("it was not fetched in time to be read without waiting")
        return _field(kept, field)

    def forget(self, path: str) -> None:
        """Have the next `read` ask the vault, unless it was asked a moment ago."""
        kept = self._kept.get(path)
        if kept is not None and self._now() - kept.at >= _YOUNG_S:
            del self._kept[path]

    async def _asked(self, path: str) -> _Kept:
        # One request for all who wait for the same secret; whoever is cancelled leaves it to the others.
        task = self._asking.get(path)
        if task is None:
            task = self._asking[path] = asyncio.create_task(self._ask(path), name="read a secret")
            task.add_done_callback(lambda done: self._answered(path, done))
        return await asyncio.shield(task)

    def _answered(self, path: str, task: asyncio.Task[_Kept]) -> None:
        del self._asking[path]
        if task.cancelled() or task.exception() is not None:
            return
        while len(self._kept) >= _MOST_PATHS and path not in self._kept:
            del self._kept[next(iter(self._kept))]
        self._kept[path] = task.result()

    async def _ask(self, path: str) -> _Kept:
        began, problem, status, text = self._now(), "", 0, b""
        try:
            status, text = await self._get(self._address(path))
        except (aiohttp.ClientSSLError, ssl.SSLError) as error:
            problem = f"no TLS with the vault ({type(error).__name__}); check `secrets.vault.ca_file`"
        except TimeoutError:
            problem = f"no answer of the vault within {self._timeout_s:g} s"
        except (aiohttp.ClientError, OSError) as error:
            problem = f"no answer of the vault ({type(error).__name__}); check `secrets.vault.url`"
        # Not in the handlers: aiohttp's errors carry the request's headers, and a chained one would show them.
        if problem:
            raise LookupError(problem)
        if status != HTTPStatus.OK:
            fix = _FIXES.get(status, "see its log")
            raise LookupError(f"the vault answered {status}: {fix}")
        return _Kept(_fields(text), began)

    async def _get(self, address: URL) -> tuple[int, bytes]:
        token = self._token().get_secret_value()
        opening = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._timeout_s),
            # A proxy of the environment would see the secrets; a few compressed bytes could become gigabytes.
            trust_env=False,
            auto_decompress=False,
        )
        headers = {
            "X-Vault-Token": token,
            "X-Vault-Request": "true",
            "Accept-Encoding": "identity",
            "User-Agent": "pointsman",
        }
        async with (
            opening as session,
            session.get(address, headers=headers, allow_redirects=False, ssl=self._tls or True) as response,
        ):
            text = bytearray()
            async for chunk in response.content.iter_any():
                text += chunk
                if len(text) > _ANSWER_BYTES:
                    raise LookupError(f"the vault answered with more than {_ANSWER_BYTES:,} bytes")
            return response.status, bytes(text)

    def _address(self, path: str) -> URL:
        mount, rest = (self._mount, path) if self._mount else path.split("/", 1)
        return URL(f"{self._url}/v1/{quote(mount)}/data/{quote(rest)}", encoded=True)


@dataclass(frozen=True, slots=True)
class VaultSecret:
    """One field of a secret in a vault. Implements `connectors.secret.SecretSource`."""

    vault: Vault
    path: str
    field: str

    @property
    def reference(self) -> str:
        """As the configuration has it."""
        return f"{{vault: {self.path}, field: {self.field}}}"

    async def fetch(self) -> str:
        """Return it; see the port."""
        return await self.vault.read(self.path, self.field)

    def at_hand(self) -> str:
        """Return what was read last; see the port."""
        return self.vault.at_hand(self.path, self.field)

    def forget(self) -> None:
        """Ask anew the next time."""
        self.vault.forget(self.path)


def _fields(text: bytes) -> Mapping[str, Any]:
    try:
        answer: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise LookupError("the vault answered with what is no JSON; check `secrets.vault.url`") from None
    outer = cast("dict[str, Any]", answer).get("data") if isinstance(answer, dict) else None
    inner = cast("dict[str, Any]", outer).get("data") if isinstance(outer, dict) else None
    if isinstance(inner, dict):
        return cast("dict[str, Any]", inner)
    raise LookupError("the vault answered without data; check that the mount is an engine KV of version 2")


def _field(kept: _Kept, field: str) -> str:
    value = kept.fields.get(field)
    if not isinstance(value, str) or not value:
        raise LookupError(f"the secret has no field `{field}` with text in it")
    return value
