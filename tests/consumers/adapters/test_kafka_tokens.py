"""Tokens: one is fetched for all, renewed in time, and kept while its successor cannot be had."""

import asyncio
import base64
import json
import logging
from dataclasses import dataclass, field

import pytest
from aiokafka.errors import KafkaConnectionError
from pydantic import SecretStr

from consumers.adapters.kafka_mounted_token import MountedToken
from consumers.adapters.kafka_renewed_token import RenewedToken
from consumers.adapters.kafka_tokens import Granted, TokenError, ends_at, is_token


@dataclass
class Source:
    """Grants `token-1`, `token-2`, … for a hundred seconds each; says no while it is told to."""

    now: float = 1000.0
    refuses: str = ""
    asked: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def fetch(self) -> Granted:
        self.asked += 1
        number = self.asked
        await self.gate.wait()
        if self.refuses:
            raise TokenError(self.refuses)
        return Granted(f"token-{number}", 100.0)


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def tokens(source: Source) -> RenewedToken:
    return RenewedToken(source.fetch, extensions={"pool": "p"}, clock=lambda: source.now)


async def test_nothing_is_fetched_before_it_is_wanted(source: Source, tokens: RenewedToken) -> None:
    assert source.asked == 0
    assert await tokens.token() == "token-1"
    assert tokens.extensions() == {"pool": "p"}


async def test_a_token_is_used_for_four_fifths_of_its_time(source: Source, tokens: RenewedToken) -> None:
    seen: list[str] = []
    for now in (1000.0, 1079.9, 1080.0, 1159.9, 1160.0):
        source.now = now
        seen.append(await tokens.token())
    assert seen == ["token-1", "token-1", "token-2", "token-2", "token-3"]


async def test_connections_that_open_at_once_share_one_fetch(source: Source, tokens: RenewedToken) -> None:
    source.gate.clear()
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(tokens.token()) for _ in range(5)]
        while not source.asked:
            await asyncio.sleep(0)
        source.gate.set()
    assert {task.result() for task in asking} == {"token-1"}
    assert source.asked == 1


async def test_one_who_gives_up_waiting_leaves_the_others_to_go_on(
    source: Source, tokens: RenewedToken
) -> None:
    source.gate.clear()
    first = asyncio.create_task(tokens.token())
    while not source.asked:
        await asyncio.sleep(0)
    second = asyncio.create_task(tokens.token())
    first.cancel()
    source.gate.set()
    assert await second == "token-2"


async def test_the_token_before_serves_while_it_is_good(
    source: Source, tokens: RenewedToken, caplog: pytest.LogCaptureFixture
) -> None:
    await tokens.token()
    source.refuses = "the provider is away"
    source.now = 1090.0
    with caplog.at_level(logging.WARNING):
        assert await tokens.token() == "token-1"
    assert "the token was not renewed" in caplog.text
    assert "token-1" not in caplog.text
    source.now = 1100.0
    with pytest.raises(TokenError, match=r"^the provider is away$"):
        await tokens.token()
    source.now, source.refuses = 1102.0, ""
    assert await tokens.token() == "token-4"


async def test_a_source_that_fails_is_not_asked_again_at_once(source: Source, tokens: RenewedToken) -> None:
    source.refuses = "no"
    for _ in range(5):
        with pytest.raises(TokenError, match="no"):
            await tokens.token()
    assert source.asked == 1
    source.now += 1.0
    source.refuses = ""
    assert await tokens.token() == "token-2"


async def test_a_token_that_arrives_too_late_is_not_used(source: Source) -> None:
    async def fetch() -> Granted:
        source.now += 200.0
        return Granted("token", 100.0)

    with pytest.raises(TokenError, match="compare the clocks"):
        await RenewedToken(fetch, extensions={}, clock=lambda: source.now).token()


def jwt(**claims: object) -> str:
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{part}.c2lnbmF0dXJl"


async def test_a_mounted_token_is_read_at_each_connection() -> None:
    held = iter(["first", "second"])
    tokens = MountedToken(lambda: SecretStr(next(held)), setting="s", extensions={"pool": "p"})
    assert [await tokens.token(), await tokens.token()] == ["first", "second"]
    assert tokens.extensions() == {"pool": "p"}


async def test_a_mounted_token_that_ended_is_not_sent() -> None:
    now = 1000.0
    tokens = MountedToken(
        lambda: SecretStr(jwt(exp=1000)), setting="kafka.security.oauth.token", extensions={}, now=lambda: now
    )
    assert await tokens.token()
    now = 1060.0
    assert await tokens.token(), "clocks may differ: the broker judges"
    now = 1090.0
    with pytest.raises(TokenError, match=r"kafka.security.oauth.token: the token ended 90 s ago"):
        await tokens.token()


@pytest.mark.parametrize("text", ["a b", "a\x01auth=Bearer b", "", "ä", "a\nb"])
async def test_what_is_no_token_is_neither_sent_nor_shown(text: str) -> None:
    tokens = MountedToken(lambda: SecretStr(text), setting="s", extensions={})
    with pytest.raises(TokenError) as caught:
        await tokens.token()
    assert str(caught.value) == "s: what is there is no token (letters, digits and ._~+/-= only)"
    assert not is_token(text)


async def test_a_token_that_is_not_there_is_an_error_that_aiokafka_lives_with() -> None:
    def read() -> SecretStr:
        raise LookupError("the secret file /run/token cannot be read: No such file or directory")

    with pytest.raises(KafkaConnectionError, match=r"s: the secret file /run/token cannot be read"):
        await MountedToken(read, setting="s", extensions={}).token()


@pytest.mark.parametrize(
    ("token", "end"),
    [
        (jwt(exp=1234), 1234.0),
        (jwt(exp=1234.5), 1234.5),
        (jwt(sub="x"), None),
        (jwt(exp="soon"), None),
        ("opaque", None),
        ("a.b.c", None),
        ("a.W10.c", None),
        ("a.é.c", None),
    ],
)
def test_the_end_of_a_token_is_known_where_it_says_so(token: str, end: float | None) -> None:
    assert ends_at(token) == end


def test_no_token_is_shown() -> None:
    assert "secret" not in repr(Granted("secret", 1.0))
