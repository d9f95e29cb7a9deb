"""TLS and passwords of PostgreSQL: who is not the server is not talked to, and a new password is used when the old one is refused."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from connectors.action import Call
from connectors.egress import EgressError
from connectors.errors import NotSentError
from connectors.perform import perform
from connectors.postgres.settings import PostgresSettings
from connectors.secret import Secret
from ops.kafka.certificates import Authority, private_pem
from tests.connectors.names import Names
from tests.counterparts.shop_database import as_owner, opened, prepare, section, value
from tests.counterparts.started import counterpart


async def _speak_tls(shop: dict[str, Any], folder: Path) -> None:
    owner = await as_owner(shop)
    try:
        for name, file in (("ssl_cert_file", "server.pem"), ("ssl_key_file", "server.key")):
            await owner.execute(f"ALTER SYSTEM SET {name} = '{folder / file}'")
        await owner.execute("ALTER SYSTEM SET ssl = on")
        await owner.execute("SELECT pg_reload_conf()")
    finally:
        await owner.close()
    while await value(shop, "SHOW ssl") != "on":
        pass  # each look is a new connection, and the server reads its settings in between


@pytest.fixture(scope="module")
def shop() -> Generator[dict[str, Any]]:
    """A server with a certificate for `localhost` and `db.example.com`, and for no address."""
    with counterpart("postgres") as started, tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        authority = Authority("ours")
        certificate, key = authority.issue("postgres", addresses=["localhost", "db.example.com"])
        (folder / "ca.pem").write_bytes(authority.certificate)
        (folder / "strange.pem").write_bytes(Authority("theirs").certificate)
        (folder / "server.pem").write_bytes(certificate)
        secret = folder / "server.key"
        secret.write_bytes(private_pem(key))
        secret.chmod(0o600)
        if os.getuid() == 0:
            # The server wants its key to be its own.
            shutil.chown(secret, Path(f"/proc/{started['pid']}").stat().st_uid)
        asyncio.run(prepare(started))
        asyncio.run(_speak_tls(started, folder))
        yield started | {"folder": folder}


async def look_up(settings: PostgresSettings) -> Any:
    async with opened(settings) as (connector, client):
        action = connector.actions["shop.find_order"]
        call: Call[Any] = Call(client, key="k", timeout_s=10, tenant="acme", run_id="run")
        return await perform(action, call, action.arguments.model_validate({"reference": "R-1"}))


async def test_a_server_that_proves_its_name_is_talked_to(shop: dict[str, Any]) -> None:
    said = section(shop, host="localhost", tls="verify-full", tls_ca=shop["folder"] / "ca.pem")
    assert (await look_up(said))["order_id"] == 1


@pytest.mark.parametrize(
    ("host", "authority"), [("127.0.0.1", "ca.pem"), ("localhost", "strange.pem"), ("localhost", None)]
)
async def test_a_server_that_does_not_is_sent_nothing(
    shop: dict[str, Any], host: str, authority: str | None
) -> None:
    trusted = None if authority is None else shop["folder"] / authority
    with pytest.raises(NotSentError, match="no connection"):
        await look_up(section(shop, host=host, tls="verify-full", tls_ca=trusted))


async def test_the_address_is_pinned_and_the_name_is_what_must_be_proved(
    shop: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Names(["127.0.0.1"])
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", names.getaddrinfo)
    authority = shop["folder"] / "ca.pem"

    def said(host: str, **changed: Any) -> PostgresSettings:
        return section(shop, host=host, tls="verify-full", tls_ca=authority, **changed)

    assert (await look_up(said("db.example.com", egress=["127.0.0.1"])))["order_id"] == 1
    with pytest.raises(NotSentError, match="no connection"):
        await look_up(said("other.example.com", egress=["127.0.0.1"]))
    with pytest.raises(EgressError, match="its address 127"):
        await look_up(said("db.example.com"))
    assert names.asked == ["db.example.com", "other.example.com", "db.example.com"]


async def test_variables_of_the_environment_have_no_say(
    shop: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, strange in (
        ("PGHOST", "192.0.2.1"),
        ("PGPORT", "1"),
        ("PGUSER", "owner"),
        ("PGSSLMODE", "disable"),
        ("PGSSLNEGOTIATION", "direct"),
    ):
        monkeypatch.setenv(name, strange)
    said = section(shop, host="localhost", tls="verify-full", tls_ca=shop["folder"] / "ca.pem")
    assert (await look_up(said))["order_id"] == 1
    monkeypatch.setenv("PGPASSWORD", shop["roles"]["worker"])
    with pytest.raises(NotSentError):
        await look_up(section(shop, password=None))


class Rotating:
    """A secret that was replaced, and whose old value is still at hand."""

    reference = "vault shop"

    def __init__(self, old: str, new: str) -> None:
        self.value = old
        self._new = new

    async def fetch(self) -> str:
        return self.value

    def at_hand(self) -> str:
        return self.value

    def forget(self) -> None:
        self.value = self._new


async def test_a_password_that_is_refused_is_looked_up_anew(shop: dict[str, Any]) -> None:
    source = Rotating("old", shop["roles"]["worker"])
    said = section(shop).model_copy(update={"password": Secret(source)})
    with pytest.raises(NotSentError, match="28P01"):
        await look_up(said)
    assert (await look_up(said))["order_id"] == 1
