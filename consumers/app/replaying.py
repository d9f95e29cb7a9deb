"""Composition of a replay."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from consumers.adapters.kafka_reader import topic_reader
from consumers.app import connections
from consumers.app.config_file import ConfigFile
from consumers.app.replay_rebuild import run_rebuild
from consumers.replay.chosen import Chosen
from consumers.replay.job import Job, new_id
from consumers.replay.mode import Mode
from consumers.replay.pace import Pace
from consumers.replay.reached import Tally
from consumers.replay.selection import Selection
from consumers.replay.spans import spans_of


async def run_replay(
    file: ConfigFile,
    selection: Selection,
    *,
    output: str | None = None,
    operator: str = "",
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Tally:
    """Order a job in rebuild mode over a selection as it stands now, and run it.

    Args:
        file: the configuration.
        selection: which records.
        output: topic for the outcomes; None for the routes' own.
        operator: who replays, for the audit trail.
        progress: told records done and records in all.

    Raises:
        HaltError, UnavailableError: as `run_rebuild`.
    """
    async with topic_reader(connections.kafka_connection(file.config.kafka)) as reader:
        spans = await spans_of(reader, selection)
    now = datetime.now(UTC)
    job = Job(
        id=new_id(now),
        mode=Mode.REBUILD,
        topic=selection.topic,
        spans={tp.partition: (span.first, span.end) for tp, span in spans.items()},
        chosen=Chosen(),
        output=output,
        operator=operator,
        ordered_at=now,
    )
    return await run_rebuild(file, job, progress=progress, stop=asyncio.Event(), pace=Pace())
