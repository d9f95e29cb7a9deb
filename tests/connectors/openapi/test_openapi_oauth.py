"""Tokens are fetched when they are needed, kept, and renewed: before they end, and where one is refused in the middle."""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from aiohttp import web
from pydantic import SecretStr

from connectors.errors import BusyError, FailedError, NotSentError
from connectors.http import open_http
from connectors.http_auth import ClientCredentials
from connectors.http_oauth import ClientCredentialsLogin
from connectors.secret import Secret, SecretUnavailableError
from tests.connectors.openapi.system import System, echo, opened, section, serving

SECRET = "hunter2 & more"


class Door:
    """A token endpoint and the system behind it, on one port."""

    def __init__(self) -> None:
        self.tokens = 0
        self.asked: list[tuple[str, dict[str, str], str | None]] = []
        self.made = 0
        self.expires_in: Any = 3600
        self.answer: web.Response | None = None
        self.secrets = {SECRET}
        self.good: set[str] = set()
        self.accepts = True

    async def handle(self, request: web.Request) -> web.Response:
        if request.path.rstrip("/") == "/api/token":
            return await self._token(request)
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.good:
            return web.Response(status=401)
        self.made += 1
        return web.json_response({"id": self.made})

    async def _token(self, request: web.Request) -> web.Response:
        form = dict(parse_qsl((await request.read()).decode()))
        self.asked.append((request.raw_path, form, request.headers.get("Authorization")))
        if self.answer is not None:
            return web.Response(status=self.answer.status, body=self.answer.body, headers=self.answer.headers)
        if form.get("client_secret", SECRET) not in self.secrets:
            return web.json_response({"error": "invalid_client", "detail": form}, status=401)
        self.tokens += 1
        token = f"token-{self.tokens}"
        if self.accepts:
            self.good.add(token)
        return web.json_response(
            {"access_token": token, "expires_in": self.expires_in, "token_type": "Bearer"}
        )

    def expire(self) -> None:
        self.good.clear()


@asynccontextmanager
async def guarded(folder: Path, door: Door, path: str = "/token", **more: Any) -> AsyncGenerator[System]:
    async with serving(door.handle) as url:
        oauth = {"token_url": url + path, "client_id": "an id", "client_secret": SECRET, **more}
        async with opened(section(folder, url, auth={"oauth2_client_credentials": oauth})) as system:
            yield system


async def make(system: System) -> Any:
    return await system.perform("make_thing", {"name": "lamp"})


async def test_a_token_is_fetched_once_for_many_calls_at_once(tmp_path: Path) -> None:
    door = Door()
    async with guarded(tmp_path, door, scope="things:write") as system:
        results = await asyncio.gather(*(make(system) for _ in range(10)))
    assert sorted(each["id"] for each in results) == list(range(1, 11))
    both = base64.b64encode(b"an+id:hunter2+%26+more").decode()
    form = {"grant_type": "client_credentials", "scope": "things:write"}
    assert door.asked == [("/api/token", form, f"Basic {both}")]


@pytest.mark.parametrize("path", ["/token", "/token/"])
async def test_the_url_of_the_endpoint_is_asked_as_it_is_written(tmp_path: Path, path: str) -> None:
    door = Door()
    async with guarded(tmp_path, door, path, send_as="body") as system:
        await make(system)
    (asked,) = door.asked
    assert asked == (
        f"/api{path}",
        {"grant_type": "client_credentials", "client_id": "an id", "client_secret": SECRET},
        None,
    )


async def test_a_login_that_expires_in_the_middle_is_renewed_and_the_write_happens_once(
    tmp_path: Path,
) -> None:
    door = Door()
    async with guarded(tmp_path, door) as system:
        await make(system)
        door.expire()
        results = await asyncio.gather(*(make(system) for _ in range(5)))
    assert sorted(each["id"] for each in results) == [2, 3, 4, 5, 6]
    assert (door.made, door.tokens) == (6, 2)


async def test_a_login_that_is_refused_for_good_is_a_refusal_and_nothing_was_done(tmp_path: Path) -> None:
    door = Door()
    door.accepts = False
    async with guarded(tmp_path, door) as system:
        with pytest.raises(FailedError) as refused:
            await make(system)
    assert refused.value.code == "http_401"
    assert (door.made, door.tokens) == (0, 2)  # tried once more with another token, and then no more


async def test_a_token_is_renewed_before_it_ends() -> None:
    door, now = Door(), 0.0
    door.expires_in = "100"
    async with serving(door.handle) as url, open_http(f"{url}/token") as http:
        settings = ClientCredentials(token_url=f"{url}/token", client_id="a", client_secret=SecretStr(SECRET))
        login = ClientCredentialsLogin(settings, http, clock=lambda: now)
        first = await login.proof(5)
        now = 89.0
        assert await login.proof(5) == first
        now = 91.0
        assert (await login.proof(5)).secret == "token-2"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "invalid_client", "code": "hunter2", "detail": SECRET}),
        (401, {"detail": SECRET}),
        (500, {"detail": SECRET}),
        (302, {}),
        (200, {"token": "x"}),
        (200, {"access_token": "x", "token_type": "mac"}),
        (200, {"access_token": "a b\r\nc"}),
        (200, f"no JSON {SECRET}"),
    ],
)
async def test_without_a_token_nothing_is_sent_and_no_secret_is_said(
    tmp_path: Path, status: int, body: Any
) -> None:
    door = Door()
    text = body if isinstance(body, str) else json.dumps(body)
    door.answer = web.Response(status=status, body=text.encode())
    async with guarded(tmp_path, door) as system:
        with pytest.raises(NotSentError) as raised:
            await make(system)
    assert door.made == 0
    error: BaseException | None = raised.value
    while error is not None:
        assert "hunter2" not in f"{error} {error!r}"
        error = error.__cause__ or error.__context__


async def test_a_busy_endpoint_says_for_how_long(tmp_path: Path) -> None:
    door = Door()
    door.answer = web.Response(status=429, headers={"Retry-After": "9"})
    async with guarded(tmp_path, door) as system:
        with pytest.raises(BusyError) as busy:
            await make(system)
    assert busy.value.retry_after_s == 9


async def test_a_silent_endpoint_is_given_up_in_time() -> None:
    async def silent(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets the event")

    async with serving(silent) as url, open_http(f"{url}/token") as http:
        settings = ClientCredentials(token_url=f"{url}/token", client_id="a", client_secret=SecretStr(SECRET))
        with pytest.raises(SecretUnavailableError, match="no token"):
            await ClientCredentialsLogin(settings, http).proof(0.2)


class Vault:
    """A source whose value is replaced."""

    reference = "{vault: shop}"

    def __init__(self) -> None:
        self.values = ["old", "new"]

    async def fetch(self) -> str:
        return self.values[0]

    def at_hand(self) -> str:
        return self.values[0]

    def forget(self) -> None:
        self.values.pop(0)


async def test_a_client_secret_that_was_rotated_is_fetched_anew() -> None:
    door = Door()
    door.secrets = {"new"}
    async with serving(door.handle) as url, open_http(f"{url}/token") as http:
        settings = ClientCredentials(
            token_url=f"{url}/token", client_id="a", client_secret=Secret(Vault()), send_as="body"
        )
        assert (await ClientCredentialsLogin(settings, http).proof(5)).secret == "token-1"
    assert [form["client_secret"] for _, form, _ in door.asked] == ["old", "new"]


@pytest.mark.parametrize(
    ("auth", "header", "query"),
    [
        ({"bearer": "t-1"}, ("authorization", "Bearer t-1"), ""),
        ({"basic": {"user": "ann", "password": "p"}}, ("authorization", "Basic YW5uOnA="), ""),
        ({"api_key": {"name": "X-Key", "value": "k"}}, ("x-key", "k"), ""),
        ({"api_key": {"in": "cookie", "name": "sid", "value": "k"}}, ("cookie", "sid=k"), ""),
        (
            {"api_key": {"in": "query", "name": "key", "value": "k&l"}},
            ("accept", "application/json"),
            "?key=k%26l",
        ),
    ],
)
async def test_every_other_login_is_sent_where_it_belongs(
    tmp_path: Path, auth: dict[str, Any], header: tuple[str, str], query: str
) -> None:
    async with serving(echo) as url, opened(section(tmp_path, url, auth=auth)) as system:
        said = await make(system)
    assert said["headers"][header[0]] == header[1]
    assert said["target"] == f"/api/things{query}"
