"""A connector's secret is the one that is there at the call: rotated in a file, in the environment or in a vault."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from connectors.action import Call
from connectors.connector import Connector
from connectors.errors import FailedError, NotSentError
from connectors.http import HttpClient, open_http
from connectors.http_settings import HttpSettings
from connectors.secret import Secret, SecretUnavailableError
from consumers.adapters.connector_actions import ConnectorActions
from consumers.app.secret_settings import SecretsSettings, VaultSettings, connector_secret
from consumers.app.section import SecretRef
from consumers.ports.actions import ActionRequest
from consumers.telemetry.metrics import EGRESS_REFUSALS, Metrics
from tests.connectors.names import Names
from tests.consumers.adapters.vault_server import vault_server


class Settings(HttpSettings):
    """As a connector's author writes them."""

    token: SecretStr


class Shop:
    """A system that accepts one token at a time."""

    def __init__(self) -> None:
        self.address = ""
        self.accepts = "first"
        self.seen: list[str] = []
        self.orders = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.seen.append(request.headers["Authorization"])
        if request.headers["Authorization"] != f"Bearer {self.accepts}":
            said = {"detail": f"no such token: {request.headers['Authorization'][7:]}"}
            return web.json_response(said, status=401)
        self.orders += 1
        return web.json_response({"order": self.orders})


@asynccontextmanager
async def shop() -> AsyncGenerator[Shop]:
    system = Shop()
    app = web.Application()
    app.router.add_post("/orders", system.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    system.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield system
    finally:
        await runner.cleanup()


async def order(call: Call[HttpClient]) -> Any:
    """Order."""
    return await call.client.post("orders", body={}, key=call.key)


def open_shop(settings: Settings) -> Any:
    return open_http(settings.base_url, token=settings.token, egress=settings.egress)


CONNECTOR = Connector[HttpClient]("shop", "A shop.", settings=Settings, open=open_shop)
CONNECTOR.action(effect="write", idempotency="natural")(order)
REQUEST = ActionRequest(CONNECTOR.actions["shop.order"], {}, key="key-1", tenant="acme", run_id="run-1")


@asynccontextmanager
async def ordering(
    address: str, token: SecretStr, metrics: Metrics | None = None
) -> AsyncGenerator[ConnectorActions]:
    settings = Settings(base_url=address, token=token)
    async with ConnectorActions.open([(CONNECTOR, settings)], metrics=metrics or Metrics()) as actions:
        yield actions


def referred(reference: dict[str, str]) -> Secret:
    return connector_secret(reference, SecretsSettings(), None)


async def test_a_file_that_is_rotated_is_used_with_the_next_call(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    async with shop() as system, ordering(system.address, referred({"file": str(file)})) as actions:
        assert await actions.perform(REQUEST) == {"order": 1}
        system.accepts = "second"
        file.write_text("second\n")
        assert await actions.perform(REQUEST) == {"order": 2}
    assert system.seen == ["Bearer first", "Bearer second"]


async def test_a_mounted_secret_that_is_swapped_by_its_link_is_used_too(tmp_path: Path) -> None:
    """As Kubernetes does it: the file is a link, and the folder behind it is replaced."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "token").write_text(name)
    (tmp_path / "data").symlink_to(tmp_path / "first")
    secret = referred({"file": str(tmp_path / "data" / "token")})
    assert await secret.fetch(1) == "first"
    (tmp_path / "next").symlink_to(tmp_path / "second")
    (tmp_path / "next").rename(tmp_path / "data")
    assert await secret.fetch(1) == "second"


async def test_the_environment_is_read_at_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "first")
    async with shop() as system, ordering(system.address, referred({"env": "SHOP_TOKEN"})) as actions:
        await actions.perform(REQUEST)
        monkeypatch.setenv("SHOP_TOKEN", "second")
        system.accepts = "second"
        await actions.perform(REQUEST)
    assert system.seen == ["Bearer first", "Bearer second"]


async def test_a_new_version_in_the_vault_is_used_as_soon_as_the_old_one_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "vault-token")
    monkeypatch.setattr("consumers.adapters.vault._YOUNG_S", 0.0)
    async with vault_server() as vault, shop() as system:
        vault.secrets["kv/data/shop"] = {"token": "first"}
        settings = VaultSettings(url=vault.address, token=SecretRef(env="VAULT_TOKEN"))
        secret = connector_secret(
            {"vault": "kv/shop", "field": "token"}, SecretsSettings(vault=settings), settings.open()
        )
        async with ordering(system.address, secret) as actions:
            assert await actions.perform(REQUEST) == {"order": 1}
            system.accepts = "second"
            vault.secrets["kv/data/shop"] = {"token": "second"}
            assert await actions.perform(REQUEST) == {"order": 2}
    assert system.seen == ["Bearer first", "Bearer first", "Bearer second"]


async def test_a_token_that_is_refused_and_still_the_same_is_sent_once(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("stolen-token")
    async with shop() as system, ordering(system.address, referred({"file": str(file)})) as actions:
        with pytest.raises(FailedError) as refused:
            await actions.perform(REQUEST)
    assert system.seen == ["Bearer stolen-token"]
    assert str(refused.value) == "no such token: ***"


async def test_every_value_that_was_in_use_is_kept_out_of_messages(tmp_path: Path) -> None:
    file = tmp_path / "token"
    async with shop() as system:
        file.write_text("first")
        async with ordering(system.address, referred({"file": str(file)})) as actions:
            await actions.perform(REQUEST)
            file.write_text("rotated-token")
            with pytest.raises(FailedError) as refused:
                await actions.perform(REQUEST)
    assert str(refused.value) == "no such token: ***"


@pytest.mark.parametrize("content", [None, "", "two\nlines", "with space", "ümlaut", b"\xff\xfe"])
async def test_a_secret_that_cannot_be_used_means_not_sent_and_is_named(
    tmp_path: Path, content: str | bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    file = tmp_path / "token"
    file.write_text("first")
    async with shop() as system, ordering(system.address, referred({"file": str(file)})) as actions:
        if content is None:
            file.unlink()
        else:
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(NotSentError, match="token") as failed:
            await actions.perform(REQUEST)
        assert system.seen == []
        file.write_text("first")
        assert await actions.perform(REQUEST) == {"order": 1}
    shown = f"{failed.value!r} {failed.value.__context__!r} {caplog.text}"
    assert not content or str(content) not in shown


async def test_a_vault_that_is_away_at_the_start_is_waited_for_by_calls(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "vault-token")
    async with vault_server() as vault, shop() as system:
        vault.status = 503
        vault.secrets["kv/data/shop"] = {"token": "first"}
        settings = VaultSettings(url=vault.address, token=SecretRef(env="VAULT_TOKEN"))
        secret = connector_secret(
            {"vault": "kv/shop", "field": "token"}, SecretsSettings(vault=settings), settings.open()
        )
        async with ordering(system.address, secret) as actions:
            assert "connector shop: its calls wait for a secret" in caplog.text
            with pytest.raises(NotSentError, match=r"secret \{vault: kv/shop, field: token\}: .* 503"):
                await actions.perform(REQUEST)
            vault.status = 200
            assert await actions.perform(REQUEST) == {"order": 1}


async def test_whoever_reads_a_secret_without_waiting_has_the_one_that_is_at_hand(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first")
    secret = referred({"file": str(file)})
    assert secret.get_secret_value() == "first"
    file.unlink()
    with pytest.raises(SecretUnavailableError, match=r"secret \{file: .*\}: .* cannot be read"):
        secret.get_secret_value()


def test_a_secret_shows_where_it_is_and_not_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "canary")
    secret = referred({"env": "SHOP_TOKEN"})
    settings = Settings(base_url="http://127.0.0.1", token=secret)
    assert settings.token is secret
    assert secret.get_secret_value() == "canary"
    shown = (
        f"{secret} {secret!r} {settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"
    )
    assert "canary" not in shown
    assert "<Secret {env: SHOP_TOKEN}>" in shown
    assert bool(secret)


async def test_a_connection_that_the_egress_list_refuses_names_connector_host_and_setting() -> None:
    """The name is the operator's; where it leads is not."""

    def open_elsewhere(settings: HttpSettings) -> Any:
        return open_http(settings.base_url, egress=settings.egress, resolver=Names(["127.0.0.1"]))

    connector = Connector[HttpClient]("shop", "A shop.", settings=HttpSettings, open=open_elsewhere)
    connector.action(effect="write")(order)
    request = replace(REQUEST, action=connector.actions["shop.order"])
    metrics = Metrics()
    async with shop() as system:
        settings = HttpSettings(base_url=system.address.replace("127.0.0.1", "shop.example.com"))
        async with ConnectorActions.open([(connector, settings)], metrics=metrics) as actions:
            with pytest.raises(FailedError) as refused:
                await actions.perform(request)
    assert refused.value.code == "egress_refused"
    assert str(refused.value) == (
        "connectors.shop.egress: shop.example.com: its address 127.0.0.1 is loopback; "
        "add 127.0.0.1 or its network to the egress list"
    )
    assert metrics.value(EGRESS_REFUSALS, "shop") == 1
    assert system.seen == []
