"""The redrive command as operators call it, and what there is to see of it, on any broker."""

import asyncio
import os
import sys
from typing import Any

import orjson

from consumers.adapters.kafka_reader import topic_reader
from schemas.dead_letter import DeadLetter
from schemas.outcome import Status
from schemas.record import Record
from schemas.redriven import Redriven, redriven_of
from schemas.step import StepKind
from tests.integration.dead_letters import dead_letters
from tests.integration.refusing_model import RefusingModel
from tests.integration.running import Running
from tests.integration.stage import ROOT, START, Stage, order

INPUT = "erp.orders"
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
    """Return what is on a topic now, partition by partition."""
    async with topic_reader(played.connection) as source:
        found = [record async for record in source.to_end([topic])]
    return sorted(found, key=lambda record: (record.partition, record.offset))


async def redriven(played: Stage) -> list[Redriven]:
    """Return what was redriven so far, those of a key in their order."""
    return [redriven_of(record) for record in await on_topic(played, REDRIVE)]


async def letters(played: Stage, count: int, key: str | None = None) -> list[DeadLetter]:
    """Wait until there are so many dead letters, of a record key or at all."""
    wanted = key and key.encode()
    async with asyncio.timeout(45):
        while True:
            found = [each for each in await dead_letters(played) if wanted in {None, each.record.key}]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.05)


async def go_on_half_way(played: Stage, name: str) -> None:
    """Let three runs of a key die with their orders placed, redrive them, and check that nobody can tell afterwards.

    Args:
        played: the stage.
        name: of the events and their key, new on this broker.
    """
    events = [order(f"{name}-{number}") for number in range(3)]
    done = "SELECT action, count(*), max(attempts) FROM effects GROUP BY action ORDER BY action"
    async with RefusingModel(played) as model, Running(played):
        for event in events:
            await played.publish(event, key=name.encode())
        died = await letters(played, 3, name)
        assert [letter.reason for letter in died] == ["model_refused_request"] * 3
        assert played.rows(done) == [("create_order", 3, 1)], "each died with its order placed"
        asked, source = played.model.stats.requests, await on_topic(played, INPUT)

        model.refuses = False
        told = await command(played, "redrive", "--key", name, "--operator", "ann")
        assert told["redriven"] == [letter.record.place for letter in died]
        outcomes = [(await played.outcome_records(event.id))[0] for event in events]
        assert await on_topic(played, INPUT) == source, "other groups would read it"

        ended = [await played.outcome_in(record) for record in outcomes]
        assert [outcome.status for outcome in ended] == [Status.SUCCESS] * 3
        assert sorted(outcome.finished_at for outcome in ended) == [each.finished_at for each in ended]
        assert played.rows(done) == [("create_order", 3, 1), ("schedule_shipment", 3, 1)]
        assert played.model.stats.requests == asked + 2 * 3, "what it had decided is not asked again"

        again = await command(played, "redrive", "--key", name, "--again", "--operator", "bob")
        assert again["redriven"] == told["redriven"]
        repeated = [await played.outcome_records(event.id, at_least=2) for event in events]
    assert all(len({record.value for record in records}) == 1 for records in repeated)
    assert played.rows(done) == [("create_order", 3, 1), ("schedule_shipment", 3, 1)]
    steps = [
        await played.codec.decode(each, tenant="t") for each in await on_topic(played, "pointsman.steps")
    ]
    ids = {event.id for event in events}
    trail = [each.payload for each in steps if each.payload["event_id"] in ids]
    by = [json_of(each)["operator"] for each in trail if each["kind"] == StepKind.REPLAY]
    assert sorted(by) == ["ann"] * 3 + ["bob"] * 3


def json_of(step: Any) -> Any:
    """Return the body of a step."""
    return orjson.loads(step["body_json"])
