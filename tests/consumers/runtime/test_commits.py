"""Commits that fail, whose answer is lost, or beside which an output is refused: each is known, and none is doubled."""

import asyncio
import logging
import math
import re
from dataclasses import replace

import pytest

from consumers.errors import PointsmanError, UnavailableError
from consumers.ports.claim import Claim, ClaimLostError, HandedOverError
from consumers.ports.consumer_group import Committed, PartitionId
from consumers.ports.producing import Transactions
from consumers.runtime.letters import Letters
from consumers.runtime.membership import Membership
from consumers.runtime.offsets import OffsetTracker
from consumers.runtime.partition import Item, Lane, Partition, Phase
from consumers.runtime.transactional import TransactionalPublisher
from consumers.telemetry.metrics import COMMITS, Metrics
from schemas.dead_letter import dead_letter_of
from schemas.record import Record
from tests.consumers.runtime.loop_stage import GROUP, INPUT, LIMITS, LoopStage, until, virtual
from tests.simulation.fake_broker import CommitSeen
from tests.simulation.fake_group import FakeGroup
from tests.simulation.fake_link import Link
from tests.simulation.fake_transactions import FakeTransactionsOpener
from tests.simulation.sim_world import SimClock

BOTH = pytest.mark.parametrize("transactional", [False, True])
FIRST = PartitionId(INPUT, 0)


async def work(_record: Record, _claim: Claim) -> None:
    await asyncio.sleep(0.01)


def warnings(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Return what was logged as not committed, and the error that was given for it."""
    said = [(record.message, str(record.__dict__.get("error"))) for record in caplog.records]
    return [(message, error) for message, error in said if message.startswith("not committed")]


@virtual
@BOTH
@pytest.mark.parametrize("large", [{1}, {0, 3}, {4}, {0, 1, 2, 3, 4}], ids=str)
async def test_an_output_that_the_broker_refuses_is_given_up_and_no_other(
    large: set[int], transactional: bool
) -> None:
    stage = LoopStage(transactional=transactional)
    stage.broker.max_message_bytes = 1_000
    names = [f"{number}{'x' * 1_000 if number in large else ''}" for number in range(5)]
    for name in names:
        stage.publish(name[0], name)
    worker = stage.start(work)
    await until(stage.is_through)
    assert sorted(stage.values("out")) == [name for name in names if len(name) == 1]
    letters = [dead_letter_of(record) for record in stage.broker.read_committed("dead")]
    assert sorted(letter.record.offset for letter in letters) == sorted(large)
    assert {letter.reason for letter in letters} == {"output_refused"}
    assert stage.diary.times == dict.fromkeys(names, 1), "nothing is worked again for it"
    await stage.stop(worker)


@virtual
@BOTH
async def test_a_commit_that_gets_no_answer_is_logged_counted_and_tried_again(
    transactional: bool, caplog: pytest.LogCaptureFixture
) -> None:
    stage = LoopStage(transactional=transactional)
    worker = stage.start(work, session_s=100.0)
    last = "end_txn" if transactional else "commit"

    def cut(link: Link, call: str) -> None:
        if call == last:
            link.disarm()
            link.cut(16)

    with caplog.at_level(logging.WARNING):
        worker.link.before = cut
        stage.publish("k", "e0")
        await until(stage.is_through)
    assert worker.metrics.value(COMMITS, "unavailable") >= 1
    assert worker.metrics.value(COMMITS, "lost") == 0
    assert worker.metrics.value(COMMITS, "done") >= 1
    message, error = warnings(caplog)[0]
    assert message == "not committed, trying again"
    assert error not in {"", "None"}
    assert stage.values("out") == ["e0"]
    await stage.stop(worker)


@virtual
async def test_a_transaction_whose_answer_is_lost_is_found_to_be_committed() -> None:
    stage = LoopStage(transactional=True)
    worker = stage.start(work)
    seen: list[CommitSeen] = []
    stage.broker.on_commit.append(seen.append)

    def cut(link: Link, call: str) -> None:
        if call == "end_txn":
            link.disarm()
            link.cut(0.1)

    worker.link.after = cut
    stage.publish("k", "e0")
    await until(stage.is_through)
    await asyncio.sleep(30)
    assert stage.values("out") == ["e0"]
    assert len(seen) == 1, "it is not committed once more"
    assert worker.metrics.value(COMMITS, "done") == 1
    await stage.stop(worker)


@virtual
async def test_a_transaction_that_somebody_fenced_is_begun_anew_by_its_owner(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = LoopStage(transactional=True)
    worker = stage.start(work)
    stage.publish("k", "e0")
    await until(stage.is_through)
    stranger = FakeTransactionsOpener(stage.broker, stage.broker.connect("b"), group=GROUP)
    await stranger.open(FIRST)
    with caplog.at_level(logging.WARNING):
        stage.publish("k", "e1")
        await until(stage.is_through)
    assert stage.values("out") == ["e0", "e1"]
    assert worker.metrics.value(COMMITS, "lost") == 1
    assert worker.metrics.value(COMMITS, "unavailable") == 0
    assert worker.metrics.value(COMMITS, "done") == 2
    said = ("not committed, trying again", f"{GROUP}-{INPUT}-0: another owner has opened it")
    assert warnings(caplog) == [said]
    await stage.stop(worker)


@virtual
async def test_offsets_of_partitions_that_were_taken_away_are_counted_as_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = LoopStage()
    worker = stage.start(work, limits=replace(LIMITS, commit_interval_s=20.0))
    await until(lambda: worker.partitions == {0})
    stage.publish("k", "e0")
    await until(lambda: stage.values("out") == ["e0"])
    with caplog.at_level(logging.WARNING):
        worker.link.freeze(25)
        await until(stage.is_through)
    assert worker.metrics.value(COMMITS, "lost") >= 1
    message, error = warnings(caplog)[0]
    assert message == "not committed, partitions were taken away"
    assert error not in {"", "None"}
    await stage.stop(worker)


@virtual
@BOTH
async def test_what_is_committed_already_is_not_committed_again(transactional: bool) -> None:
    """Neither where all is finished, nor where something is finished above what is stuck."""

    async def stuck(record: Record, _claim: Claim) -> None:
        if record.value == b"stuck":
            await asyncio.sleep(60)

    stage = LoopStage(transactional=transactional)
    seen: list[CommitSeen] = []
    stage.broker.on_commit.append(seen.append)
    worker = stage.start(stuck)
    stage.publish("k", "stuck")
    stage.publish("j", "e1")
    await until(lambda: stage.values("out") == ["e1"])
    await asyncio.sleep(5)
    committed = len(seen)
    await asyncio.sleep(30)
    assert len(seen) == committed
    at = stage.committed()
    assert at is not None
    assert at.next_offset == 0
    await until(stage.is_through)
    committed = len(seen)
    await asyncio.sleep(30)
    assert len(seen) == committed
    await stage.stop(worker)


class Told:
    """What the dispatcher would be told."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.errors: list[tuple[Item, PointsmanError]] = []

    def published(self, item: Item) -> None:
        self.items.append(item)

    def unpublished(self, item: Item, error: PointsmanError) -> None:
        self.errors.append((item, error))


def partition_of(stage: LoopStage, number: int = 0, *, sure: bool = True) -> Partition:
    group = FakeGroup(stage.broker, stage.broker.connect(f"g{number}"), group=GROUP)
    membership = Membership(group, lease_s=1_000.0, regained=lambda: None)
    if sure:
        membership._certain_until = math.inf  # pyright: ignore[reportPrivateUsage] - as if it had been confirmed
    return Partition(PartitionId(INPUT, number), 7, OffsetTracker(0), Committed(0), membership)


def item_of(partition: Partition, offset: int, size: int = 1, place: tuple[int, int] | None = None) -> Item:
    record = Record(
        topic=INPUT,
        partition=partition.pid.number,
        offset=offset,
        timestamp_ms=0,
        key=b"k",
        value=b"v",
        headers=(),
    )
    item = Item(record, size, Lane(partition, b"k"), 0.0, place)
    item.outputs = ()
    return item


@virtual
async def test_a_new_partition_is_open_and_holds_nothing() -> None:
    partition = partition_of(LoopStage())
    assert (partition.generation, partition.committed) == (7, Committed(0))
    assert (partition.phase, partition.paused, partition.held_bytes) == (Phase.OPEN, False, 0)
    assert partition.moved_at == asyncio.get_running_loop().time()


@virtual
async def test_a_partition_counts_the_bytes_that_it_holds() -> None:
    partition = partition_of(LoopStage())
    items = [item_of(partition, offset, size) for offset, size in ((0, 3), (1, 5))]
    for item in items:
        partition.tracker.take(item.record.offset)
        partition.hold(item)
    assert partition.held_bytes == 8
    assert partition.blocking is items[0]
    partition.finish(item_of(partition, 0, 100, place=(0, 9)))
    assert partition.held_bytes == 8, "one that was parked is not held here"
    for _ in range(2):
        partition.finish(items[0])
        assert (partition.held_bytes, partition.tracker.next_offset) == (5, 1)


@virtual
async def test_an_item_says_what_it_does_and_why_it_may_not_go_on() -> None:
    partition = partition_of(LoopStage())
    item = item_of(partition, 4)
    await asyncio.sleep(3)
    item.enter("turn 1: asking the model")
    assert (item.step, item.step_at) == ("turn 1: asking the model", asyncio.get_running_loop().time())
    item.hold("performing erp.order")
    assert item.step == "performing erp.order"
    partition.phase = Phase.CLOSING
    with pytest.raises(
        HandedOverError, match=f"^{re.escape(str(item.record.place))} is handed over before: turn 2$"
    ):
        item.enter("turn 2")
    assert item.step == "turn 2"
    partition.phase = Phase.GONE
    said = f"^{re.escape(str(item.record.place))} may be another worker's: performing it does not begin$"
    with pytest.raises(ClaimLostError, match=said):
        item.hold("performing it")
    assert item.step == "performing it"


class NoBroker:
    async def open(self, partition: PartitionId) -> Transactions:
        raise UnavailableError(f"{partition.number}: no coordinator")


def publisher_of(stage: LoopStage, opener: FakeTransactionsOpener | NoBroker) -> TransactionalPublisher:
    return TransactionalPublisher(
        opener,
        FakeGroup(stage.broker, stage.broker.connect("p"), group=GROUP),
        rewrite=Letters("dead", "parked", SimClock(), None).rewrite,
        linger_s=0.05,
        metrics=Metrics(),
    )


@virtual
async def test_transactions_that_cannot_be_opened_say_why() -> None:
    stage = LoopStage()
    with pytest.raises(UnavailableError, match=r"^0: no coordinator$"):
        await publisher_of(stage, NoBroker()).open([FIRST])


@virtual
async def test_only_the_transactions_of_partitions_that_went_away_are_closed() -> None:
    stage = LoopStage(2)
    publisher = publisher_of(
        stage, FakeTransactionsOpener(stage.broker, stage.broker.connect("t"), group=GROUP)
    )
    told = Told()
    running = asyncio.create_task(publisher.run(told))
    stays, goes = partition_of(stage, 0), partition_of(stage, 1)
    await publisher.open([stays.pid, goes.pid])
    await publisher.close([goes.pid])
    items = [item_of(partition, 0) for partition in (stays, goes)]
    for partition, item in zip((stays, goes), items, strict=True):
        partition.tracker.take(0)
        partition.hold(item)
    await asyncio.sleep(0)
    for item in items:
        publisher.publish(item)
    await asyncio.sleep(1)
    assert told.items == items[:1]
    ((item, error),) = told.errors
    assert item is items[1]
    assert isinstance(error, UnavailableError)
    assert str(error) == f"{goes.pid}: its transactions are not open"
    assert stage.committed(0) is not None
    assert stays.held == {}
    await publisher.close()
    publisher.publish(items[0])
    assert [each for each, _ in told.errors] == [items[1], items[0]]
    running.cancel()
    await asyncio.wait([running])
