"""Contexts to test with: made by hand, and made by Hypothesis."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from consumers.session.context import Context
from consumers.session.past import Learnt, PastAction, PastRun

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

LEAVES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=30)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=5,
)
LARGE = st.integers(1, 20_000).map(lambda size: {"text": "x" * size})
NAMES = st.sampled_from(["erp.create_order", "erp.check_stock", "crm.get_customer", "crm.add_note"])
IDS = st.text(min_size=1, max_size=60)
TIMES = st.integers(0, 10**6).map(lambda seconds: AT + timedelta(seconds=seconds))

ACTIONS = st.builds(
    PastAction,
    action=NAMES,
    status=st.sampled_from(["done", "failed", "denied", "held", "chosen", "compensated", "in_doubt"]),
    arguments=st.dictionaries(st.text(max_size=12), VALUES | LARGE, max_size=3),
    result=VALUES | LARGE,
    effect=st.sampled_from(["read", "write"]),
    error=st.none() | st.text(max_size=700),
    ms=st.none() | st.integers(0, 10**7),
    rules=st.lists(IDS, max_size=3).map(tuple),
    rule=st.none() | IDS,
)
RUNS = st.builds(
    PastRun,
    event=IDS,
    event_id=IDS,
    status=st.sampled_from(["success", "failed", "requires_approval"]),
    summary=st.text(max_size=700),
    actions=st.lists(ACTIONS, max_size=3).map(tuple),
    at=TIMES,
    run_id=st.uuids().map(str),
    subject=st.none() | IDS,
    route=IDS,
    began_at=st.none() | TIMES,
    waits=st.booleans(),
).map(PastRun.within_bounds)
LEARNT = st.builds(Learnt, value=VALUES, at=TIMES, run_id=IDS, about=VALUES)


def _contexts(runs: list[PastRun], times: int, results: Any, payloads: Any, earlier: int) -> Context:
    many = [replace(each, run_id=f"{each.run_id}/{n}") for n in range(times) for each in runs]
    return Context(tuple(many), results, payloads, earlier)


CONTEXTS = st.builds(
    _contexts,
    runs=st.lists(RUNS, max_size=5),
    times=st.integers(1, 6),
    results=st.dictionaries(NAMES, LEARNT, max_size=3),
    payloads=st.dictionaries(IDS, LEARNT, max_size=2),
    earlier=st.integers(0, 1000),
)


def run(number: int, *, waits: bool = False, summary: str = "Done.", **more: Any) -> PastRun:
    """Return the run of the event `e-<number>`."""
    return PastRun(
        event="order.requested",
        event_id=f"e-{number}",
        status="requires_approval" if waits else "success",
        summary=summary,
        actions=more.pop("actions", ()),
        at=AT + timedelta(minutes=number),
        run_id=f"run-{number}",
        waits=waits,
        **more,
    )
