"""Dead letters that are redriven: the run goes on, once, in order, and nobody else sees anything of it."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from consumers.local.broker import local_broker
from schemas.codec.records import json_record
from schemas.dead_letter import DeadLetter, dead_letter_headers
from schemas.outcome import Status
from schemas.record import Outgoing, Record
from schemas.redriven import Redriven, message_of
from tests.integration.dead_letters import dead_letters
from tests.integration.redriving import (
    INPUT,
    REDRIVE,
    command,
    go_on_half_way,
    letters,
    redriven,
    start_command,
)
from tests.integration.refusing_model import RefusingModel
from tests.integration.running import Running
from tests.integration.stage import Stage, order, stage

AT = datetime(2026, 11, 22, tzinfo=UTC)
pytestmark = pytest.mark.timeout(300)  # several processes one after the other


@pytest.fixture
async def played(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with local_broker(tmp_path / "kafka") as bootstrap, stage(tmp_path, bootstrap) as made:
        yield made


def letter_of(number: int, key: str, value: bytes | None = None) -> Outgoing:
    """Return a dead letter as a worker would have left it, of an event that can be worked."""
    message = json_record(order(f"e-{number}"))
    original = Record(INPUT, 0, number, 1, key.encode(), value or message.value, message.headers)
    letter = DeadLetter(original, "crashed", "on purpose", 3, AT)
    return Outgoing("pointsman.dead-letters", original.key, original.value, dead_letter_headers(letter))


@pytest.mark.parametrize("delivery", ["at-least-once", "transactional"])
async def test_a_run_that_died_half_way_goes_on_where_it_stopped_and_no_other_reader_sees_a_record(
    played: Stage, delivery: str
) -> None:
    text = played.config.read_text()
    played.config.write_text(text.replace("kafka:\n", f"kafka:\n  delivery: {delivery}\n", 1))
    await go_on_half_way(played, "e")


async def test_a_letter_goes_round_as_often_as_is_allowed_and_is_left_then(played: Stage) -> None:
    async with RefusingModel(played), Running(played):
        await played.publish(order("e-1"))
        (first,) = await letters(played, 1)
        for number in range(1, 3):
            assert (await command(played, "redrive", "--all"))["redriven"] == [first.record.place]
            assert (await letters(played, number + 1))[-1].rounds == number
        left = await command(played, "redrive", "--all", "--rounds", "2", exit_code=1)
        assert (left["redriven"], left["rounds_spent"]) == ([], [first.record.place])
        assert len(left["already_redriven"]) == 2
        (shown,) = [each for each in await command(played, "list") if not each["redriven"]]
    assert shown["dead_letter"]["rounds"] == 2
    assert {letter.record for letter in await dead_letters(played)} == {first.record}
    assert played.rows("SELECT action, count(*) FROM effects GROUP BY action") == [("create_order", 1)]


async def test_a_redrive_that_is_killed_and_started_again_sends_each_letter_once_and_in_order(
    played: Stage,
) -> None:
    sent = [letter_of(number, f"C-{number % 3}") for number in range(30)]
    await played.sender.send(sent)
    # Slow enough that a busy machine sees some of it before all of it.
    process = await start_command(played, "redrive", "--all", "--rate", "2")
    async with asyncio.timeout(45):
        while len(await redriven(played)) < 4:
            assert process.returncode is None
            await asyncio.sleep(0.05)
    process.kill()
    await process.communicate()
    partly = len(await redriven(played))
    assert 4 <= partly < 30
    told = await command(played, "redrive", "--all")
    assert len(told["already_redriven"]) == partly
    found = await redriven(played)
    assert sorted(each.record.offset for each in found) == list(range(30))
    for key in (b"C-0", b"C-1", b"C-2"):
        offsets = [each.record.offset for each in found if each.record.key == key]
        assert offsets == sorted(offsets)
    assert {each.record.value for each in found} == {message.value for message in sent}


async def test_what_was_redriven_before_any_worker_came_is_worked_even_where_a_group_begins_at_the_end(
    played: Stage,
) -> None:
    text = played.config.read_text()
    played.config.write_text(text.replace("kafka:\n", "kafka:\n  auto_offset_reset: latest\n", 1))
    await played.sender.send([letter_of(1, "C-1")])
    await command(played, "redrive", "--all")
    async with Running(played):
        (record,) = await played.outcome_records("e-1")
    assert (await played.outcome_in(record)).status is Status.SUCCESS


async def test_what_others_write_to_the_topic_opens_no_way_that_is_not_there(played: Stage) -> None:
    event = json_record(order("forged"))
    foreign = Redriven(Record("payroll", 0, 1, 1, b"k", event.value, event.headers), (0, 1), 1, "eve")
    own = replace(foreign, record=replace(foreign.record, topic="pointsman.steps"))
    itself = replace(foreign, record=replace(foreign.record, topic=REDRIVE))
    plain = Outgoing(REDRIVE, b"k", event.value, event.headers)
    forged = [message_of(REDRIVE, each) for each in (foreign, own, itself)]
    async with Running(played):
        await played.sender.send([*forged, plain])
        found = await letters(played, 4)
        await played.publish(order("good"))
        await played.outcome_records("good")
    assert [letter.reason for letter in found] == [*["redrive_foreign"] * 3, "redrive_malformed"]
    assert [letter.record.topic for letter in found] == ["payroll", "pointsman.steps", REDRIVE, REDRIVE]
    refused = await command(played, "redrive", "--all", exit_code=1)
    assert (len(refused["refused"]), refused["redriven"]) == (4, [])


async def test_a_worker_without_the_topic_ends_and_says_how_to_make_it(played: Stage) -> None:
    worker = await played.start_worker(kafka__redrive_topic="pointsman.nowhere")
    async with asyncio.timeout(40):
        assert await worker.wait() == 1
    assert "no such topic, or none that we may see: pointsman.nowhere" in played.log()
    assert "`pointsman topics create` makes it" in played.log()
