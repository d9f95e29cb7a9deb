"""Why a partition lags, and when a worker is wedged; and when it only looks so."""

import asyncio
import hashlib
from dataclasses import asdict, replace

import pytest

from consumers.errors import HaltError, RetryError
from consumers.ports.claim import Claim
from consumers.ports.consumer_group import PartitionId
from consumers.runtime.watch import Blocking, Standing
from consumers.telemetry.metrics import (
    BLOCKED,
    COMMIT_LAG,
    HELD_BYTES,
    KEYS_WAITING,
    PARTITION_LAG,
    RUNS_IN_FLIGHT,
)
from schemas.record import Record
from tests.consumers.runtime.loop_stage import INPUT, LIMITS, LoopStage, Member, until, virtual
from tests.simulation.fake_group import FakeGroup

STALLED = replace(LIMITS, stalled_s=100, retry_total_s=1e9, retry_max_s=300)
KEY = hashlib.sha256(b"customer").hexdigest()[:12]


async def hang(_record: Record, claim: Claim) -> None:
    claim.enter("asking the model")
    await asyncio.sleep(1e6)


async def fail(_record: Record, _claim: Claim) -> None:
    raise RetryError("busy")


def only(worker: Member) -> Standing:
    (standing,) = worker.loop.watch.standings()
    return standing


@virtual
async def test_a_standing_names_the_record_that_blocks_with_its_step_and_since_when() -> None:
    stage = LoopStage()
    stage.publish("other", "e0")
    stage.publish("customer", "e1", "e2", "e3")
    stage.publish("other", "e4")

    async def work(record: Record, claim: Claim) -> None:
        if record.key == b"customer":
            await hang(record, claim)

    worker = stage.start(work)
    await until(lambda: stage.committed() and only(worker).committed == 1)
    await asyncio.sleep(60)
    standing = only(worker)
    blocking = standing.blocking
    assert blocking is not None
    assert 60 <= blocking.age_s < 70
    assert replace(blocking, age_s=0.0) == Blocking(1, KEY, "asking the model", 0.0, running=True, behind=2)
    assert standing == Standing(
        topic=INPUT,
        partition=0,
        phase="open",
        committed=1,
        position=5,
        end=5,
        lag=4,
        held=3,
        held_bytes=3 * len("customere1"),
        paused=False,
        blocking=blocking,
    )
    assert b"customer" not in repr(asdict(standing)).encode(), "a key may be personal data"
    assert worker.loop.watch.told() == (
        f"in[0] offset 1, key {KEY}, step 'asking the model' for {blocking.age_s:.0f} s"
    )
    stage.broker.close()


@virtual
async def test_a_standing_says_what_a_waiting_record_waits_for() -> None:
    stage = LoopStage()
    stage.publish("customer", "e0")
    worker = stage.start(fail, limits=STALLED)
    await until(lambda: len(stage.diary.calls) == 5)
    await asyncio.sleep(0.1)
    blocking = only(worker).blocking
    assert blocking is not None
    assert (blocking.step, blocking.running) == ("waits to be tried again: busy", False)
    stage.broker.close()


@virtual
async def test_where_no_slot_is_free_a_standing_says_so() -> None:
    stage = LoopStage(2)
    stage.publish("k0", "e0")
    worker = stage.start(hang, limits=replace(LIMITS, in_flight=1))
    await until(lambda: stage.diary.calls)
    stage.publish("k1", "e1", partition=1)
    await asyncio.sleep(5)
    blocking = worker.loop.watch.standings()[1].blocking
    assert blocking is not None
    assert "limits.in_flight" in blocking.step
    assert not blocking.running
    stage.broker.close()


@virtual
async def test_a_record_without_a_key_blocks_without_a_digest_and_idle_partitions_with_nothing() -> None:
    stage = LoopStage(2)
    stage.publish(None, "e0")
    worker = stage.start(hang)
    await until(lambda: stage.diary.calls)
    await asyncio.sleep(5)
    busy, idle = worker.loop.watch.standings()
    assert busy.blocking is not None
    assert busy.blocking.key == ""
    assert (idle.blocking, idle.held, idle.lag) == (None, 0, 0)
    stage.broker.close()


@virtual
async def test_a_step_that_does_not_end_ends_the_worker_with_an_error_that_names_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = LoopStage()
    stage.publish("customer", "e0")
    worker = stage.start(hang, limits=STALLED)
    await until(lambda: stage.diary.calls)
    await asyncio.sleep(95)
    assert worker.loop.watch.wedged() is None
    with pytest.RaisesGroup(
        pytest.RaisesExc(
            HaltError,
            match=rf"^wedged.*in\[0\]: offset 0, key {KEY}, step 'asking the model' for 10[0-9] s$",
        ),
        flatten_subgroups=True,
    ):
        await asyncio.wait_for(worker.task, 10)
    assert any(record.message.startswith("wedged: in[0]") for record in caplog.records)
    stage.broker.close()


@virtual
async def test_many_short_steps_are_not_one_long_one() -> None:
    async def work(_record: Record, claim: Claim) -> None:
        for step in range(4):
            claim.enter(f"step {step}")
            await asyncio.sleep(90)

    stage = LoopStage()
    stage.publish("customer", "e0")
    worker = stage.start(work, limits=STALLED)
    await until(stage.is_through, within_s=1_000)
    await stage.stop(worker)


@virtual
async def test_waiting_for_a_retry_is_not_being_wedged_however_long() -> None:
    stage = LoopStage()
    stage.publish("customer", "e0")
    worker = stage.start(fail, limits=STALLED)
    await asyncio.sleep(800)
    assert worker.loop.watch.wedged() is None
    assert len(stage.diary.calls) > 8
    await stage.stop(worker)


class DeafGroup(FakeGroup):
    """Knows that records wait, and delivers none."""

    deaf = False

    def end(self, partition: PartitionId) -> int | None:
        end = super().end(partition)
        return end if end is None or not self.deaf else end + 5


@virtual
async def test_records_that_wait_and_are_not_delivered_end_the_worker() -> None:
    stage = LoopStage()
    worker = stage.start(hang, limits=STALLED, group_type=DeafGroup)
    await until(lambda: worker.partitions)
    await asyncio.sleep(300)
    assert worker.loop.watch.wedged() is None, "nothing waits"
    assert isinstance(worker.group, DeafGroup)
    worker.group.deaf = True
    await asyncio.sleep(95)
    assert worker.loop.watch.wedged() is None
    with pytest.RaisesGroup(
        pytest.RaisesExc(
            HaltError, match=r"in\[0\]: records wait at the broker, and none was delivered for 10"
        ),
        flatten_subgroups=True,
    ):
        await asyncio.wait_for(worker.task, 10)
    stage.broker.close()


@virtual
async def test_a_partition_that_is_paused_is_not_waited_for() -> None:
    async def work(_record: Record, claim: Claim) -> None:
        while True:
            claim.enter("one of many steps")
            await asyncio.sleep(50)

    stage = LoopStage()
    for number in range(3_000):
        stage.publish(f"k{number}", f"e{number}")
    worker = stage.start(work, limits=replace(STALLED, in_flight=2))
    await asyncio.sleep(500)
    standing = only(worker)
    assert standing.paused
    assert standing.lag == 3_000
    assert worker.loop.watch.wedged() is None
    await stage.stop(worker)


@virtual
async def test_a_worker_without_a_broker_waits_and_is_not_wedged_by_that() -> None:
    """A broker that is away for longer than the limit: nothing is delivered, and a restart would not help."""

    async def work(_record: Record, _claim: Claim) -> None:
        pass

    stage = LoopStage()
    # The whole broker is away, so it keeps its members: the session is longer than what we count on.
    worker = stage.start(work, limits=STALLED, session_s=100_000, lease_s=10, group_type=DeafGroup)
    await until(lambda: worker.partitions)
    assert isinstance(worker.group, DeafGroup)
    worker.group.deaf = True
    worker.link.cut(300)
    await asyncio.sleep(290)
    assert worker.loop.watch.wedged() is None
    await asyncio.sleep(30)
    assert worker.loop.watch.wedged() is None, "and when it is back, the time begins anew"
    worker.group.deaf = False
    stage.publish("customer", "e0")
    await until(stage.is_through)
    await stage.stop(worker)


@virtual
async def test_the_gauges_say_what_the_standings_say() -> None:
    stage = LoopStage()
    stage.publish("customer", "e0", "e1")

    async def work(record: Record, claim: Claim) -> None:
        await (fail if record.key == b"busy" else hang)(record, claim)

    stage.publish("busy", "e2")
    worker = stage.start(work, limits=replace(LIMITS, retry_first_s=50, retry_total_s=1e9))
    await until(lambda: len(stage.diary.calls) == 2)
    await asyncio.sleep(10)
    standing = only(worker)
    value = worker.metrics.value
    assert value(COMMIT_LAG, INPUT, "0") == standing.held == 3
    assert value(HELD_BYTES, INPUT, "0") == standing.held_bytes == 2 * len("customere0") + len("busye2")
    assert value(PARTITION_LAG, INPUT, "0") == standing.lag == 3
    assert 8 < value(BLOCKED, INPUT, "0") <= 11
    assert (value(RUNS_IN_FLIGHT), value(KEYS_WAITING)) == (1, 1)
    stage.broker.close()
