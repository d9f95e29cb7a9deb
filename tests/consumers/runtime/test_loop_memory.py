"""However much waits at the broker, little is held; and the group is polled on time, however full we are."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from consumers.ports.claim import Claim
from consumers.ports.consumer_group import PartitionId
from consumers.runtime.partition import Item, Partition
from schemas.record import Outgoing, Record
from tests.consumers.runtime.loop_stage import INPUT, LIMITS, LoopStage, now, until, virtual
from tests.simulation.fake_group import FakeGroup

POLL = 500
"""Records that one poll may bring."""


@dataclass
class Peaks:
    """The most that was ever held, of one partition and of all."""

    records: int = 0
    total_bytes: int = 0
    _held: dict[PartitionId, int] = field(default_factory=dict[PartitionId, int])

    def watch(self, partition: Partition) -> None:
        self.records = max(self.records, len(partition.held))
        self._held[partition.pid] = partition.held_bytes
        self.total_bytes = max(self.total_bytes, sum(self._held.values()))


@pytest.fixture
def peaks(monkeypatch: pytest.MonkeyPatch) -> Peaks:
    found = Peaks()

    def told(change: Callable[[Partition, Item], None]) -> Callable[[Partition, Item], None]:
        def changed(partition: Partition, item: Item) -> None:
            change(partition, item)
            found.watch(partition)

        return changed

    monkeypatch.setattr(Partition, "hold", told(Partition.hold))
    monkeypatch.setattr(Partition, "finish", told(Partition.finish))
    return found


class PolledGroup(FakeGroup):
    """Notes how long it was not polled."""

    longest_gap_s = 0.0
    _last: float | None = None

    async def poll(self, *, timeout_s: float, max_records: int) -> Mapping[PartitionId, Sequence[Record]]:
        if self._last is not None:
            self.longest_gap_s = max(self.longest_gap_s, now() - self._last)
        self._last = now()
        return await super().poll(timeout_s=timeout_s, max_records=max_records)


def fill(stage: LoopStage, partition: int, count: int, size: int) -> None:
    value = b"x" * (size - 12)
    messages = [Outgoing(INPUT, f"{partition:02}-{number:09}".encode(), value) for number in range(count)]
    stage.broker.append(PartitionId(INPUT, partition), messages)


async def quick(_record: Record, _claim: Claim) -> None:
    await asyncio.sleep(0.01)


@virtual
async def test_of_20000_waiting_records_no_more_are_held_than_the_bound_and_one_poll(peaks: Peaks) -> None:
    stage = LoopStage()
    fill(stage, 0, 20_000, 16)
    limits = replace(LIMITS, in_flight=64, partition_records=700)
    worker = stage.start(quick, limits=limits)
    await until(lambda: len(stage.diary.calls) > 1_500)
    assert limits.partition_records <= peaks.records <= limits.partition_records + POLL
    await stage.stop(worker)


@virtual
@pytest.mark.parametrize("bound", ["partition_bytes", "total_bytes"])
async def test_a_partition_holds_no_more_bytes_than_its_bound_and_one_poll(peaks: Peaks, bound: str) -> None:
    stage = LoopStage()
    fill(stage, 0, 20_000, 1_000)
    limits = replace(LIMITS, in_flight=64, partition_records=100_000, **{bound: 800_000})
    worker = stage.start(quick, limits=limits)
    await until(lambda: len(stage.diary.calls) > 1_500)
    assert 800_000 <= peaks.total_bytes <= 800_000 + POLL * 1_000
    await stage.stop(worker)


@virtual
async def test_the_bytes_of_20000_records_on_many_partitions_are_bounded(peaks: Peaks) -> None:
    stage = LoopStage(partitions=8)
    for partition in range(8):
        fill(stage, partition, 2_500, 1_000)
    limits = replace(LIMITS, in_flight=64, partition_records=100_000, total_bytes=4_000_000)
    worker = stage.start(quick, limits=limits)
    await until(lambda: len(stage.diary.calls) > 4_500)
    assert limits.total_bytes <= peaks.total_bytes <= limits.total_bytes + POLL * 1_000
    await stage.stop(worker)


@virtual
async def test_where_one_partition_holds_all_the_others_still_take_their_shares_and_no_more(
    peaks: Peaks,
) -> None:
    """What the limit gives up for it: all together may come to twice the total, and a poll for each."""
    gate = asyncio.Event()

    async def work(record: Record, _claim: Claim) -> None:
        if record.partition == 0:
            await gate.wait()

    stage = LoopStage(partitions=4)
    fill(stage, 0, 10_000, 100)
    limits = replace(LIMITS, in_flight=8, partition_records=100_000, total_bytes=200_000)
    worker = stage.start(work, limits=limits)
    await until(lambda: any(partition.paused for partition in worker.loop.partitions.values()))
    for partition in (1, 2, 3):
        fill(stage, partition, 1_000, 100)
    await asyncio.sleep(60)
    assert limits.total_bytes < peaks.total_bytes <= 2 * limits.total_bytes + 3 * POLL * 100
    gate.set()
    await until(lambda: all(stage.is_through(partition) for partition in (1, 2, 3)))
    await stage.stop(worker)


@virtual
async def test_the_group_is_polled_on_time_while_nothing_more_is_taken() -> None:
    gate = asyncio.Event()

    async def work(_record: Record, _claim: Claim) -> None:
        await gate.wait()

    stage = LoopStage()
    fill(stage, 0, 2_000, 16)
    worker = stage.start(work, limits=replace(LIMITS, in_flight=4, stalled_s=10_000), group_type=PolledGroup)
    await until(lambda: stage.diary.most == 4)
    await asyncio.sleep(600)
    assert [partition.paused for partition in worker.loop.partitions.values()] == [True]
    assert isinstance(worker.group, PolledGroup)
    assert 0.5 < worker.group.longest_gap_s < 1.5
    assert len(stage.diary.calls) == 4
    gate.set()
    await until(stage.is_through)
    assert stage.diary.times.total() == 2_000
    await stage.stop(worker)
