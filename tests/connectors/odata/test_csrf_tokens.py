"""Where a service demands a CSRF token, one is fetched, kept with its cookies, and fetched anew when the session has ended."""

import asyncio

import pytest
from aiohttp import web

from connectors.errors import FailedError, NotSentError
from connectors.rehearsal import Rehearsed, rehearsal
from tests.connectors.odata.gateway import Session, gateway


async def changed(request: web.Request) -> web.Response:
    assert request.content_type == "application/json"
    return web.json_response({"ID": "P-1", "stock": 1})


async def test_a_token_is_fetched_once_and_sent_with_its_cookies() -> None:
    service = Session(changed)
    async with gateway(service.answer, csrf=True) as do:
        for _ in range(3):
            assert (await do("change_product", ID="P-1", stock=1))["stock"] == 1
    assert (service.fetched, service.refused) == (1, 0)


async def test_many_changes_at_once_fetch_one_token() -> None:
    service = Session(changed)
    async with gateway(service.answer, csrf=True) as do:
        await asyncio.gather(*(do("change_product", ID="P-1", stock=1) for _ in range(10)))
    assert service.fetched == 1


async def test_a_session_that_has_ended_costs_one_more_request() -> None:
    service = Session(changed)
    async with gateway(service.answer, csrf=True) as do:
        await do("change_product", ID="P-1", stock=1)
        service.number = 2
        assert (await do("change_product", ID="P-1", stock=1))["stock"] == 1
    assert (service.fetched, service.refused) == (2, 1)


async def test_a_token_that_is_never_accepted_ends_after_two_tries() -> None:
    tries = 0

    async def refuses(request: web.Request) -> web.Response:
        nonlocal tries
        if request.headers.get("X-CSRF-Token") == "Fetch":
            return web.json_response({}, headers={"X-CSRF-Token": "t"})
        tries += 1
        raise web.HTTPForbidden(headers={"X-CSRF-Token": "Required"})

    async with gateway(refuses, csrf=True) as do:
        with pytest.raises(FailedError) as error:
            await do("change_product", ID="P-1", stock=1)
    assert error.value.code == "forbidden"
    assert tries == 2


async def test_reads_need_no_token() -> None:
    async def read(_: web.Request) -> web.Response:
        return web.json_response({"ID": "P-1"})

    service = Session(read)
    async with gateway(service.answer, csrf=True) as do:
        assert await do("get_product", ID="P-1") == {"ID": "P-1"}
    assert service.fetched == 0


async def test_a_service_that_demands_what_nobody_configured_is_named() -> None:
    async with gateway(Session(changed).answer) as do:
        with pytest.raises(FailedError, match="csrf: true") as error:
            await do("change_product", ID="P-1", stock=1)
    assert error.value.code == "csrf_required"


async def test_a_service_that_gives_no_token_is_named() -> None:
    async def none(_: web.Request) -> web.Response:
        return web.json_response({})

    async with gateway(none, csrf=True) as do:
        with pytest.raises(FailedError, match="csrf: false"):
            await do("change_product", ID="P-1", stock=1)


async def test_where_no_token_can_be_had_nothing_was_changed() -> None:
    async def broken(request: web.Request) -> web.Response:
        if request.method != "GET":
            raise AssertionError("a change was sent without a token")
        raise web.HTTPInternalServerError

    async with gateway(broken, csrf=True) as do:
        with pytest.raises(NotSentError):
            await do("change_product", ID="P-1", stock=1)


async def test_a_token_that_does_not_come_in_time_changes_nothing() -> None:
    async def silent(request: web.Request) -> web.Response:
        if request.method != "GET":
            raise AssertionError("a change was sent without a token")
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    async with gateway(silent, csrf=True) as do:
        with pytest.raises(NotSentError):
            await do("change_product", ID="P-1", stock=1, timeout_s=0.2)


async def test_a_rehearsal_shows_the_change_and_asks_for_no_session() -> None:
    service = Session(changed)
    async with gateway(service.answer, csrf=True) as do:
        with pytest.raises(Rehearsed) as shown, rehearsal(changes=True):
            await do("change_product", ID="P-1", stock=1)
    assert "PATCH /Products('P-1')" in shown.value.request
    assert '{"stock":1}' in shown.value.request
    assert service.fetched == 0
