"""The kind `files` over SFTP, against OpenSSH: the contract, host keys, lost connections, what the server refuses."""

import asyncio
import os
import re
import shutil
import socket
from collections.abc import AsyncIterator, Generator
from itertools import groupby
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import pytest
from pydantic import SecretStr

from connectors import testing, testing_faults
from connectors.connector import Connector
from connectors.errors import ActionError, FailedError, InDoubtError, NotSentError
from connectors.files.edifact import edifact_written
from connectors.files.settings import FilesSettings
from connectors.files.tree import Tree
from connectors.testing_link import FaultyLink
from connectors.testing_losses import Loss, check_each_loss
from tests.connectors.files.edi_examples import ORDER, edifact
from tests.connectors.files.partner import Partner
from tests.connectors.files.sections import act, partner
from tests.counterparts.started import counterpart

REPLY = edifact_written(edifact(), ORDER, "reply")
WHOLE = re.compile(rb"^UNA.*UNZ\+1\+[A-Z0-9]+'$", re.DOTALL)
Lost = Literal["replies", "requests"]
WRITE = testing.Trial("partner.send_order", ORDER)


@pytest.fixture(scope="module")
def sshd() -> Generator[dict[str, Any]]:
    with counterpart("sshd") as told:
        yield told


@pytest.fixture
def root(sshd: dict[str, Any]) -> Path:
    """The server's root, empty but for the folders of the section."""
    folder = Path(sshd["root"])
    for each in folder.iterdir():
        shutil.rmtree(each)
    for name in ("to", "from"):
        (folder / name).mkdir()
        if os.getuid() == 0:
            shutil.chown(folder / name, sshd["user"])
    return folder


def server(sshd: dict[str, Any], **changes: Any) -> dict[str, Any]:
    login = {
        "host": "127.0.0.1",
        "port": sshd["port"],
        "user": sshd["user"],
        "key": SecretStr(sshd["private_key"]),
        "host_key": sshd["host_key"],
        "root": sshd["root"],
    }
    return {"sftp": {name: value for name, value in (login | changes).items() if value is not None}}


@pytest.fixture
def erp(sshd: dict[str, Any], root: Path) -> tuple[Connector[Tree], FilesSettings]:
    return partner(server(sshd))


@pytest.fixture
async def client(erp: tuple[Connector[Tree], FilesSettings]) -> AsyncIterator[Tree]:
    connector, settings = erp
    async with connector.open(settings) as opened:
        yield opened


@pytest.fixture
async def link(sshd: dict[str, Any]) -> AsyncIterator[FaultyLink]:
    async with FaultyLink.to("127.0.0.1", sshd["port"]) as opened:
        yield opened


def put(root: Path, name: str, content: bytes) -> None:
    """Put a file where the partner would, as the partner."""
    (root / name).write_bytes(content)
    if os.getuid() == 0:
        shutil.chown(root / name, "nobody")


async def own_order() -> testing.Trial:
    """Return a trial of a write whose file no other has the name of."""
    return testing.Trial("partner.send_order", ORDER | {"order_id": str(uuid4())[:12]})


@pytest.mark.parametrize("verb", ["send_order", "send_850", "send_lines", "send_json", "send_note"])
async def test_a_write_repeated_with_its_key_writes_one_file(
    erp: tuple[Connector[Tree], FilesSettings], client: Tree, root: Path, verb: str
) -> None:
    async def count() -> int:
        return len(Partner(root / "to").seen())

    await testing.check_key(erp[0], client, testing.Trial(f"partner.{verb}", ORDER), count=count)


async def test_a_written_order_can_be_withdrawn_and_is_kept(
    erp: tuple[Connector[Tree], FilesSettings], client: Tree, root: Path
) -> None:
    await testing.check_undo(erp[0], client, WRITE)
    assert Partner(root / "to").seen() == []
    assert len(list((root / "withdrawn").iterdir())) == 1


async def test_reads_may_run_beside_each_other(
    erp: tuple[Connector[Tree], FilesSettings], client: Tree, root: Path
) -> None:
    put(root, "from/reply.edi", REPLY)
    for verb, arguments in (
        ("list_replies", {}),
        ("read_reply", {"file": "reply.edi"}),
        ("read_reply", {"file": "none.edi"}),
        ("find_order", {"order_id": "9"}),
    ):
        await testing.check_read(erp[0], client, testing.Trial(f"partner.{verb}", arguments))


async def test_where_nobody_listens_nothing_was_sent(sshd: dict[str, Any]) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        connector, settings = partner(server(sshd, port=unheard.getsockname()[1]))
        await testing.check_unreachable(connector, settings, WRITE)


async def test_a_server_that_says_nothing_is_given_up_in_time(sshd: dict[str, Any]) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        connector, settings = partner(server(sshd, port=silent.getsockname()[1]), timeout_s=0.5)
        await testing.check_unreachable(connector, settings, WRITE)


async def refused(place: dict[str, Any], root: Path) -> ActionError:
    """Return what a write to a place is refused with; nothing of it may be there."""
    connector, settings = partner(place)
    async with connector.open(settings) as client:
        with pytest.raises(ActionError) as caught:
            await act(connector, client, "send_order", ORDER)
    assert list((root / "to").iterdir()) == []
    return caught.value


async def test_a_host_key_that_is_not_the_configured_one_is_refused(sshd: dict[str, Any], root: Path) -> None:
    error = await refused(server(sshd, host_key=sshd["other_host_key"]), root)
    assert isinstance(error, FailedError)
    assert error.code == "host_key_changed"


async def test_a_host_that_known_hosts_does_not_know_is_refused(
    sshd: dict[str, Any], root: Path, tmp_path: Path
) -> None:
    for known in ("", f"elsewhere.example {sshd['host_key']}\n", f"[127.0.0.1]:1 {sshd['host_key']}\n"):
        (tmp_path / "known_hosts").write_text(known, encoding="utf-8")
        error = await refused(server(sshd, host_key=None, known_hosts=tmp_path / "known_hosts"), root)
        assert isinstance(error, FailedError)
        assert error.code == "host_key_changed"


async def test_known_hosts_of_openssh_and_several_host_keys_are_understood(
    sshd: dict[str, Any], root: Path
) -> None:
    for place in (
        server(sshd, host_key=None, known_hosts=sshd["known_hosts"]),
        server(sshd, host_key=f"{sshd['other_host_key']}\n{sshd['host_key']}\n"),
    ):
        connector, settings = partner(place)
        async with connector.open(settings) as client:
            await act(connector, client, "list_replies", {})


async def test_a_login_that_is_refused_is_no_reason_to_try_again(
    sshd: dict[str, Any], root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for changes in ({"user": "daemon"}, {"key": None, "password": SecretStr("hunter2")}):
        error = await refused(server(sshd, **changes), root)
        assert isinstance(error, FailedError)
        assert error.code == "login_refused"
        assert "hunter2" not in str(error)
    assert "hunter2" not in caplog.text
    assert "PRIVATE KEY" not in caplog.text


async def test_a_key_that_is_none_is_named_and_not_shown(sshd: dict[str, Any], root: Path) -> None:
    error = await refused(server(sshd, key=SecretStr("-----BEGIN hunter2-----")), root)
    assert isinstance(error, FailedError)
    assert error.code == "not_configured"
    assert "hunter2" not in str(error)
    assert error.__context__ is None


async def test_an_address_that_is_not_listed_is_not_connected_to(
    sshd: dict[str, Any], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def resolve(*_: Any, **_options: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", sshd["port"]))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    error = await refused(server(sshd, host="sftp.example.com"), root)
    assert isinstance(error, FailedError)
    assert error.code == "egress_refused"
    connector, settings = partner(server(sshd, host="sftp.example.com", egress=["127.0.0.1"]))
    async with connector.open(settings) as client:
        await act(connector, client, "list_replies", {})


def logins(sshd: dict[str, Any]) -> int:
    """Return how many logins the server has accepted."""
    return Path(sshd["log"]).read_text(encoding="utf-8").count("Accepted publickey")


async def test_one_connection_serves_all_and_is_made_again_when_it_is_lost(
    sshd: dict[str, Any], root: Path, link: FaultyLink
) -> None:
    before = logins(sshd)
    connector, settings = partner(server(sshd, port=link.port))
    async with connector.open(settings) as client:
        await asyncio.gather(*(act(connector, client, "list_replies", {}) for _ in range(20)))
        with link.losing_replies(), pytest.raises(InDoubtError, match="connection lost"):
            await act(connector, client, "list_replies", {})
        await asyncio.gather(*(act(connector, client, "list_replies", {}) for _ in range(20)))
    assert logins(sshd) - before == 2


@pytest.mark.parametrize("takes", [False, True], ids=["waits", "taken"])
@pytest.mark.parametrize("lost", ["replies", "requests"])
async def test_whatever_is_lost_a_key_writes_one_file_which_a_partner_may_take_at_once(
    sshd: dict[str, Any], root: Path, link: FaultyLink, lost: Lost, takes: bool
) -> None:
    folder = Partner(root / "to")

    async def count() -> int:
        if takes:
            folder.take()
        return len(folder.seen())

    connector, settings = partner(server(sshd, port=link.port))
    async with connector.open(settings) as client:
        losses = await check_each_loss(connector, client, link, own_order, count=count, lost=lost)
    assert all(WHOLE.search(each) for each in folder.seen())
    # There are many steps before anybody can see the file, a few that give it its name, and some that clear up.
    told = [said for said, _ in groupby(losses, lambda loss: loss.said)]
    assert told == ["not happened", "in doubt", "done"]
    assert losses.index(Loss("in doubt", 1 if lost == "replies" else 0)) > 5


@pytest.mark.parametrize("lost", ["replies", "requests"])
async def test_what_is_lost_in_the_login_means_that_nothing_was_sent(
    sshd: dict[str, Any], root: Path, link: FaultyLink, lost: Lost
) -> None:
    connector, settings = partner(server(sshd, port=link.port))
    losing = link.losing_replies if lost == "replies" else link.losing_requests
    for after in range(5):
        async with connector.open(settings) as client:
            with losing(after=after), pytest.raises(NotSentError):
                await act(connector, client, "send_order", ORDER)
        assert link.lost == after + 1
    assert list((root / "to").iterdir()) == []


@pytest.mark.parametrize("lost", ["replies", "requests"])
async def test_whatever_is_lost_a_key_withdraws_one_file(
    sshd: dict[str, Any], root: Path, link: FaultyLink, lost: Lost
) -> None:
    async def withdrawal() -> testing.Trial:
        order = await own_order()
        await act(connector, client, "send_order", dict(order.arguments))
        return testing.Trial("partner.withdraw_order", {"order_id": order.arguments["order_id"]})

    async def count() -> int:
        gone = root / "withdrawn"
        return len(list(gone.iterdir())) if gone.exists() else 0

    connector, settings = partner(server(sshd, port=link.port))
    async with connector.open(settings) as client:
        await check_each_loss(connector, client, link, withdrawal, count=count, lost=lost)
    assert Partner(root / "to").seen() == []


@pytest.mark.parametrize("verb", ["list_replies", "read_reply", "find_order"])
async def test_a_read_of_a_silent_server_is_given_up_at_its_deadline(
    sshd: dict[str, Any], root: Path, link: FaultyLink, verb: str
) -> None:
    put(root, "from/reply.edi", REPLY)
    arguments = {"list_replies": {}, "read_reply": {"file": "reply.edi"}, "find_order": {"order_id": "1"}}
    connector, settings = partner(server(sshd, port=link.port))
    async with connector.open(settings) as client:
        trial = testing.Trial(f"partner.{verb}", arguments[verb])
        await testing_faults.check_silence(connector, client, link, trial)


async def test_a_write_to_a_silent_server_is_given_up_at_its_deadline_and_was_not_sent(
    sshd: dict[str, Any], root: Path, link: FaultyLink
) -> None:
    connector, settings = partner(server(sshd, port=link.port))
    async with connector.open(settings) as client:
        await act(connector, client, "list_replies", {})
        with link.silent():
            async with asyncio.timeout(3):
                with pytest.raises(NotSentError, match="no answer within"):
                    await act(connector, client, "send_order", ORDER, "k1", timeout_s=0.3)
        assert Partner(root / "to").seen() == []
        await act(connector, client, "send_order", ORDER, "k1")
    assert len(Partner(root / "to").seen()) == 1


async def test_no_secret_shows_whatever_happens(sshd: dict[str, Any], root: Path, link: FaultyLink) -> None:
    connector, settings = partner(server(sshd, port=link.port))
    await testing_faults.check_secrets_stay(connector, settings, link, WRITE)


async def test_an_answer_above_the_limit_is_called_so(sshd: dict[str, Any], root: Path) -> None:
    put(root, "from/long.txt", b"x" * 101)
    connector, settings = partner(server(sshd), file_bytes=100)
    async with connector.open(settings) as client:
        long = testing.Trial("partner.read_text", {"file": "long.txt"})
        await testing_faults.check_too_large(connector, client, long)


async def test_twenty_writers_of_one_key_write_one_file_over_one_connection_and_over_twenty(
    erp: tuple[Connector[Tree], FilesSettings], client: Tree, root: Path
) -> None:
    connector, settings = erp

    async def write_alone() -> Any:
        async with connector.open(settings) as alone:
            return await act(connector, alone, "send_order", ORDER, "k2")

    folder = Partner(root / "to")
    one = await asyncio.gather(*(act(connector, client, "send_order", ORDER, "k1") for _ in range(20)))
    folder.take()
    many = await asyncio.gather(*(write_alone() for _ in range(20)))
    assert len(folder.seen()) == 2
    assert [each["file"] for each in one + many] == ["order-PO-1.edi"] * 40
    for key in (root / "to" / ".pointsman").iterdir():
        assert [each.name for each in key.iterdir()] == ["chosen"]


async def test_a_large_file_arrives_whole_and_one_above_the_limit_is_left(
    sshd: dict[str, Any], root: Path
) -> None:
    large = os.urandom(10 << 20)
    put(root, "from/large.bin", large)
    connector, settings = partner(server(sshd), file_bytes=len(large))
    async with connector.open(settings) as client:
        assert await client.read(("from", "large.bin"), len(large)) == large
        await client.create(("to", "large.bin"), large)
        assert (root / "to" / "large.bin").read_bytes() == large
        with pytest.raises(FailedError) as caught:
            await client.read(("from", "large.bin"), len(large) - 1)
    assert caught.value.code == "too_large"


async def test_a_folder_that_may_not_be_written_is_named_with_a_code(
    erp: tuple[Connector[Tree], FilesSettings], client: Tree, root: Path
) -> None:
    if os.getuid() == 0:
        shutil.chown(root / "to", "root")
    (root / "to").chmod(0o555)
    try:
        with pytest.raises(FailedError) as caught:
            await act(erp[0], client, "send_order", ORDER)
    finally:
        (root / "to").chmod(0o755)
    assert caught.value.code == "permission_denied"


async def test_a_folder_that_is_not_there_is_named(
    erp: tuple[Connector[Tree], FilesSettings], client: Tree, root: Path
) -> None:
    for folder in ("to", "from"):
        (root / folder).rmdir()
    for verb, arguments in (("send_order", ORDER), ("list_replies", {})):
        with pytest.raises(FailedError) as caught:
            await act(erp[0], client, verb, arguments)
        assert caught.value.code == "no_such_folder"


async def test_a_file_that_was_taken_is_neither_withdrawn_nor_written_again(
    erp: tuple[Connector[Tree], FilesSettings], client: Tree, root: Path
) -> None:
    folder = Partner(root / "to")
    first = await act(erp[0], client, "send_order", ORDER, "k1")
    folder.take()
    with pytest.raises(FailedError) as caught:
        await act(erp[0], client, "withdraw_order", {"order_id": "PO-1", "sha256": first["sha256"]})
    assert caught.value.code == "already_taken"
    assert await act(erp[0], client, "send_order", ORDER, "k1") == first
    assert len(folder.seen()) == 1


async def test_another_file_under_the_name_is_a_conflict_and_stays(
    erp: tuple[Connector[Tree], FilesSettings], client: Tree, root: Path
) -> None:
    put(root, "to/order-PO-1.edi", b"theirs")
    with pytest.raises(FailedError) as caught:
        await act(erp[0], client, "send_order", ORDER)
    assert caught.value.code == "conflict"
    assert Partner(root / "to").seen() == [b"theirs"]


async def test_a_reply_is_taken_once_for_a_key_and_by_nobody_else(
    erp: tuple[Connector[Tree], FilesSettings], client: Tree, root: Path
) -> None:
    put(root, "from/reply.edi", REPLY)
    taken = await asyncio.gather(
        *(act(erp[0], client, "take_reply", {"file": "reply.edi"}, f"k{number}") for number in range(10)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, dict) for each in taken) == 1
    assert {each.code for each in taken if isinstance(each, FailedError)} == {"no_such_file"}
    assert list((root / "from").iterdir()) == []


async def test_a_link_is_neither_read_nor_listed_nor_entered(
    erp: tuple[Connector[Tree], FilesSettings], client: Tree, root: Path
) -> None:
    put(root, "secret", b"hunter2")
    (root / "from" / "link.edi").symlink_to(root / "secret")
    put(root, os.fsdecode(b"from/latin-\xe4.edi"), b"x")
    with pytest.raises(FailedError) as caught:
        await act(erp[0], client, "read_text", {"file": "link.edi"})
    assert caught.value.code == "not_a_file"
    assert await act(erp[0], client, "list_replies", {}) == {"files": [], "complete": True}
    (root / "secret").unlink()
    (root / "to").rmdir()
    (root / "to").symlink_to(root / "from")
    with pytest.raises(FailedError) as caught:
        await act(erp[0], client, "send_order", ORDER)
    assert caught.value.code == "not_a_file"
