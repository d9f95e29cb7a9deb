"""Replays ordered and worked as the command does it, without its screen."""

import asyncio
from pathlib import Path

from consumers.app.config_file import read_config
from consumers.app.replay_jobs import Wish, frozen
from consumers.app.replaying import How, replayed
from consumers.replay.mode import Mode
from consumers.replay.report import JobRecord
from consumers.replay.selection import Selection


async def replay(config: Path, selection: Selection, mode: Mode = Mode.REBUILD) -> JobRecord:
    """Order a replay and work it to its end."""
    file = read_config(config)
    record = JobRecord(await frozen(file, Wish(mode, selection, operator="operator")))
    return await replayed(file, record, How(), progress=lambda _done, _all: None, stop=asyncio.Event())
