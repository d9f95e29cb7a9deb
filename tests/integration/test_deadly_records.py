"""A record whose decoding kills the process is given up after one crash; everything else ends as if it were not there."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from consumers.local.broker import local_broker
from schemas.codec import avro
from schemas.outcome import Status
from schemas.record import Outgoing
from tests.integration.dead_letters import dead_letters
from tests.integration.deadly_worker import EATS, HANGS, KILLS, RECURSIVE_ID
from tests.integration.stage import Stage, order, stage

WORKER = ("-m", "tests.integration.deadly_worker", "worker")
SUSPECTED = "a worker died with this partition"
RECURSES = avro.prefix(RECURSIVE_ID) + b"\x02" * 10_000 + b"\x00"
"""Ten kilobytes at which fastavro 1.13 dies by SIGSEGV."""


@pytest.fixture
async def played(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with local_broker(tmp_path / "kafka") as bootstrap, stage(tmp_path, bootstrap) as made:
        yield made


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("poison", "says"),
    [
        (RECURSES, "SIGSEGV"),
        (KILLS, "SIGKILL"),
        (EATS, "it takes too much memory"),
        (HANGS, "it does not end within 3 s"),
    ],
    ids=["SIGSEGV", "SIGKILL", "memory", "time"],
)
async def test_what_kills_the_worker_once_is_quarantined_and_the_rest_goes_on(
    played: Stage, poison: bytes, says: str
) -> None:
    headers = (("x-kept", b"\x00\xff"),)
    await played.publish(order("before"), key=b"another")
    await played.sender.send([Outgoing("erp.orders", b"poisoned", poison, headers)])
    await played.publish(order("behind"), key=b"poisoned")
    await played.publish(order("beside"), key=b"a third")

    died = await until_it_lives(played, within=2)
    for event_id in ("before", "behind", "beside"):
        (record, *_) = await played.outcome_records(event_id, within_s=60)
        assert (await played.outcome_in(record)).status is Status.SUCCESS
    assert died == 1
    (letter,) = await dead_letters(played)
    assert letter.reason == "quarantined"
    assert says in letter.error
    assert (letter.record.key, letter.record.value, letter.record.headers) == (b"poisoned", poison, headers)
    effects = played.rows("SELECT action, count(*) FROM effects GROUP BY action")
    assert effects == [("create_order", 3), ("schedule_shipment", 3)]
    assert await played.stop_worker() == 0, played.log()
    suspected = played.log().count(SUSPECTED)

    # It ended in order, so nobody is suspected the next time.
    await played.start_worker(WORKER)
    await played.publish(order("later"), key=b"poisoned")
    await played.outcome_records("later", within_s=60)
    assert played.log().count(SUSPECTED) == suspected
    assert await played.stop_worker() == 0, played.log()


async def until_it_lives(played: Stage, within: int) -> int:
    """Start the worker again each time it dies, as an orchestrator does; how often it died."""
    for died in range(within + 1):
        worker = await played.start_worker(WORKER)
        try:
            async with asyncio.timeout(60):
                while not await dead_letters(played):
                    if worker.returncode is not None:
                        break
                    await asyncio.sleep(0.2)
                else:
                    return died
        except TimeoutError:
            raise AssertionError(played.log()) from None
        assert worker.returncode < 0, played.log()
    raise AssertionError(f"dead after {within} restarts: {played.log()}")
