"""Logins by password, to a server by another author than OpenSSH's: asyncssh's own, on loopback."""

from collections.abc import AsyncIterator
from functools import partial as bound
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from connectors.errors import FailedError
from connectors.secret import Secret
from tests.connectors.files.edi_examples import ORDER
from tests.connectors.files.partner import Partner
from tests.connectors.files.sections import act, partner

PASSWORD = "correct horse"


class _Vault:
    """Where the password is: what it says may change."""

    def __init__(self, value: str) -> None:
        self.value = value
        self.cached: str | None = value
        self.fetched = 0

    @property
    def reference(self) -> str:
        return "vault acme/password"

    def at_hand(self) -> str:
        if self.cached is None:
            raise LookupError("nothing at hand")
        return self.cached

    async def fetch(self) -> str:
        self.fetched += 1
        self.cached = self.value
        return self.value

    def forget(self) -> None:
        self.cached = None


class _Server(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("ann", PASSWORD)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[dict[str, Any]]:
    for name in ("to", "from"):
        (tmp_path / name).mkdir()
    key = asyncssh.generate_private_key("ssh-ed25519")
    listening = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=_Server,
        server_host_keys=[key],
        sftp_factory=bound(asyncssh.SFTPServer, chroot=str(tmp_path).encode()),
    )
    async with listening:
        yield {
            "host": "127.0.0.1",
            "port": listening.get_port(),
            "user": "ann",
            "host_key": key.export_public_key().decode(),
        }


async def test_a_password_logs_in_and_an_order_is_written_and_withdrawn(
    server: dict[str, Any], tmp_path: Path
) -> None:
    connector, settings = partner({"sftp": {**server, "password": PASSWORD}})
    folder = Partner(tmp_path / "to")
    async with connector.open(settings) as client:
        said = await act(connector, client, "send_order", ORDER, "k1")
        assert said == await act(connector, client, "send_order", ORDER, "k1")
        assert len(folder.seen()) == 1
        await act(connector, client, "withdraw_order", {"order_id": "PO-1", "sha256": said["sha256"]})
        assert folder.seen() == []
        (tmp_path / "to" / "order-PO-1.edi").write_bytes(b"theirs")
        with pytest.raises(FailedError) as caught:
            await act(connector, client, "send_order", ORDER, "k2")
    assert caught.value.code == "conflict"
    assert folder.seen() == [b"theirs"]


async def test_a_password_that_was_rotated_is_fetched_again(server: dict[str, Any]) -> None:
    vault = _Vault("worn out")
    vault.value = PASSWORD
    connector, settings = partner({"sftp": {**server, "password": Secret(vault)}})
    async with connector.open(settings) as client:
        await act(connector, client, "list_replies", {})
    assert vault.fetched == 1


async def test_a_password_that_stays_wrong_is_tried_once(server: dict[str, Any]) -> None:
    vault = _Vault("wrong")
    connector, settings = partner({"sftp": {**server, "password": Secret(vault)}})
    async with connector.open(settings) as client:
        with pytest.raises(FailedError) as caught:
            await act(connector, client, "list_replies", {})
    assert caught.value.code == "login_refused"
    assert "wrong" not in str(caught.value)
    assert vault.fetched == 1
