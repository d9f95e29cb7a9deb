"""Asking for a token: what is sent, what is taken, and what is said when there is none."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from consumers.adapters.kafka_tokens import TokenError
from consumers.adapters.tls_files import tls_context
from consumers.adapters.token_endpoint import TokenEndpoint
from ops.kafka.certificates import Authority, private_pem
from tests.kafka.identity_provider import CLIENT_ID, CLIENT_SECRET, identity_provider

GRANT = {"access_token": "granted", "token_type": "Bearer", "expires_in": 300}


def endpoint(url: str, **more: Any) -> TokenEndpoint:
    values: dict[str, Any] = {"client_id": CLIENT_ID, "client_secret": SecretStr(CLIENT_SECRET)} | more
    return TokenEndpoint("kafka.security.oauth", url, **values)


@asynccontextmanager
async def answering(response: web.Response | None) -> AsyncGenerator[str]:
    """An endpoint that answers everything with one response, or not at all."""
    over = asyncio.Event()

    async def answer(_: web.Request) -> web.StreamResponse:
        if response is None:
            await over.wait()
        return web.Response() if response is None else response

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/token"
    finally:
        over.set()
        await runner.cleanup()


async def problem(asked: TokenEndpoint) -> str:
    with pytest.raises(TokenError) as caught:
        await asked.fetch()
    error: BaseException | None = caught.value
    while error is not None:
        assert CLIENT_SECRET not in f"{error} {error!r} {error.args}"
        error = error.__cause__ or error.__context__
    return str(caught.value)


@pytest.mark.parametrize("client_auth", ["basic", "post"])
async def test_the_client_says_who_it_is_in_either_way(client_auth: str) -> None:
    async with identity_provider(lambda: GRANT) as provider:
        asked = endpoint(provider.url, client_auth=client_auth, scope="kafka", parameters={"audience": "a"})
        granted = await asked.fetch()
    assert (granted.token, granted.lifetime_s) == ("granted", 300)
    (form,) = provider.forms
    assert form.items() >= {"grant_type": "client_credentials", "scope": "kafka", "audience": "a"}.items()
    assert ("client_secret" in form) == (client_auth == "post")


@pytest.mark.parametrize(
    ("said", "lifetime"),
    [({"expires_in": "60"}, 60), ({}, 60), ({"expires_in": -1}, 60), ({"expires_in": "soon"}, 60)],
)
async def test_lifetimes_are_read_as_providers_write_them(said: dict[str, Any], lifetime: float) -> None:
    async with identity_provider(
        lambda: {"access_token": "granted", "token_type": "bearer", **said}
    ) as provider:
        assert (await endpoint(provider.url).fetch()).lifetime_s == lifetime


async def test_a_wrong_secret_is_named_and_not_repeated() -> None:
    async with identity_provider(dict) as provider:
        asked = endpoint(provider.url, client_secret=SecretStr("wrong"))
        said = await problem(asked)
    assert said == (
        "kafka.security.oauth: no token from 127.0.0.1: it answered 401 (invalid_client); "
        "check `client_id` and `client_secret`, or try another `client_auth`"
    )


async def test_words_of_the_endpoint_are_not_repeated() -> None:
    async with identity_provider(dict) as provider:
        provider.status = 503
        said = await problem(endpoint(provider.url))
    assert said.endswith("it answered 503; check `token_url`")


@pytest.mark.parametrize(
    ("response", "says"),
    [
        (web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}), "it answered 302"),
        (web.Response(text="<html>"), "without a bearer token"),
        (web.json_response([]), "without a bearer token"),
        (web.json_response({"access_token": 1}), "without a bearer token"),
        (web.json_response({"access_token": "a b"}), "without a bearer token"),
        (web.json_response({"access_token": "a", "token_type": "mac"}), "without a bearer token"),
        (web.Response(body=b"x" * 70_000), "more than 65536 bytes"),
        (web.Response(body=b"\x1f\x8b junk", headers={"Content-Encoding": "gzip"}), "without a bearer token"),
    ],
)
async def test_answers_that_are_none(response: web.Response, says: str) -> None:
    async with answering(response) as url:
        assert says in await problem(endpoint(url))


async def test_an_endpoint_that_does_not_answer(unused_tcp_port: int) -> None:
    async with answering(None) as url:
        assert "no answer within 0.05 s" in await problem(endpoint(url, timeout_s=0.05))
    said = await problem(endpoint(f"http://127.0.0.1:{unused_tcp_port}/token"))
    assert said.endswith("no answer (ClientConnectorError); check `token_url`")


async def test_proxies_of_the_environment_are_not_told_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering(web.json_response(GRANT)) as proxy, identity_provider(lambda: GRANT) as provider:
        monkeypatch.setenv("http_proxy", proxy)
        await endpoint(provider.url).fetch()
        assert len(provider.forms) == 1


async def test_an_own_authority_is_trusted_and_no_other(tmp_path: Path) -> None:
    authority, stranger = Authority("ours"), Authority("theirs")
    certificate, key = authority.issue("endpoint", addresses=["127.0.0.1"])
    (tmp_path / "server.pem").write_bytes(private_pem(key) + certificate)
    (tmp_path / "ours.pem").write_bytes(authority.certificate)
    (tmp_path / "theirs.pem").write_bytes(stranger.certificate)
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(tmp_path / "server.pem")
    async with identity_provider(lambda: GRANT, tls=serving) as provider:
        trusting = tls_context("kafka.security.oauth", ca_file=tmp_path / "ours.pem")
        assert (await endpoint(provider.url, tls=trusting).fetch()).token == "granted"
        other = tls_context("kafka.security.oauth", ca_file=tmp_path / "theirs.pem")
        assert "check `ca_file` and `token_url`" in await problem(endpoint(provider.url, tls=other))
        assert "check `ca_file` and `token_url`" in await problem(endpoint(provider.url))


def test_the_secret_is_not_shown() -> None:
    asked = endpoint("https://id.example/token")
    assert CLIENT_SECRET not in f"{asked} {asked!r}"
