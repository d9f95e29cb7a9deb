"""A file is published whole and once for its key, wherever an attempt ends and whoever takes it meanwhile."""

import asyncio
import contextlib
import errno
import os
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.errors import ActionError, BusyError, FailedError, InDoubtError, NotSentError
from connectors.files.local_tree import LocalTree, open_local
from connectors.files.publishing import STAGING, Publication, digest, publish
from tests.connectors.files.partner import GatedTree, LostError, Partner

CONTENT = b"an order\n"


@pytest.fixture
async def tree(tmp_path: Path) -> AsyncIterator[LocalTree]:
    (tmp_path / "to").mkdir()
    async with open_local(tmp_path, timeout_s=10) as opened:
        yield opened


@pytest.fixture
def partner(tmp_path: Path) -> Partner:
    return Partner(tmp_path / "to")


def order(content: bytes = CONTENT, key: str = "k1") -> Publication:
    return Publication(("to",), "order.txt", content, key, arguments=digest(content))


async def moments(tree: LocalTree, publication: Publication) -> int:
    """Publish, and return how many moments there were to end at."""
    seen = 0

    async def count(_after: bool) -> None:
        nonlocal seen
        seen += 1

    await publish(GatedTree(tree, count), publication)
    return seen


async def test_an_attempt_that_ends_at_any_moment_is_finished_by_the_next_one(
    tree: LocalTree, partner: Partner
) -> None:
    last = await moments(tree, order(key="k0"))
    partner.take()
    partner.taken.clear()
    assert last > 10
    for at in range(last):
        for takes in (False, True):
            left = at

            async def end(_after: bool) -> None:
                nonlocal left
                if left == 0:
                    raise LostError
                left -= 1

            one = order(key=f"k{at}-{takes}")
            with pytest.raises(LostError):
                await publish(GatedTree(tree, end), one)
            if takes:
                partner.take()
            for _ in range(2):
                await publish(tree, one)
            assert partner.seen() == [CONTENT], f"ended at moment {at}, taken {takes}"
            partner.take()
            partner.taken.clear()
            left_over = [each.name for each in (partner.folder / STAGING / one.key).iterdir()]
            assert left_over == ["chosen"]


async def test_nothing_that_is_not_whole_is_ever_seen(tree: LocalTree, partner: Partner) -> None:
    async def look(_after: bool) -> None:
        assert partner.seen() in ([], [CONTENT])

    await publish(GatedTree(tree, look), order())
    assert partner.seen() == [CONTENT]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), attempts=st.integers(2, 5))
async def test_attempts_at_the_same_time_publish_once_in_any_order_with_losses_and_a_fast_partner(
    tmp_path_factory: pytest.TempPathFactory, seed: int, attempts: int
) -> None:
    folder = tmp_path_factory.mktemp("root")
    (folder / "to").mkdir()
    partner = Partner(folder / "to")
    choice = random.Random(seed)
    turn = asyncio.Lock()

    async def gate(_after: bool) -> None:
        # Whose operation comes next is the draw of this random number: all wait for the lock, and the loop is shaken.
        for _ in range(choice.randrange(4)):
            await asyncio.sleep(0)
        async with turn:
            if choice.random() < 0.2:
                partner.take()
            if choice.random() < 0.03:
                raise LostError

    async def attempt() -> None:
        with contextlib.suppress(LostError, ActionError):
            await publish(GatedTree(tree, gate), order())

    async with open_local(folder, timeout_s=10, threads=1) as tree:
        async with asyncio.TaskGroup() as group:
            for number in range(attempts):
                group.create_task(attempt(), name=f"attempt {number}")
        for _ in range(3):
            await publish(tree, order())
    assert partner.seen() == [CONTENT]


async def test_the_same_content_under_the_name_is_done(tree: LocalTree, partner: Partner) -> None:
    (partner.folder / "order.txt").write_bytes(CONTENT)
    await publish(tree, order())
    assert partner.seen() == [CONTENT]


@pytest.mark.parametrize("other", [b"another\n", b"", CONTENT + b"more", CONTENT * 1000])
async def test_another_content_under_the_name_is_a_conflict_and_stays(
    tree: LocalTree, partner: Partner, other: bytes
) -> None:
    (partner.folder / "order.txt").write_bytes(other)
    for _ in range(2):
        with pytest.raises(FailedError, match="another content") as caught:
            await publish(tree, order())
        assert caught.value.code == "conflict"
    assert partner.seen() == [other]


async def test_a_conflict_that_comes_up_at_the_last_moment_is_taken_back(
    tree: LocalTree, partner: Partner
) -> None:
    async def meddle(_after: bool) -> None:
        if list(partner.folder.glob(f"{STAGING}/k1/chosen")):
            (partner.folder / "order.txt").write_bytes(b"another\n")

    with pytest.raises(FailedError, match="another content"):
        await publish(GatedTree(tree, meddle), order())
    partner.take()
    await publish(tree, order())  # nobody says that it was published: it was not
    assert partner.seen() == [b"another\n", CONTENT]


@pytest.mark.parametrize("moment", range(8))
async def test_one_that_ends_while_it_takes_its_word_back_claims_nothing(
    tree: LocalTree, partner: Partner, moment: int
) -> None:
    left = moment

    async def meddle(_after: bool) -> None:
        nonlocal left
        if list(partner.folder.glob(f"{STAGING}/k1/chosen")) or left < moment:
            (partner.folder / "order.txt").write_bytes(b"another\n")
            if left == 0:
                raise LostError
            left -= 1

    with pytest.raises((LostError, FailedError)):
        await publish(GatedTree(tree, meddle), order())
    partner.take()
    await publish(tree, order())
    assert partner.seen() == [b"another\n", CONTENT]


@pytest.mark.parametrize("moment", range(20))
async def test_the_same_call_with_another_template_publishes_what_was_chosen_first(
    tree: LocalTree, partner: Partner, moment: int
) -> None:
    left = moment

    async def end(_after: bool) -> None:
        nonlocal left
        if left == 0:
            raise LostError
        left -= 1

    with contextlib.suppress(LostError):
        await publish(GatedTree(tree, end), order())
    later = replace(order(), name="new-order.txt", content=b"a new form of order\n")
    said = await publish(tree, later)
    partner.take()
    assert await publish(tree, later) == said
    assert [digest(each) for each in partner.seen()] == [said.sha256]


async def test_a_key_publishes_one_content_only(tree: LocalTree, partner: Partner) -> None:
    await publish(tree, order())
    partner.take()
    with pytest.raises(FailedError, match=r"published order\.txt before") as caught:
        await publish(tree, order(b"another\n"))
    assert caught.value.code == "conflict"
    assert partner.seen() == [CONTENT]


@pytest.mark.parametrize("last", range(8))
async def test_an_answer_lost_before_the_last_move_means_that_nothing_was_sent(
    tree: LocalTree, partner: Partner, last: int
) -> None:
    left = last

    async def lose(after: bool) -> None:
        nonlocal left
        if after:
            if left == 0:
                raise InDoubtError("connection lost")
            left -= 1

    with pytest.raises(NotSentError if last < 7 else InDoubtError):
        await publish(GatedTree(tree, lose), order())
    await publish(tree, order())
    assert partner.seen() == [CONTENT]


async def test_a_part_that_was_refused_is_not_left_on_the_disk(
    tree: LocalTree, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_fd: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    await tree.make_folder(("to", STAGING))
    await tree.make_folder(("to", STAGING, "k1"))
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(FailedError) as caught:
        await publish(tree, order())
    assert caught.value.code == "no_space"
    assert list((partner.folder / STAGING / "k1").iterdir()) == []


async def test_a_receipt_that_is_damaged_is_left_to_a_person(tree: LocalTree, partner: Partner) -> None:
    await publish(tree, order())
    partner.take()
    (partner.folder / STAGING / "k1" / "chosen").write_bytes(b"{")
    with pytest.raises(FailedError, match="is damaged"):
        await publish(tree, order())
    assert partner.seen() == [CONTENT]


async def test_a_folder_that_is_not_there_is_named(tree: LocalTree) -> None:
    with pytest.raises(FailedError, match="folder out is not there") as caught:
        await publish(tree, Publication(("out",), "order.txt", CONTENT, "k1", ""))
    assert caught.value.code == "no_such_folder"


async def test_one_that_gives_up_does_not_let_another_claim_that_it_was_published(
    tree: LocalTree, partner: Partner
) -> None:
    async def give_up(after: bool) -> None:
        # The other attempt met a conflict just now: it removed the receipt and the part, in this order.
        staging = partner.folder / STAGING / "k1"
        if not after and (staging / "chosen").exists():
            for each in staging.iterdir():
                each.unlink()

    with pytest.raises(BusyError):
        await publish(GatedTree(tree, give_up), order())
    assert partner.seen() == []
