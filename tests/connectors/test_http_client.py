import asyncio
import gzip
import logging
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from pydantic import SecretStr

from connectors.errors import FailedError, InDoubtError, NotSentError, UnusableResultError
from connectors.http import HttpClient, HttpRequest, open_http

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def talking_to(
    handler: Handler, *, timeout_s: float = 5, max_body_bytes: int = 1000, connections: int = 10
) -> AsyncGenerator[HttpClient]:
    app = web.Application()
    app.router.add_route("*", r"/{path:[\s\S]*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with open_http(
            f"http://127.0.0.1:{runner.addresses[0][1]}/api/",
            token=SecretStr("canary-token"),
            timeout_s=timeout_s,
            max_body_bytes=max_body_bytes,
            connections=connections,
        ) as client:
            yield client
    finally:
        await runner.cleanup()


async def echo(request: web.Request) -> web.Response:
    body = await request.read()
    return web.json_response(
        {
            "method": request.method,
            "path": request.raw_path,
            "headers": dict(request.headers),
            "body": body.decode(),
        }
    )


async def forever(_: web.Request) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError


async def test_a_request_carries_token_key_and_json() -> None:
    async with talking_to(echo) as client:
        said = await client.post("orders", body={"a": 1}, key="k-1")

    assert (said["method"], said["path"], said["body"]) == ("POST", "/api/orders", '{"a":1}')
    assert said["headers"]["Authorization"] == "Bearer canary-token"
    assert said["headers"]["Idempotency-Key"] == "k-1"
    assert said["headers"]["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("segment", "sent"),
    [
        ("O-1", "/api/orders/O-1"),
        ("../admin", "/api/orders/..%2Fadmin"),
        ("a?b=c#d", "/api/orders/a%3Fb%3Dc%23d"),
        ("http://evil.example/", "/api/orders/http%3A%2F%2Fevil.example%2F"),
        ("ü \r\n", "/api/orders/%C3%BC%20%0D%0A"),
        ("%2e%2e", "/api/orders/%252e%252e"),
        ("@evil.example", "/api/orders/%40evil.example"),
    ],
)
async def test_whatever_a_segment_says_it_stays_one_segment(segment: str, sent: str) -> None:
    async with talking_to(echo) as client:
        assert (await client.get("orders", segment))["path"] == sent


@pytest.mark.parametrize("segment", ["", ".", ".."])
async def test_a_segment_that_would_leave_its_place_is_refused(segment: str) -> None:
    async with talking_to(echo) as client:
        with pytest.raises(FailedError, match="dotted segment"):
            await client.get("orders", segment)


@pytest.mark.parametrize(
    ("request_", "sent"),
    [
        (HttpRequest("GET", ()), "/api"),
        (HttpRequest("GET", (), slash=True), "/api/"),
        (HttpRequest("GET", ("orders",), slash=True), "/api/orders/"),
        (HttpRequest("GET", ("orders", "a%2Fb:cancel"), quoted=True), "/api/orders/a%2Fb:cancel"),
    ],
    ids=["none", "a slash", "a slash at the end", "quoted already"],
)
async def test_a_path_is_sent_as_it_is_given(request_: HttpRequest, sent: str) -> None:
    async with talking_to(echo) as client:
        assert (await client.send(request_))["path"] == sent


@pytest.mark.parametrize("segment", ["", ".", "%2E.", "a/b", "a?b", "a#b", "a\r\nb", "%zz", "ü"])
async def test_a_quoted_segment_cannot_leave_its_place_either(segment: str) -> None:
    async with talking_to(echo) as client:
        with pytest.raises(FailedError, match="no such path"):
            await client.send(HttpRequest("GET", ("orders", segment), quoted=True))


async def test_a_redirect_is_not_followed() -> None:
    seen: list[str] = []

    async def redirect(request: web.Request) -> web.Response:
        seen.append(request.path)
        raise web.HTTPFound("/api/elsewhere")

    async with talking_to(redirect) as client:
        with pytest.raises(FailedError, match="HTTP 302"):
            await client.get("orders")

    assert seen == ["/api/orders"]


async def test_proxy_variables_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with talking_to(echo) as client:
        assert (await client.get("orders"))["method"] == "GET"


async def test_a_refused_connection_means_not_sent() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        async with open_http(f"http://127.0.0.1:{port}") as client:
            with pytest.raises(NotSentError):
                await client.post("orders", body={})


async def test_a_name_that_does_not_resolve_means_not_sent() -> None:
    async with open_http("http://no-such-host.invalid") as client:
        with pytest.raises(NotSentError):
            await client.post("orders", body={})


async def test_no_free_connection_in_time_means_not_sent() -> None:
    arrived = asyncio.Event()

    async def hold(request: web.Request) -> web.Response:
        arrived.set()
        return await forever(request)

    async with talking_to(hold, connections=1) as client:
        holding = asyncio.create_task(client.get("slow"))
        await arrived.wait()
        with pytest.raises(NotSentError):
            await client.post("orders", body={}, timeout_s=0.1)
        holding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await holding


async def test_no_answer_in_time_leaves_the_effect_in_doubt() -> None:
    async with talking_to(forever) as client:
        with pytest.raises(InDoubtError, match=r"no answer within 0\.05 s"):
            await client.post("orders", body={}, timeout_s=0.05)


async def test_a_connection_cut_before_the_answer_leaves_the_effect_in_doubt() -> None:
    async def cut(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with talking_to(cut) as client:
        with pytest.raises(InDoubtError, match="connection lost"):
            await client.post("orders", body={})


async def test_a_post_is_sent_once_even_where_the_connection_is_cut() -> None:
    seen = 0

    async def cut_second(request: web.Request) -> web.Response:
        nonlocal seen
        seen += 1
        if seen == 2:
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({})

    async with talking_to(cut_second) as client:
        await client.post("orders", body={})
        with pytest.raises(InDoubtError):
            await client.post("orders", body={})

    assert seen == 2


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_above_the_limit_is_not_read(chunked: bool) -> None:
    async def huge(_: web.Request) -> web.Response:
        response = web.Response(body=b'"' + b"x" * 5000 + b'"')
        if chunked:
            response.enable_chunked_encoding()
        return response

    async with talking_to(huge) as client:
        with pytest.raises(InDoubtError, match="above the limit of 1000 bytes"):
            await client.get("orders")


@pytest.mark.parametrize("content_type", ["application/json", "application/problem+json", "text/html"])
async def test_a_body_above_the_limit_tells_of_a_change_only_where_the_application_answered(
    content_type: str,
) -> None:
    async def huge(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * 5000, content_type=content_type)

    async with talking_to(huge) as client:
        with pytest.raises(UnusableResultError) as changed:
            await client.post("orders", body={})
        with pytest.raises(UnusableResultError) as looked_up:
            await client.get("orders")
    assert changed.value.executed is (content_type != "text/html")
    assert not looked_up.value.executed
    assert changed.value.code == "result_too_large"


async def test_a_refusal_stays_one_however_long_its_words_are() -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=409, body=b"x" * 5000)

    async with talking_to(refuse) as client:
        with pytest.raises(FailedError, match="HTTP 409"):
            await client.post("orders", body={})


async def test_a_chunked_body_within_the_limit_is_read() -> None:
    async def chunked(_: web.Request) -> web.Response:
        response = web.json_response([1, 2])
        response.enable_chunked_encoding()
        return response

    async with talking_to(chunked) as client:
        assert await client.get("orders") == [1, 2]


async def test_a_compressed_body_is_not_unpacked() -> None:
    async def bomb(_: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(b"0" * 500_000), headers={"Content-Encoding": "gzip"})

    async with talking_to(bomb) as client:
        with pytest.raises(InDoubtError, match="no JSON"):
            await client.get("orders")


async def test_no_error_and_no_log_shows_the_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def fail(_: web.Request) -> web.Response:
        return web.Response(status=500)

    async with talking_to(fail) as client:
        with pytest.raises(InDoubtError) as raised:
            await client.post("orders", body={})

    assert "canary-token" not in repr(raised.value) + repr(client) + caplog.text


@pytest.mark.parametrize(
    "base_url",
    [
        "ftp://host",
        "host:80",
        "http://",
        "http://u:p@host",
        "http://host/?a=b",
        "http://host/#f",
        "file:///etc",
    ],
)
async def test_a_base_url_that_is_more_or_less_than_an_origin_and_prefix_is_refused(base_url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        async with open_http(base_url):
            raise AssertionError
