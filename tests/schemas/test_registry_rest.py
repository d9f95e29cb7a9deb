"""How a registry is asked: again within limits, at its other addresses, with credentials, over TLS, never by a redirect."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from schemas.errors import RegistryError, SchemaError
from schemas.registry.rest import Endpoint, RegistryRest
from tests.schemas.stand_in import StandIn, standing_in

NOBODY = "http://127.0.0.1:1"


@pytest.fixture
async def other() -> AsyncIterator[StandIn]:
    async with standing_in() as server:
        yield server


async def ask(*urls: str, tries: int = 3, times: int = 1, timeout_s: float = 5) -> None:
    rest = RegistryRest(Endpoint(urls, tries=tries, timeout_s=timeout_s))
    try:
        for _ in range(times):
            await rest.ask("GET", "/config", what="the level")
    finally:
        await rest.close()


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_what_may_pass_is_tried_again(stand_in: StandIn, status: int) -> None:
    stand_in.statuses = [status, status]
    await ask(stand_in.url)
    assert len(stand_in.requests) == 3


async def test_it_is_tried_so_often_and_no_more(stand_in: StandIn) -> None:
    stand_in.status = 503
    with pytest.raises(RegistryError, match="the level: the registry answered 503, the last of 2 times"):
        await ask(stand_in.url, tries=2)
    assert len(stand_in.requests) == 2


@pytest.mark.parametrize("status", [302, 401, 403, 404, 409, 422, 400])
async def test_what_stays_the_same_is_not_tried_again(stand_in: StandIn, status: int) -> None:
    stand_in.status = status
    with pytest.raises(SchemaError):
        await ask(stand_in.url)
    assert len(stand_in.requests) == 1


@pytest.mark.parametrize("said", [b"", b"<html>Not Found</html>", b"[]", b'{"error_code": null}'])
async def test_a_404_that_is_no_answer_of_a_registry_may_pass(stand_in: StandIn, said: bytes) -> None:
    stand_in.status, stand_in.error = 404, said
    with pytest.raises(RegistryError, match=r"check `registry\.url`"):
        await ask(stand_in.url)


async def test_a_registry_that_asks_for_a_long_pause_gets_a_short_one(stand_in: StandIn) -> None:
    stand_in.statuses, stand_in.retry_after = [429], "3600"
    async with asyncio.timeout(30):
        await ask(stand_in.url)
    assert len(stand_in.requests) == 2


async def test_another_address_is_asked_and_then_first(stand_in: StandIn) -> None:
    await ask(NOBODY, stand_in.url, times=3)
    assert len(stand_in.requests) == 3


async def test_an_address_that_fails_is_left_for_the_next(stand_in: StandIn, other: StandIn) -> None:
    stand_in.status = 503
    await ask(stand_in.url, other.url, times=2)
    assert (len(stand_in.requests), len(other.requests)) == (1, 2)
    other.status, stand_in.status = 503, 200
    await ask(other.url, stand_in.url)
    assert (len(stand_in.requests), len(other.requests)) == (2, 3)


async def test_an_address_that_hangs_is_left_for_the_next(stand_in: StandIn, other: StandIn) -> None:
    stand_in.gate.clear()
    await ask(stand_in.url, other.url, timeout_s=0.2)
    assert len(other.requests) == 1


async def test_headers_go_with_each_request_and_credentials_are_asked_for_each(stand_in: StandIn) -> None:
    tokens = iter("ab")

    async def token() -> str:
        return f"Bearer {next(tokens)}"

    rest = RegistryRest(
        Endpoint((stand_in.url,), authorization=token, headers={"target-sr-cluster": "lsrc-1"})
    )
    for expected in ("Bearer a", "Bearer b"):
        await rest.ask("GET", "/config", what="the level")
        assert stand_in.authorization == expected
        assert stand_in.headers["target-sr-cluster"] == "lsrc-1"
        assert stand_in.headers["Accept-Encoding"] == "identity"
    await rest.close()


async def test_errors_say_nothing_of_what_was_sent(stand_in: StandIn) -> None:
    async def token() -> str:
        return "Bearer canary"

    rest = RegistryRest(Endpoint((NOBODY,), authorization=token))
    with pytest.raises(RegistryError) as caught:
        await rest.ask("GET", "/config", what="the level")
    await rest.close()
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert "canary" not in str(caught.value)
