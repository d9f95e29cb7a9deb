"""A job is killed with SIGKILL and started again, over and over, for any broker."""

from collections.abc import Sequence
from itertools import cycle, islice

import orjson

from consumers.replay.chosen import Chosen
from consumers.replay.mode import Mode
from schemas.outcome import Status
from tests.integration.job_program import ended, start, told
from tests.integration.jobs import ordered
from tests.integration.killing import MOMENTS
from tests.integration.stage import Stage, order

KILLS = 20


async def kill_a_job_again_and_again(played: Stage, prefix: str = "e", *, kills: int = KILLS) -> None:
    """Kill a backfill at every moment of a run, start it again each time, and check that nobody can tell afterwards."""
    events = [f"{prefix}-{number}" for number in range(kills)]
    for event_id in events:
        await played.publish(order(event_id), key=prefix.encode())
    await kill_a_job_over(played, events)


async def kill_a_job_over(
    played: Stage, events: Sequence[str], mode: Mode = Mode.BACKFILL, *, ended_before: int = 0
) -> None:
    """Kill a job as often as there are events, each of which has so many outcomes of its earlier rounds."""
    kills = len(events)
    job = await ordered(played, mode, chosen=Chosen(events=frozenset(events)))
    file = played.folder / "job.json"
    file.write_bytes(orjson.dumps(job.document()))
    for request, phase in islice(cycle(MOMENTS), kills):
        process = start(played.config, file)
        assert process.pid is not None
        played.moments.arm(request, phase, process.pid)
        code = await ended(process)
        log = played.config.with_suffix(".log").read_text(encoding="utf-8")[-4000:]
        assert (code, played.moments.killed) == (-9, True), log
    played.moments.victim = None
    assert await ended(start(played.config, file)) == 0
    assert told(file)["read"] > 0

    # Started once more, it is over.
    assert await ended(start(played.config, file)) == 0
    assert told(file) == {}
    for event_id in events:
        records = (await played.outcome_records(event_id, at_least=ended_before + 1))[ended_before:]
        assert len({record.value for record in records}) == 1, "published again, and with other bytes"
        assert (await played.outcome_in(records[0])).status is Status.SUCCESS
    found = played.rows("SELECT count(*), count(DISTINCT key) FROM effects")
    assert found == [(2 * len(events), 2 * len(events))]
