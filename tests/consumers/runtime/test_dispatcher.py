"""Order per key, different keys side by side, retries that hold up nobody else."""

import asyncio
from collections import defaultdict

import pytest

from consumers.errors import DeadLetterError, HaltError, RetryError, UnavailableError
from consumers.runtime.dispatcher import Dispatcher
from consumers.runtime.limits import RuntimeLimits
from consumers.runtime.partition import Partition
from consumers.telemetry.metrics import DEAD_LETTERS, RETRIES, Metrics
from schemas.record import Record

FAST = RuntimeLimits(retry_first_s=0.001, retry_max_s=0.002)


def record(offset: int, key: bytes | None = b"k", partition: int = 0) -> Record:
    return Record("orders", partition, offset, 0, key, b"{}")


class Graveyard:
    def __init__(self, *, deaf: int = 0) -> None:
        self.buried: list[tuple[int, str, int]] = []
        self.deaf = deaf

    async def send(self, record: Record, error: DeadLetterError, attempts: int) -> None:
        if self.deaf:
            self.deaf -= 1
            raise UnavailableError("broker away")
        self.buried.append((record.offset, error.reason, attempts))


class Workshop:
    """A handler whose doings a test decides; it notes what runs beside what."""

    def __init__(self) -> None:
        self.order: dict[bytes | None, list[int]] = defaultdict(list)
        self.running = 0
        self.most = 0
        self.fail: dict[int, list[Exception]] = {}
        self.gate: asyncio.Event | None = None

    async def __call__(self, record: Record) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            if self.gate:
                await self.gate.wait()
            else:
                await asyncio.sleep(0)
            if errors := self.fail.get(record.offset):
                raise errors.pop(0)
            self.order[record.key].append(record.offset)
        finally:
            self.running -= 1


async def run(
    records: list[Record],
    shop: Workshop,
    *,
    limits: RuntimeLimits = FAST,
    graveyard: Graveyard | None = None,
    metrics: Metrics | None = None,
) -> Partition:
    partition = Partition("orders", 0)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        dispatcher = Dispatcher(group, shop, graveyard or Graveyard(), limits, metrics or Metrics())
        for one in records:
            partition.take(one.offset)
            dispatcher.submit(one, partition)
        while partition.unfinished:
            await asyncio.sleep(0)
    return partition


async def test_one_key_is_worked_in_order_one_after_the_other() -> None:
    shop = Workshop()
    await run([record(i) for i in range(50)], shop)
    assert shop.order[b"k"] == list(range(50))
    assert shop.most == 1


async def test_different_keys_run_side_by_side_up_to_the_limit() -> None:
    shop = Workshop()
    records = [record(i, key=str(i).encode()) for i in range(50)]
    await run(records, shop, limits=RuntimeLimits(in_flight=7))
    assert shop.most == 7


async def test_records_without_a_key_wait_for_nobody() -> None:
    shop = Workshop()
    await run([record(i, key=None) for i in range(20)], shop)
    assert shop.most == 20


async def test_a_retrying_key_keeps_its_order_and_gives_its_slot_back() -> None:
    shop, metrics = Workshop(), Metrics()
    shop.fail = {0: [RetryError("busy"), RetryError("busy")]}
    records = [record(0), record(1), *(record(i, key=b"other") for i in range(2, 10))]
    await run(records, shop, limits=RuntimeLimits(in_flight=1, retry_first_s=0.001), metrics=metrics)
    assert shop.order == {b"k": [0, 1], b"other": list(range(2, 10))}
    assert metrics.value(RETRIES) == 2


async def test_a_dead_letter_lets_the_key_go_on() -> None:
    shop, graveyard, metrics = Workshop(), Graveyard(), Metrics()
    shop.fail = {1: [DeadLetterError("bad", reason="unreadable")]}
    partition = await run([record(i) for i in range(3)], shop, graveyard=graveyard, metrics=metrics)
    assert graveyard.buried == [(1, "unreadable", 1)]
    assert shop.order[b"k"] == [0, 2]
    assert partition.to_commit == 3
    assert metrics.value(DEAD_LETTERS, "unreadable") == 1


async def test_a_dead_letter_that_nobody_takes_is_not_committed_but_tried_again() -> None:
    shop, graveyard = Workshop(), Graveyard(deaf=2)
    shop.fail = {0: [DeadLetterError("bad", reason="unreadable") for _ in range(3)]}
    await run([record(0)], shop, graveyard=graveyard)
    assert graveyard.buried == [(0, "unreadable", 3)]


async def test_a_record_past_its_retry_budget_becomes_a_dead_letter() -> None:
    shop, graveyard = Workshop(), Graveyard()
    shop.fail = {0: [RetryError("busy") for _ in range(1000)]}
    await run(
        [record(0)], shop, limits=RuntimeLimits(retry_first_s=0.001, retry_total_s=0.01), graveyard=graveyard
    )
    assert graveyard.buried[0][1] == "retries_exhausted"


async def test_what_everybody_waits_for_is_no_fault_of_the_event() -> None:
    shop, graveyard = Workshop(), Graveyard()
    shop.fail = {0: [UnavailableError("Redis is away") for _ in range(20)]}
    limits = RuntimeLimits(retry_first_s=0.001, retry_max_s=0.001, retry_total_s=0.0)
    await run([record(0)], shop, limits=limits, graveyard=graveyard)
    assert graveyard.buried == []
    assert shop.order[b"k"] == [0]


async def test_a_halt_ends_the_worker_and_commits_nothing() -> None:
    shop = Workshop()
    shop.fail = {0: [HaltError("we are broken")]}
    partition = Partition("orders", 0)
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            dispatcher = Dispatcher(group, shop, Graveyard(), FAST, Metrics())
            partition.take(0)
            dispatcher.submit(record(0), partition)
            await asyncio.Event().wait()
    assert caught.group_contains(HaltError)
    assert partition.to_commit == 0, "the offset of the record itself: it will be delivered again"


async def test_revoking_a_partition_ends_running_work_and_drops_what_waits() -> None:
    shop = Workshop()
    shop.gate = asyncio.Event()
    mine, other = Partition("orders", 0), Partition("orders", 1)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        dispatcher = Dispatcher(group, shop, Graveyard(), FAST, Metrics())
        for offset in range(2):
            mine.take(offset)
            dispatcher.submit(record(offset), mine)
        other.take(5)
        dispatcher.submit(record(5, key=b"other", partition=1), other)
        await dispatcher.drain({mine}, 0.01)
        shop.gate.set()
        while other.unfinished:
            await asyncio.sleep(0)
    assert shop.order == {b"other": [5]}
    assert mine.to_commit == 0


async def test_draining_lets_running_work_end_and_its_offset_is_committed() -> None:
    shop = Workshop()
    partition = Partition("orders", 0)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        dispatcher = Dispatcher(group, shop, Graveyard(), FAST, Metrics())
        partition.take(0)
        dispatcher.submit(record(0), partition)
        await dispatcher.drain({partition}, 5)
    assert partition.to_commit == 1


async def test_an_error_that_nobody_foresaw_is_tried_again_and_then_buried_and_others_go_on() -> None:
    shop, graveyard = Workshop(), Graveyard()
    shop.fail = {0: [KeyError("oops") for _ in range(9)]}
    await run([record(0), record(1)], shop, graveyard=graveyard)
    assert graveyard.buried == [(0, "crashed", FAST.crash_attempts)]
    assert shop.order[b"k"] == [1]


async def test_too_many_dead_letters_in_a_row_stop_the_worker() -> None:
    shop, graveyard = Workshop(), Graveyard()
    shop.fail = {i: [DeadLetterError("bad", reason="unreadable")] for i in range(10)}
    with pytest.raises(ExceptionGroup) as caught:
        await run(
            [record(i) for i in range(10)],
            shop,
            limits=RuntimeLimits(dead_letters_in_a_row=3),
            graveyard=graveyard,
        )
    assert caught.group_contains(HaltError)
    assert len(graveyard.buried) == 3
