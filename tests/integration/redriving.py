"""The redrive command as operators call it, and what there is to see of it, on any broker."""

import asyncio
import os
import sys
from typing import Any

import orjson

from consumers.adapters.kafka_reader import topic_reader
from schemas.record import Record
from schemas.redriven import Redriven, redriven_of
from tests.integration.stage import ROOT, START, Stage

REDRIVE = "pointsman.redrive"


async def start_command(played: Stage, *words: str, **settings: str) -> asyncio.subprocess.Process:
    """Start a command on dead letters in a process of its own."""
    named = {f"POINTSMAN_{name.upper()}": value for name, value in settings.items()}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", START, "dead-letters", *words, "-c", str(played.config)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | named,
    )


async def command(played: Stage, *words: str, exit_code: int = 0, **settings: str) -> Any:
    """Run a command on dead letters to its end and return its JSON."""
    process = await start_command(played, *words, "--json", **settings)
    async with asyncio.timeout(60):
        stdout, stderr = await process.communicate()
    assert process.returncode == exit_code, stderr.decode()
    return orjson.loads(stdout)


async def on_topic(played: Stage, topic: str) -> list[Record]:
    """Return what is on a topic now."""
    async with topic_reader(played.connection) as source:
        return [record async for record in source.to_end([topic])]


async def redriven(played: Stage) -> list[Redriven]:
    """Return what was redriven so far, those of a key in their order."""
    return [redriven_of(record) for record in await on_topic(played, REDRIVE)]
