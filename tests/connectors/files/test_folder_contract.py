"""The kind `files` on a folder of this machine: the contract, and what a folder may hold that is no file."""

import asyncio
import errno
import os
import stat
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from connectors import testing
from connectors.connector import Connector
from connectors.errors import FailedError, InDoubtError, NotSentError, UnusableResultError
from connectors.files.deadline import Deadline
from connectors.files.edifact import edifact_written
from connectors.files.local_tree import LocalTree, open_local
from connectors.files.tree import ExistsError, MissingError, Tree
from tests.connectors.files.edi_examples import ORDER, edifact
from tests.connectors.files.partner import Partner
from tests.connectors.files.sections import act, partner

REPLY = edifact_written(edifact(), ORDER, "reply")
WRITES = ["send_order", "send_850", "send_lines", "send_json", "send_note"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("to", "from"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def erp(root: Path) -> Connector[Tree]:
    return partner({"folder": root})[0]


@pytest.fixture
async def client(root: Path) -> AsyncIterator[LocalTree]:
    async with open_local(root, timeout_s=10) as opened:
        yield opened


def test_the_declarations_hold_the_contract(erp: Connector[Tree]) -> None:
    testing.check_declarations(erp)
    testing.check_tools(erp)
    testing.check_unknown_arguments(erp)
    testing.check_settings(erp)


@pytest.mark.parametrize("verb", WRITES)
async def test_a_write_repeated_with_its_key_writes_one_file(
    erp: Connector[Tree], client: Tree, root: Path, verb: str
) -> None:
    async def count() -> int:
        return len(Partner(root / "to").seen())

    await testing.check_key(erp, client, testing.Trial(f"partner.{verb}", ORDER), count=count)


async def test_a_written_order_can_be_withdrawn_and_is_kept(
    erp: Connector[Tree], client: Tree, root: Path
) -> None:
    await testing.check_undo(erp, client, testing.Trial("partner.send_order", ORDER))
    assert Partner(root / "to").seen() == []
    assert len(list((root / "withdrawn").iterdir())) == 1


async def test_reads_may_run_beside_each_other(erp: Connector[Tree], client: Tree, root: Path) -> None:
    (root / "from" / "reply.edi").write_bytes(REPLY)
    for verb, arguments in [
        ("list_replies", {}),
        ("read_reply", {"file": "reply.edi"}),
        ("find_order", {"order_id": "9"}),
    ]:
        await testing.check_read(erp, client, testing.Trial(f"partner.{verb}", arguments))


async def test_a_root_that_is_not_there_means_that_nothing_was_sent(tmp_path: Path) -> None:
    connector, settings = partner({"folder": tmp_path / "not-mounted"})
    for verb in ("send_order", "list_replies"):
        arguments = ORDER if verb == "send_order" else {}
        await testing.check_unreachable(connector, settings, testing.Trial(f"partner.{verb}", arguments))


async def test_a_file_that_was_taken_is_not_withdrawn_and_not_written_again(
    erp: Connector[Tree], client: Tree, root: Path
) -> None:
    folder = Partner(root / "to")
    first = await act(erp, client, "send_order", ORDER, "k1")
    folder.take()
    with pytest.raises(FailedError) as caught:
        await act(erp, client, "withdraw_order", {"order_id": "PO-1", "sha256": first["sha256"]})
    assert caught.value.code == "already_taken"
    assert await act(erp, client, "send_order", ORDER, "k1") == first
    assert len(folder.seen()) == 1
    assert await act(erp, client, "find_order", {"order_id": "PO-1"}) is None


async def test_what_somebody_else_put_under_the_name_is_not_withdrawn(
    erp: Connector[Tree], client: Tree, root: Path
) -> None:
    first = await act(erp, client, "send_order", ORDER)
    (root / "to" / first["file"]).write_bytes(b"theirs")
    with pytest.raises(FailedError) as caught:
        await act(erp, client, "withdraw_order", {"order_id": "PO-1", "sha256": first["sha256"]})
    assert caught.value.code == "conflict"
    assert (root / "to" / first["file"]).read_bytes() == b"theirs"


async def test_a_withdrawal_under_another_key_is_another_one(
    erp: Connector[Tree], client: Tree, root: Path
) -> None:
    for key in ("u1", "u2"):
        await act(erp, client, "send_order", ORDER, f"w-{key}")
        await act(erp, client, "withdraw_order", {"order_id": "PO-1"}, key)
    assert len(list((root / "withdrawn").iterdir())) == 2


async def test_a_reply_is_taken_once_for_a_key_and_by_nobody_else(
    erp: Connector[Tree], client: Tree, root: Path
) -> None:
    (root / "from" / "reply.edi").write_bytes(REPLY)
    first = await act(erp, client, "take_reply", {"file": "reply.edi"}, "k1")
    assert first["content"]["messages"][0]["fields"] == {"order": "PO-1"}
    assert list((root / "from").iterdir()) == []
    assert await act(erp, client, "take_reply", {"file": "reply.edi"}, "k1") == first
    with pytest.raises(FailedError) as caught:
        await act(erp, client, "take_reply", {"file": "reply.edi"}, "k2")
    assert caught.value.code == "no_such_file"


async def test_only_one_of_many_takes_a_reply(erp: Connector[Tree], client: Tree, root: Path) -> None:
    (root / "from" / "reply.edi").write_bytes(REPLY)
    taken = await asyncio.gather(
        *(act(erp, client, "take_reply", {"file": "reply.edi"}, f"k{number}") for number in range(10)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, dict) for each in taken) == 1
    assert {each.code for each in taken if isinstance(each, FailedError)} == {"no_such_file"}


async def test_a_reply_that_cannot_be_read_stays_where_it_is(
    erp: Connector[Tree], client: Tree, root: Path
) -> None:
    (root / "from" / "reply.edi").write_bytes(REPLY[:-20])
    with pytest.raises(FailedError, match="segment") as caught:
        await act(erp, client, "take_reply", {"file": "reply.edi"})
    assert caught.value.code == "unreadable"
    assert (root / "from" / "reply.edi").exists()


async def test_what_is_no_regular_file_is_not_read_or_listed(
    erp: Connector[Tree], client: Tree, root: Path
) -> None:
    (root / "secret").write_text("hunter2", encoding="utf-8")
    (root / "from" / "link.edi").symlink_to(root / "secret")
    os.mkfifo(root / "from" / "pipe.edi")
    (root / "from" / "folder.edi").mkdir()
    (root / "from" / ".hidden.edi").write_bytes(b"x")
    (root / "from" / os.fsdecode(b"latin-\xe4.edi")).write_bytes(b"x")
    for name in ("link.edi", "pipe.edi", "folder.edi"):
        with pytest.raises(FailedError) as caught:
            await act(erp, client, "read_text", {"file": name})
        assert caught.value.code == "not_a_file"
    assert await act(erp, client, "list_replies", {}) == {"files": [], "complete": True}


async def test_a_folder_that_is_a_link_is_not_entered(erp: Connector[Tree], client: Tree, root: Path) -> None:
    (root / "to").rmdir()
    (root / "elsewhere").mkdir()
    (root / "to").symlink_to(root / "elsewhere")
    with pytest.raises(FailedError) as caught:
        await act(erp, client, "send_order", ORDER)
    assert caught.value.code == "not_a_file"
    assert list((root / "elsewhere").iterdir()) == []


async def test_a_link_in_place_of_the_file_is_not_followed(
    erp: Connector[Tree], client: Tree, root: Path
) -> None:
    (root / "to" / "order-PO-1.edi").symlink_to(root / "elsewhere.edi")
    with pytest.raises(FailedError) as caught:
        await act(erp, client, "send_order", ORDER)
    assert caught.value.code == "not_a_file"
    assert not (root / "elsewhere.edi").exists()


async def test_files_above_the_limit_are_neither_written_nor_read(root: Path) -> None:
    connector, settings = partner({"folder": root}, file_bytes=100)
    (root / "from" / "long.txt").write_bytes(b"x" * 101)
    async with connector.open(settings) as client:
        with pytest.raises(UnusableResultError) as unusable:
            await act(connector, client, "read_text", {"file": "long.txt"})
        assert unusable.value.code == "result_too_large"
        with pytest.raises(FailedError, match="`file_bytes` is 100") as caught:
            await act(connector, client, "send_order", ORDER)
    assert caught.value.code == "too_large"
    assert Partner(root / "to").seen() == []


async def test_a_listing_stops_at_its_limit_and_says_so(root: Path) -> None:
    connector, settings = partner({"folder": root}, listing=3)
    for number in range(4):
        (root / "from" / f"{number}.edi").write_bytes(b"")
    async with connector.open(settings) as client:
        said = await act(connector, client, "list_replies", {})
    assert (len(said["files"]), said["complete"]) == (3, False)


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.EACCES, "permission_denied"), (errno.ENOSPC, "no_space"), (errno.EDQUOT, "no_space")],
)
async def test_a_refusal_of_the_system_has_a_code(
    root: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    def refuse(_fd: int) -> None:
        raise OSError(number, os.strerror(number))

    connector, settings = partner({"folder": root})
    async with connector.open(settings) as client:
        monkeypatch.setattr(os, "fsync", refuse)
        with pytest.raises(FailedError) as caught:
            await act(connector, client, "send_order", ORDER)
        assert caught.value.code == code
        monkeypatch.undo()
        await act(connector, client, "send_order", ORDER)
    assert len(Partner(root / "to").seen()) == 1


async def test_a_disk_that_errs_leaves_it_open_whether_it_did_it(
    client: LocalTree, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def err(_fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", err)
    with pytest.raises(InDoubtError):
        await client.create(("to", "x"), b"x")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES])
async def test_an_error_behind_a_move_does_not_say_that_nothing_was_moved(
    client: LocalTree, root: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def err(_fd: int) -> None:
        raise OSError(number, os.strerror(number))

    (root / "to" / "a").write_bytes(b"a")
    monkeypatch.setattr(os, "fsync", err)
    with pytest.raises(InDoubtError):
        await client.move(("to", "a"), ("from", "a"))
    assert (root / "from" / "a").exists()


async def test_a_second_step_that_fails_leaves_it_open(
    client: LocalTree, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_name: str, *, dir_fd: int) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    (root / "to" / "a").write_bytes(b"a")
    monkeypatch.setattr("connectors.files.no_replace._renameat2", lambda: None)
    monkeypatch.setattr(os, "unlink", refuse)
    with pytest.raises(InDoubtError):
        await client.move(("to", "a"), ("from", "a"))


async def test_a_file_system_that_cannot_sync_folders_is_good_enough(
    erp: Connector[Tree], client: LocalTree, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = os.fsync

    def cannot(fd: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        synced(fd)

    monkeypatch.setattr(os, "fsync", cannot)
    await act(erp, client, "send_order", ORDER)
    assert len(Partner(root / "to").seen()) == 1


async def test_a_mount_that_hangs_is_given_up_in_time(root: Path) -> None:
    answers = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(answers.wait, 30)  # what hangs in the one thread there is
        with pytest.raises(InDoubtError, match="no answer within"):
            await LocalTree(root, pool, Deadline(0.05)).read(("from", "x"), 10)
        answers.set()


async def test_a_move_replaces_nothing_also_where_the_system_has_no_word_for_it(
    client: LocalTree, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for way in ("one step", "two steps"):
        if way == "two steps":
            monkeypatch.setattr("connectors.files.no_replace._renameat2", lambda: None)
        for name in ("a", "b"):
            (root / "to" / name).write_text(name, encoding="utf-8")
        with pytest.raises(ExistsError):
            await client.move(("to", "a"), ("to", "b"))
        with pytest.raises(MissingError):
            await client.move(("to", "c"), ("to", "d"))
        await client.move(("to", "a"), ("from", way))
        said = [(root / "from" / way).read_bytes(), (root / "to" / "b").read_bytes()]
        assert said == [b"a", b"b"]


async def test_nothing_of_a_connector_waits_for_a_root_at_the_start(tmp_path: Path) -> None:
    connector, settings = partner({"folder": tmp_path / "later"})
    async with connector.open(settings) as client:
        with pytest.raises(NotSentError):
            await act(connector, client, "list_replies", {})
        (tmp_path / "later" / "from").mkdir(parents=True)
        assert await act(connector, client, "list_replies", {}) == {"files": [], "complete": True}


def test_csv_json_and_text_say_what_the_arguments_say(root: Path) -> None:
    async def written() -> dict[str, bytes]:
        connector, settings = partner({"folder": root})
        arguments: dict[str, Any] = ORDER | {"note": 'a "note", with a comma'}
        async with connector.open(settings) as client:
            for verb in ("send_lines", "send_json", "send_note"):
                await act(connector, client, verb, arguments)
        return {each.suffix: each.read_bytes() for each in Partner(root / "to").waiting()}

    said = asyncio.run(written())
    assert said[".csv"] == b"order,ean,quantity\r\nPO-1,4000862141404,2\r\nPO-1,4006381333931,2.5\r\n"
    assert said[".txt"] == b'Order PO-1 of 20261128: a "note", with a comma\n'
    assert said[".json"].startswith(b'{"lines":[{"ean":"4000862141404","quantity":2.0')
