"""Many in flight, within the bound; one key after the other, and no two keys one behind the other."""

import asyncio
import random
from dataclasses import replace
from itertools import pairwise

from consumers.ports.claim import Claim
from schemas.record import Record
from tests.consumers.runtime.loop_stage import LIMITS, LoopStage, until, virtual


@virtual
async def test_the_bound_on_what_is_in_flight_is_reached_and_never_passed() -> None:
    rng = random.Random(1)

    async def work(_record: Record, _claim: Claim) -> None:
        await asyncio.sleep(rng.uniform(0.1, 1))

    stage = LoopStage(partitions=3)
    for number in range(120):
        stage.publish(f"k{number}", f"e{number}", partition=number % 3)
    worker = stage.start(work, limits=replace(LIMITS, in_flight=7))
    await until(lambda: len(stage.values("out")) == 120)
    assert stage.diary.most == 7
    await stage.stop(worker)


@virtual
async def test_events_of_one_key_run_in_their_order_and_never_side_by_side() -> None:
    rng = random.Random(1)

    async def work(_record: Record, _claim: Claim) -> None:
        await asyncio.sleep(rng.uniform(0.1, 5))

    stage = LoopStage()
    for number in range(20):
        for key in "abcde":
            stage.publish(key, f"{key}{number}")
    worker = stage.start(work, limits=replace(LIMITS, in_flight=50))
    await until(lambda: len(stage.values("out")) == 100)
    assert stage.diary.most == 5
    for key in "abcde":
        mine = [call for call in stage.diary.calls if call.record.key == key.encode()]
        assert [call.name for call in mine] == [f"{key}{number}" for number in range(20)]
        assert all(one.ended is not None and one.ended <= two.began for one, two in pairwise(mine))
    await stage.stop(worker)


@virtual
async def test_no_key_waits_because_another_one_shares_its_lane() -> None:
    """With as many slots as keys all run at once; were keys hashed into that many lanes, some would share one."""

    async def work(_record: Record, _claim: Claim) -> None:
        await asyncio.sleep(60)

    stage = LoopStage()
    for number in range(256):
        stage.publish(f"customer-{number}", f"e{number}")
    worker = stage.start(work, limits=replace(LIMITS, in_flight=256, drain_s=100))
    await until(lambda: len(stage.diary.calls) == 256, within_s=10)
    assert stage.diary.most == 256
    await stage.stop(worker)
    assert stage.is_through()


@virtual
async def test_records_without_a_key_wait_for_nobody() -> None:
    async def work(_record: Record, _claim: Claim) -> None:
        await asyncio.sleep(10)

    stage = LoopStage()
    stage.publish(None, *(f"e{number}" for number in range(30)))
    worker = stage.start(work)
    await until(lambda: stage.diary.most == 30, within_s=9)
    await stage.stop(worker)


@virtual
async def test_the_slots_go_round_so_that_a_busy_key_starves_no_quiet_one() -> None:
    async def work(_record: Record, _claim: Claim) -> None:
        await asyncio.sleep(1)

    stage = LoopStage()
    stage.publish("busy", *(f"busy{number}" for number in range(50)))
    stage.publish("quiet", "quiet")
    worker = stage.start(work, limits=replace(LIMITS, in_flight=1))
    await until(lambda: stage.diary.of("quiet"))
    assert len(stage.diary.calls) <= 3
    await stage.stop(worker)
