"""What the steps topic tells of runs, and of which events it would tell."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from consumers.errors import HaltError
from consumers.ports.clock import SystemClock
from consumers.ports.sessions import CLOCKS
from consumers.replay.evidence import Evidence, Trace, there_since
from schemas.envelope import Envelope
from schemas.record import Record
from schemas.step import StepKind
from tests.consumers.replay.steps_told import AT, NoSteps, Steps, step


def event(at: datetime) -> Envelope:
    return Envelope("e", "happened", "/test", at, "t", "s", {})


def record(at: datetime | None) -> Record:
    ms = -1 if at is None else int(at.timestamp() * 1000)
    return Record("in", 0, 7, ms, b"k", b"v", ())


async def test_a_run_is_ended_by_its_outcome_its_erasure_or_a_replay_of_it_and_no_redrive_begins_one() -> (
    None
):
    log = Steps(
        (AT, step("a", "outcome", StepKind.OUTCOME)),
        (AT, step("a")),  # published again, later
        (AT, step("b", "erased", StepKind.ERASED)),
        (AT, replace(step("c", "replay/1", StepKind.REPLAY), body={"outcome": "o-c"})),
        (AT, step("d")),
        (AT, replace(step("e", "redrive/1", StepKind.REPLAY), body={"letter": "0:1", "round": 1})),
    )
    with Evidence(SystemClock()) as evidence:
        await evidence.gather(log, lambda _done, _total: None)
        told = {run: evidence.of(run) for run in ("a", "b", "c", "d", "e", "unknown")}
    assert told == {
        "a": Trace.ENDED,
        "b": Trace.ENDED,
        "c": Trace.ENDED,
        "d": Trace.BEGUN,
        "e": None,
        "unknown": None,
    }


async def test_a_topic_of_which_nothing_was_deleted_covers_every_event() -> None:
    with Evidence(SystemClock()) as evidence:
        await evidence.gather(Steps((AT, step("a"))), lambda _done, _total: None)
        assert evidence.since is None
        assert evidence.covers(there_since(event(AT - timedelta(days=9999)), record(None)))


@pytest.mark.parametrize(
    ("happened", "published", "covered"),
    [
        (timedelta(0), timedelta(0), True),
        (timedelta(days=-1), timedelta(0), False),  # it was published before as well, perhaps: this is a copy
        (timedelta(0), timedelta(days=-1), False),
        (timedelta(0), None, True),
        (timedelta(seconds=-1), None, False),  # within what clocks may differ
    ],
)
async def test_where_steps_were_deleted_the_earlier_of_two_times_says_whether_an_event_is_covered(
    happened: timedelta, published: timedelta | None, covered: bool
) -> None:
    with Evidence(SystemClock()) as evidence:
        await evidence.gather(Steps((AT, step("a")), first=10), lambda _done, _total: None)
        begins = AT + CLOCKS
        assert evidence.since == begins
        place = record(None if published is None else begins + published)
        assert evidence.covers(there_since(event(begins + happened), place)) is covered


async def test_a_record_whose_time_is_no_date_is_judged_by_its_event() -> None:
    with Evidence(SystemClock()) as evidence:
        await evidence.gather(Steps((AT, step("a")), first=10), lambda _done, _total: None)
        begins = AT + CLOCKS
        in_microseconds = replace(record(begins), timestamp_ms=int(begins.timestamp() * 1_000_000))
        assert evidence.covers(there_since(event(begins), in_microseconds))
        assert not evidence.covers(there_since(event(begins - timedelta(seconds=1)), in_microseconds))


async def test_a_step_that_cannot_be_read_may_be_of_any_event_before_it() -> None:
    later = AT + timedelta(days=3)
    with Evidence(SystemClock()) as evidence:
        await evidence.gather(Steps((AT, step("a")), (later, None)), lambda _done, _total: None)
        assert evidence.since == later + CLOCKS


async def test_a_topic_whose_steps_are_all_deleted_covers_nothing_before_now() -> None:
    with Evidence(SystemClock()) as evidence:
        await evidence.gather(Steps(first=10), lambda _done, _total: None)
        assert not evidence.covers(there_since(event(datetime.now(UTC)), record(None)))


async def test_without_a_steps_topic_nobody_can_say_what_was_worked() -> None:
    with Evidence(SystemClock()) as evidence, pytest.raises(HaltError, match="no steps topic"):
        await evidence.gather(NoSteps(), lambda _done, _total: None)


async def test_many_steps_are_told_of_as_they_are_read() -> None:
    told: list[tuple[int, int]] = []
    log = Steps(*((AT, replace(step("x"), run_id=f"r-{n}")) for n in range(2_500)))
    with Evidence(SystemClock()) as evidence:
        await evidence.gather(log, lambda done, total: told.append((done, total)))
        assert all(evidence.of(f"r-{n}") is Trace.BEGUN for n in range(2_500))
    assert told == [(1_000, 2_500), (2_000, 2_500), (2_500, 2_500)]
