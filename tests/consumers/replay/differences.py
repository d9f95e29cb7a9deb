"""Differences for tests."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from schemas.difference import ComparedEffect, Decided, Difference, DifferenceVerdict, NamedDifference

DECIDED = Decided(
    status="success",
    summary="Ordered.",
    effects=(ComparedEffect("erp.create_order", {"quantity": 2}, "done"),),
    model="m",
    prompt="p",
    turns=3,
    reads=2,
    input_tokens=1_000,
    output_tokens=50,
    cost_usd=0.002,
)


def difference(run_id: str, **fields: Any) -> Difference:
    """Return one without any, unless fields say otherwise."""
    made = Difference(
        id=f"d-{run_id}",
        job_id="job",
        run_id=run_id,
        event_id=f"e-{run_id}",
        event_type="order.requested",
        event_source="/shop",
        tenant="acme",
        session_id="C-1",
        route="orders",
        topic="erp.orders",
        partition=0,
        offset=0,
        verdict=DifferenceVerdict.SAME,
        reason="",
        differences=(),
        score=1.0,
        recorded=DECIDED,
        afresh=DECIDED,
        reads="record",
        moved=(),
        unrecorded=(),
        decided_at=datetime(2026, 3, 2, tzinfo=UTC),
    )
    return replace(made, **fields)


def other(run_id: str, score: float = 0.5, **fields: Any) -> Difference:
    """Return one of another quantity."""
    named = (NamedDifference("other arguments", "erp.create_order: quantity 3, not 2"),)
    what = {"verdict": DifferenceVerdict.OTHER_WRITES, "differences": named, "score": score}
    return difference(run_id, **(what | fields))
