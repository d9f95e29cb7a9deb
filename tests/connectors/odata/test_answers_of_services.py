"""What a service answers is taken for what it says of the effect, and for no more."""

import re
from typing import Any

import pytest
from aiohttp import web

from connectors.errors import BusyError, FailedError, InDoubtError, UnusableResultError
from tests.connectors.odata.gateway import gateway
from tests.connectors.odata.trade import section

ORDER = "0b0c6c0e-7a5c-4d5e-9d2f-3a8f6f1b2c3d"


def error(code: str, message: Any, status: int = 400) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        (
            lambda: error("SY/530", {"lang": "en", "value": "Credit limit reached"}),
            "sy_530",
            "Credit limit reached",
        ),
        (lambda: error("0x80040265", "Plug-in aborted"), "http_400", "0x80040265: Plug-in aborted"),
        (lambda: error("", "x" * 2000), "http_400", "x" * 400),
        (lambda: error("005056A509B11EE1B9A8FEC11C21578E", "Locked", 423), "http_423", "Locked"),
        (lambda: error("404", "Not Found", 404), "not_found", "Not Found"),
        (lambda: error("x", "Duplicate", 409), "conflict", "Duplicate"),
        (lambda: web.Response(status=404, text="<html>"), "http_404", "HTTP 404"),
        (lambda: web.Response(status=403, text="<html>"), "forbidden", "HTTP 403"),
        (lambda: web.json_response([1], status=400), "http_400", "HTTP 400"),
    ],
)
async def test_a_refusal_has_the_services_code_and_words(answer: Any, code: str, says: str) -> None:
    async def refuses(_: web.Request) -> web.Response:
        return answer()

    async with gateway(refuses) as do:
        with pytest.raises(FailedError) as refused:
            await do("create_order", customer_ID="C-1")
    assert refused.value.code == code
    assert says in str(refused.value)
    assert len(str(refused.value)) <= 500


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_a_write_that_got_a_server_error_is_in_doubt(status: int) -> None:
    async def fails(_: web.Request) -> web.Response:
        return error("x", "UNIQUE constraint failed", status)

    async with gateway(fails) as do:
        with pytest.raises(InDoubtError):
            await do("create_order", customer_ID="C-1")


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_service_is_asked_later(status: int) -> None:
    async def busy(_: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Retry-After": "7"})

    async with gateway(busy) as do:
        for verb, arguments in (("create_order", {"customer_ID": "C-1"}), ("get_product", {"ID": "P-1"})):
            with pytest.raises(BusyError) as later:
                await do(verb, **arguments)
            assert later.value.retry_after_s == 7


async def test_a_change_without_content_in_its_answer_is_done() -> None:
    """Dynamics and v2 services answer 204 to changes."""

    async def quiet(request: web.Request) -> web.Response:
        if request.method == "GET":
            return error("404", "Not Found", 404)
        return web.Response(status=204, headers={"ETag": 'W/"8"'})

    async with gateway(quiet, "v2") as do:
        changed = await do("change_order", ID=ORDER, etag='W/"7"', note="x")
        assert changed == {"ID": ORDER, "etag": 'W/"8"'}
        assert await do("create_customer", ID="C-1", name="x") == {"ID": "C-1", "etag": 'W/"8"'}


async def test_an_answer_that_is_no_entity_says_that_a_write_is_done() -> None:
    async def odd(request: web.Request) -> web.Response:
        return web.json_response([1])

    async with gateway(odd) as do:
        with pytest.raises(UnusableResultError) as write:
            await do("create_order", customer_ID="C-1")
        assert write.value.executed
        with pytest.raises(UnusableResultError) as read:
            await do("find_products")
        assert not read.value.executed


async def test_an_answer_above_the_cap_is_refused_as_such() -> None:
    async def huge(_: web.Request) -> web.Response:
        return web.json_response({"value": [{"ID": "x" * (1 << 20)}]})

    async with gateway(huge) as do:
        with pytest.raises(UnusableResultError) as error:
            await do("find_products")
    assert error.value.code == "result_too_large"


async def test_a_link_leads_on_at_the_same_place_and_nowhere_else() -> None:
    asked: list[tuple[str, str]] = []

    async def pages(request: web.Request) -> web.Response:
        asked.append((request.path, request.query.get("$skiptoken", "")))
        elsewhere = "http://169.254.169.254/latest/Products?$skiptoken=2%2B1&$select=ID"
        link = {} if "$skiptoken" in request.query else {"@odata.nextLink": elsewhere}
        return web.json_response({"value": [{"ID": f"P-{len(asked)}"}], **link})

    async with gateway(pages) as do:
        answer = await do("find_products", select=["ID"])
    assert answer == {"found": [{"ID": "P-1"}, {"ID": "P-2"}], "more": False}
    assert asked == [("/odata/Products", ""), ("/odata/Products", "2+1")]


@pytest.mark.parametrize("written", ["a%2Bb%20c", "a+b%20c", "a%2Bb+c"])
async def test_a_plus_sign_in_a_link_stays_what_it_was(written: str) -> None:
    seen: list[str] = []

    async def pages(request: web.Request) -> web.Response:
        seen.append(request.query["$filter"])
        link = f"Products?$filter=name%20eq%20'{written}'".replace("%20", "+" if "+c" in written else "%20")
        more = {} if len(seen) > 1 else {"@odata.nextLink": f"{link}&$skiptoken=1"}
        return web.json_response({"value": [], **more})

    async with gateway(pages) as do:
        await do("find_products", name="a+b c")
    assert seen == ["name eq 'a+b c'"] * 2


async def test_pages_without_end_are_given_up() -> None:
    async def endless(_: web.Request) -> web.Response:
        return web.json_response({"value": [], "@odata.nextLink": "Products?$skiptoken=1"})

    async with gateway(endless) as do:
        with pytest.raises(FailedError) as error:
            await do("find_products")
    assert error.value.code == "too_many_pages"


async def test_what_was_asked_of_an_early_v2_service_comes_without_an_envelope_around_the_list() -> None:
    async def first(_: web.Request) -> web.Response:
        return web.json_response({"d": [{"ID": "P-1", "__metadata": {}}]})

    async with gateway(first, "v2") as do:
        assert (await do("find_products"))["found"] == [{"ID": "P-1"}]


async def test_headers_of_the_section_and_of_the_protocol_are_sent() -> None:
    seen: dict[str, str] = {}

    async def echo(request: web.Request) -> web.Response:
        seen.update(request.headers)
        return web.json_response({"ID": "P-1"})

    async with gateway(echo, headers={"sap-client": "100"}) as do:
        await do("get_product", ID="P-1")
    assert seen["sap-client"] == "100"
    assert "IEEE754Compatible=true" in seen["Accept"]
    assert seen["OData-Version"] == "4.0"


async def test_our_reference_is_the_same_for_a_key_and_of_capitals_and_digits() -> None:
    sent: list[str] = []

    async def creates(request: web.Request) -> web.Response:
        if request.method == "POST":
            sent.append((await request.json())["reference"])
            return web.json_response({"ID": ORDER})
        assert request.query["$filter"] == f"reference eq '{sent[0]}'"
        return web.json_response({"value": [{"ID": ORDER}]})

    async with gateway(creates) as do:
        for key in ("k-1", "k-1", "k-2"):
            await do("create_order", key=key, customer_ID="C-1")
        assert (await do("outcome_of_create_order", key="k-1", customer_ID="C-1"))["ID"] == ORDER
    assert sent[0] == sent[1] != sent[2]
    assert all(re.fullmatch(r"P[0-9A-F]{31}", each) for each in sent)


async def test_several_entities_with_our_reference_are_left_to_a_person() -> None:
    async def two(_: web.Request) -> web.Response:
        return web.json_response({"value": [{"ID": ORDER}, {"ID": ORDER}]})

    async with gateway(two) as do:
        with pytest.raises(FailedError) as error:
            await do("outcome_of_create_order", customer_ID="C-1")
    assert error.value.code == "unclear"


async def test_a_proxy_that_knows_no_such_page_does_not_say_that_nothing_was_done() -> None:
    async def lost(_: web.Request) -> web.Response:
        return web.Response(status=404, text="no such page", content_type="text/html")

    async with gateway(lost) as do:
        with pytest.raises(FailedError) as error:
            await do("outcome_of_create_customer", ID="C-1", name="x")
    assert error.value.code == "http_404"


def repeatable() -> dict[str, Any]:
    entities = section("v4")["entities"]
    create = entities["Orders"]["actions"]["create_order"]
    del create["reference"]
    create["repeatable"] = "24h"
    return entities


async def test_a_repeated_request_has_the_same_id_and_time() -> None:
    seen: list[tuple[str, str]] = []

    async def remembers(request: web.Request) -> web.Response:
        seen.append(
            (request.headers["Repeatability-Request-ID"], request.headers["Repeatability-First-Sent"])
        )
        if len(seen) == 1:
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"ID": ORDER}, headers={"Repeatability-Result": "accepted"})

    async with gateway(remembers, entities=repeatable()) as do:
        with pytest.raises(InDoubtError):
            await do("create_order", customer_ID="C-1")
        assert (await do("create_order", customer_ID="C-1"))["ID"] == ORDER
        await do("create_order", customer_ID="C-1", key="k-2")
    assert seen[0] == seen[1]
    assert seen[1][0] != seen[2][0]


@pytest.mark.parametrize("status", [400, 412])
async def test_a_repeated_request_that_is_not_recognised_is_in_doubt(status: int) -> None:
    async def forgot(_: web.Request) -> web.Response:
        return web.json_response({}, status=status, headers={"Repeatability-Result": "rejected"})

    async with gateway(forgot, entities=repeatable()) as do:
        with pytest.raises(InDoubtError, match="does not recognise"):
            await do("create_order", customer_ID="C-1")
