"""Dead letters: acknowledged before they are committed over, readable by other people's tools, and not too many."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from consumers.errors import DeadLetterError, HaltError, UnavailableError
from consumers.ports.claim import Claim
from consumers.ports.consumer_group import PartitionId
from consumers.telemetry.metrics import DEAD_LETTERS
from schemas.dead_letter import Convention, dead_letter_of
from schemas.record import Outgoing, Record
from tests.consumers.runtime.loop_stage import LIMITS, LoopStage, until, virtual
from tests.simulation.fake_broker import CommitSeen

OF_CONNECT = {
    "__connect.errors.topic": b"in",
    "__connect.errors.partition": b"0",
    "__connect.errors.offset": b"1",
    "__connect.errors.connector.name": b"pointsman",
    "__connect.errors.stage": b"TASK_PUT",
    "__connect.errors.exception.class.name": b"unreadable",
    "__connect.errors.exception.message": b"no JSON",
}
OF_SPRING = {
    "kafka_dlt-original-topic": b"in",
    "kafka_dlt-original-partition": b"\0\0\0\0",
    "kafka_dlt-original-offset": b"\0\0\0\0\0\0\0\1",
    "kafka_dlt-exception-fqcn": b"unreadable",
    "kafka_dlt-exception-message": b"no JSON",
}


async def work(record: Record, _claim: Claim) -> None:
    await asyncio.sleep(0.01)
    if (record.value or b"").startswith(b"bad"):
        raise DeadLetterError("no JSON", reason="unreadable")
    if (record.value or b"").startswith(b"odd"):
        raise ValueError("secret content of the event")


@virtual
@pytest.mark.parametrize("transactional", [False, True])
async def test_a_dead_letter_is_acknowledged_before_its_offset_is_committed(transactional: bool) -> None:
    stage = LoopStage(transactional=transactional)
    commits: list[tuple[int, int]] = []

    def look(seen: CommitSeen) -> None:
        there = [entry for entry in stage.broker.entries("dead") if entry.record is not None]
        commits.append((seen.after.next_offset, len(there)))

    stage.broker.on_commit.append(look)
    worker = stage.start(work, limits=replace(LIMITS, commit_interval_s=0.001))
    for number in range(20):
        stage.publish(f"k{number}", f"bad{number}")
        await asyncio.sleep(0.3)
    await until(stage.is_through)
    assert len(commits) > 3
    assert all(letters >= committed for committed, letters in commits)
    assert stage.values("dead") == [f"bad{number}" for number in range(20)]
    await stage.stop(worker)


@virtual
async def test_while_dead_letters_cannot_be_written_nothing_is_committed_over_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = LoopStage()
    append = stage.broker.append

    def without_dead_letters(pid: PartitionId, messages: Sequence[Outgoing], **more: Any) -> None:
        if pid.topic == "dead":
            raise UnavailableError("no leader")
        append(pid, messages, **more)

    stage.publish("k0", "good0")
    stage.publish("k1", "bad1")
    stage.publish("k2", "good2")
    monkeypatch.setattr(stage.broker, "append", without_dead_letters)
    worker = stage.start(work)
    await asyncio.sleep(120)
    at = stage.committed()
    assert at is not None
    assert at.next_offset == 1
    assert set(stage.values("out")) == {"good0", "good2"}
    monkeypatch.undo()
    await until(stage.is_through)
    assert set(stage.values("dead")) == {"bad1"}
    await stage.stop(worker)


@virtual
@pytest.mark.parametrize(("convention", "expected"), [("connect", OF_CONNECT), ("spring", OF_SPRING)])
async def test_dead_letters_carry_the_headers_that_other_tools_look_for(
    convention: Convention, expected: dict[str, bytes]
) -> None:
    stage = LoopStage()
    stage.publish("k", "good", "bad")
    worker = stage.start(work, convention=convention)
    await until(stage.is_through)
    (record,) = stage.broker.read_committed("dead")
    assert expected.items() <= dict(record.headers).items()
    assert dead_letter_of(record).record.headers == (), "our own reading is the same with them"
    await stage.stop(worker)


@virtual
async def test_without_a_convention_only_our_headers_are_there() -> None:
    stage = LoopStage()
    stage.publish("k", "bad")
    worker = stage.start(work)
    await until(stage.is_through)
    (record,) = stage.broker.read_committed("dead")
    assert all(name.startswith("pointsman-") for name, _ in record.headers)
    await stage.stop(worker)


@virtual
async def test_an_error_that_nobody_foresaw_is_tried_again_and_its_text_is_not_published() -> None:
    stage = LoopStage()
    stage.publish("k", "odd", "good")
    worker = stage.start(work)
    await until(stage.is_through)
    assert stage.diary.times["odd"] == LIMITS.crash_attempts
    (letter,) = [dead_letter_of(record) for record in stage.broker.read_committed("dead")]
    assert (letter.reason, letter.error) == ("crashed", "ValueError, see the log")
    assert stage.values("out") == ["good"]
    await stage.stop(worker)


@virtual
async def test_a_letter_that_the_broker_refuses_for_its_size_goes_without_its_value() -> None:
    stage = LoopStage()
    stage.broker.max_message_bytes = 1_000
    stage.publish("k", "bad" + "x" * 900, "good")
    worker = stage.start(work)
    await until(stage.is_through)
    (record,) = stage.broker.read_committed("dead")
    assert record.value == b""
    assert dict(record.headers)["pointsman-omitted-bytes"] == b"903"
    assert dead_letter_of(record).record.offset == 0
    assert stage.values("out") == ["good"]
    await stage.stop(worker)


@virtual
@pytest.mark.parametrize("transactional", [False, True])
async def test_the_fuse_ends_the_loop_and_what_was_finished_before_is_committed(transactional: bool) -> None:
    stage = LoopStage(transactional=transactional)
    stage.publish("k", "good0", "good1", *(f"bad{number}" for number in range(50)), "good2")
    limits = replace(LIMITS, dead_letters_in_a_row=10, commit_interval_s=1_000)
    worker = stage.start(work, limits=limits)
    with pytest.RaisesGroup(
        pytest.RaisesExc(HaltError, match=r"^10 records in a row.*no JSON"), flatten_subgroups=True
    ):
        await asyncio.wait_for(worker.task, 60)
    await asyncio.sleep(1)  # a transaction's end becomes visible a little later
    assert worker.metrics.value(DEAD_LETTERS, "unreadable") == 10
    letters, at = len(stage.values("dead")), stage.committed()
    assert at is not None
    assert at.next_offset == 2 + letters, "all that was published, and nothing else"
    assert 10 <= letters <= 12
    assert stage.broker.group("workers").members == [], "it has left the group"
    stage.broker.close()


@virtual
async def test_the_fuse_also_looks_at_the_share_that_is_given_up() -> None:
    stage = LoopStage()
    for number in range(400):
        stage.publish(f"k{number}", f"{'good' if number % 3 else 'bad'}{number}")
    limits = replace(LIMITS, in_flight=1, dead_letter_ratio=0.3, dead_letter_window=100)
    worker = stage.start(work, limits=limits)
    with pytest.RaisesGroup(
        pytest.RaisesExc(HaltError, match="of the last 100 records were given up"), flatten_subgroups=True
    ):
        await asyncio.wait_for(worker.task, 60)
    assert 100 <= len(stage.diary.calls) < 110
    stage.broker.close()
