"""A job and what it chooses: kept as JSON, read back as it was, and asked of events."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.policy.expressions import ExpressionError, compiled
from consumers.replay.chosen import VARIABLES, Chosen
from consumers.replay.job import Bounds, Job, new_id
from consumers.replay.mode import Mode
from schemas.envelope import Envelope
from schemas.record import Record

AT = datetime(2026, 11, 28, 15, 30, tzinfo=UTC)
EVENT = Envelope(
    id="e-1",
    type="order.requested",
    source="erp",
    time=AT,
    tenant="acme",
    session_id="s-1",
    payload={"amount": 120, "customer": {"vip": True}},
)
RECORD = Record("erp.orders", 0, 7, 0, b"C-7", b"")


def where(source: str) -> Chosen:
    return Chosen(where=compiled(source, VARIABLES))


def texts() -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.text(max_size=5), max_size=3)


@given(
    mode=st.sampled_from(Mode),
    spans=st.dictionaries(st.integers(0, 9), st.tuples(st.integers(0, 9), st.integers(10, 99)), max_size=3),
    keys=st.frozensets(st.binary(max_size=4), max_size=3),
    sessions=texts(),
    statuses=texts(),
    source=st.sampled_from([None, "event.payload.amount > 100"]),
    output=st.none() | st.text(max_size=4),
    bounds=st.builds(
        Bounds, effects=st.none() | st.integers(0, 9), usd=st.none() | st.floats(0, 9, allow_nan=False)
    ),
)
def test_a_job_is_read_as_it_was_kept(
    mode: Mode,
    spans: dict[int, tuple[int, int]],
    keys: frozenset[bytes],
    sessions: frozenset[str],
    statuses: frozenset[str],
    source: str | None,
    output: str | None,
    bounds: Bounds,
) -> None:
    chosen = Chosen(keys=keys, sessions=sessions, statuses=statuses)
    job = Job("j", mode, "erp.orders", spans, chosen, output, "ada", AT, "outage", bounds)
    if source:
        job = replace(job, chosen=replace(chosen, where=compiled(source, VARIABLES)))
    read = Job.of_document(orjson.loads(orjson.dumps(job.document())))
    assert read.document() == job.document()
    assert (read.mode, read.spans, read.bounds, read.chosen.keys) == (mode, spans, bounds, keys)
    assert read.records == sum(end - first for first, end in spans.values())


def test_ids_sort_by_time_and_no_two_are_the_same() -> None:
    ids = [new_id(AT.replace(hour=hour)) for hour in (3, 4, 4)]
    assert ids[0] < ids[1]
    assert len(set(ids)) == 3


def test_nothing_chosen_takes_everything() -> None:
    chosen = Chosen()
    assert chosen.takes_record(RECORD)
    assert chosen.takes_event(EVENT)
    assert chosen.takes_status(None)


@pytest.mark.parametrize(
    ("chosen", "taken"),
    [
        (Chosen(sessions=frozenset({"s-1", "s-2"})), True),
        (Chosen(sessions=frozenset({"s-2"})), False),
        (Chosen(events=frozenset({"e-1"})), True),
        (Chosen(events=frozenset({"e-2"}), sessions=frozenset({"s-1"})), False),
        (Chosen(types=frozenset({"order.requested"})), True),
        (Chosen(types=frozenset({"order.changed"})), False),
        (where("event.payload.amount > 100 && event.payload.customer.vip"), True),
        (where("event.payload.amount > 120"), False),
        (where('event.time < timestamp("2026-11-29T00:00:00Z")'), True),
        (where('event.tenant == "acme" && event.source == "crm"'), False),
    ],
)
def test_an_event_must_fit_all_that_is_asked_for(chosen: Chosen, taken: bool) -> None:
    assert chosen.takes_event(EVENT) is taken


def test_keys_and_statuses_are_asked_of_records_and_runs() -> None:
    chosen = Chosen(keys=frozenset({b"C-7"}), statuses=frozenset({"failed"}))
    assert chosen.takes_record(RECORD)
    assert not chosen.takes_record(replace(RECORD, key=None))
    assert chosen.takes_status("failed")
    assert not chosen.takes_status(None)


@pytest.mark.parametrize(
    ("source", "why"),
    [("event.payload.missing > 1", "cannot be evaluated"), ("event.payload.amount", "not true or false")],
)
def test_an_expression_without_a_truth_is_an_error(source: str, why: str) -> None:
    with pytest.raises(ExpressionError, match=why):
        where(source).takes_event(EVENT)


def test_an_expression_may_speak_of_the_event_only() -> None:
    documents: dict[str, Any] = Chosen().document() | {"where": "session.count > 1"}
    with pytest.raises(ExpressionError, match="uses session"):
        Chosen.of_document(documents)
