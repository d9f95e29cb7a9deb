"""Secrets of a vault: found, kept for a while, asked for once by many, and never in a message."""

import asyncio
import logging
import socket
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.secret import Secret, SecretUnavailableError
from consumers.adapters.vault import Vault, VaultSecret
from tests.consumers.adapters.vault_server import VaultServer, vault_server

VALUE = "canary-value"
TOKEN = "vault-token"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def vault_of(server: VaultServer, clock: Clock | None = None, **more: Any) -> Vault:
    server.secrets.setdefault("kv/data/erp", {"token": VALUE, "port": 1, "empty": ""})
    return Vault(server.address, lambda: SecretStr(TOKEN), now=clock or Clock(), **more)


async def test_a_field_is_read_from_the_mount_that_the_path_begins_with() -> None:
    async with vault_server() as server:
        server.secrets["team/data/erp/prod"] = {"token": "other"}
        assert await vault_of(server).read("kv/erp", "token") == VALUE
        assert await vault_of(server).read("team/erp/prod", "token") == "other"
        assert await vault_of(server, mount="team").read("erp/prod", "token") == "other"


async def test_a_value_is_kept_for_its_time_and_then_asked_for_again() -> None:
    clock = Clock()
    async with vault_server() as server:
        vault = vault_of(server, clock, ttl_s=60)
        assert await vault.read("kv/erp", "token") == VALUE
        server.secrets["kv/data/erp"] = {"token": "rotated"}
        clock.now += 59
        assert await vault.read("kv/erp", "token") == VALUE
        clock.now += 1
        assert await vault.read("kv/erp", "token") == "rotated"
    assert len(server.asked) == 2


async def test_a_value_that_was_refused_is_asked_for_again_but_not_at_once() -> None:
    clock = Clock()
    async with vault_server() as server:
        vault = vault_of(server, clock)
        await vault.read("kv/erp", "token")
        server.secrets["kv/data/erp"] = {"token": "rotated"}
        vault.forget("kv/erp")
        assert await vault.read("kv/erp", "token") == VALUE
        clock.now += 1
        vault.forget("kv/erp")
        assert await vault.read("kv/erp", "token") == "rotated"


async def test_a_value_that_is_too_old_is_not_used_while_the_vault_is_away() -> None:
    clock = Clock()
    async with vault_server() as server:
        vault = vault_of(server, clock, ttl_s=60)
        await vault.read("kv/erp", "token")
        server.status = 503
        clock.now += 60
        with pytest.raises(LookupError, match="503"):
            await vault.read("kv/erp", "token")
        with pytest.raises(LookupError, match="without waiting"):
            vault.at_hand("kv/erp", "token")


async def test_many_who_wait_for_a_secret_ask_once_and_one_who_gives_up_leaves_it_to_the_others() -> None:
    async with vault_server() as server:
        server.gate = asyncio.Event()
        vault = vault_of(server)
        waiting = [asyncio.create_task(vault.read("kv/erp", "token")) for _ in range(50)]
        async with asyncio.timeout(5):
            while not server.asked:
                await asyncio.sleep(0)
        waiting[0].cancel()
        server.gate.set()
        ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(ends[0], asyncio.CancelledError)
    assert ends[1:] == [VALUE] * 49
    assert server.asked == ["/v1/kv/data/erp"]


async def test_what_is_at_hand_was_read_before() -> None:
    async with vault_server() as server:
        vault = vault_of(server)
        with pytest.raises(LookupError):
            vault.at_hand("kv/erp", "token")
        await vault.read("kv/erp", "token")
        assert vault.at_hand("kv/erp", "token") == VALUE


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"status": 403}, "403: renew `secrets.vault.token`"),
        ({"status": 404}, "404: there is nothing at this path"),
        ({"status": 429}, "429: it is a standby"),
        ({"status": 500}, "500: see its log"),
        ({"status": 503}, "503: it is sealed"),
        ({"status": 307}, "307: see its log"),
        ({"text": "<html>"}, "what is no JSON"),
        ({"text": "[]"}, "without data"),
        (
            {"text": '{"data": {"token": "canary-value"}}'},
            "without data; check that the mount is an engine KV",
        ),
        ({"text": "x" * (1 << 20) + "x"}, "more than 1,048,576 bytes"),
        ({"tokens": set[str]()}, "403: renew"),
        ({"hangs": True}, "no answer of the vault within 0.05 s"),
    ],
)
async def test_a_vault_that_does_not_answer_well_is_named_without_any_value(
    wrong: dict[str, Any], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with vault_server() as server:
        vault = vault_of(server, timeout_s=0.05 if "hangs" in wrong else 5)
        for name, value in wrong.items():
            setattr(server, name, value)
        secret = Secret(VaultSecret(vault, "kv/erp", "token"))
        with pytest.raises(SecretUnavailableError) as refused:
            await secret.fetch(5)
    assert str(refused.value).startswith("secret {vault: kv/erp, field: token}: ")
    assert said in str(refused.value)
    shown = f"{refused.value!r} {refused.value.__cause__!r} {refused.value.__context__!r} {secret!r} {caplog.text}"
    assert VALUE not in shown
    assert TOKEN not in shown


@pytest.mark.parametrize("field", ["none", "port", "empty"])
async def test_a_field_without_text_is_named(field: str) -> None:
    async with vault_server() as server:
        with pytest.raises(LookupError, match=f"no field `{field}` with text"):
            await vault_of(server).read("kv/erp", field)


async def test_a_vault_that_is_not_there_is_named() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        vault = Vault(f"http://127.0.0.1:{unused.getsockname()[1]}", lambda: SecretStr(TOKEN))
        with pytest.raises(LookupError, match=r"no answer of the vault .* check `secrets\.vault\.url`"):
            await vault.read("kv/erp", "token")


async def test_our_token_is_read_for_each_request_and_its_absence_is_said() -> None:
    tokens = iter(["vault-token"])

    def token() -> SecretStr:
        for each in tokens:
            return SecretStr(each)
        raise LookupError("the secret file /run/secrets/vault is empty")

    async with vault_server() as server:
        server.secrets["kv/data/erp"] = {"token": VALUE}
        vault = Vault(server.address, token)
        assert await vault.read("kv/erp", "token") == VALUE
        with pytest.raises(LookupError, match="is empty"):
            await vault.read("kv/other", "token")


async def test_what_is_kept_is_bounded() -> None:
    async with vault_server() as server:
        vault = vault_of(server)
        for number in range(300):
            server.secrets[f"kv/data/{number}"] = {"token": VALUE}
            await vault.read(f"kv/{number}", "token")
        before = len(server.asked)
        await vault.read("kv/299", "token")
        assert len(server.asked) == before
        await vault.read("kv/0", "token")
        assert len(server.asked) == before + 1


async def test_a_failed_answer_is_not_kept() -> None:
    async with vault_server() as server:
        vault = vault_of(server)
        server.status = 503
        with pytest.raises(LookupError):
            await vault.read("kv/erp", "token")
        server.status = 200
        assert await vault.read("kv/erp", "token") == VALUE
