"""The kill scenario, for any broker."""

import asyncio
from collections.abc import Sequence

from schemas.outcome import Status
from tests.integration.deadly_proxy import Phase
from tests.integration.stage import Stage, order

MOMENTS: tuple[tuple[int, Phase], ...] = (
    (1, "before"),  # the model is asked for the first time
    (1, "after"),  # it decided, and we never heard
    (2, "after"),  # a look-up is done
    (4, "before"),  # the model is asked for the second time
    (4, "after"),  # it decided to order
    (5, "before"),  # the order leaves, and never arrives
    (5, "after"),  # the order is placed, and we never heard
    (6, "after"),  # the model decided to ship
    (7, "after"),  # the shipment is scheduled, and we never heard
    (8, "after"),  # the model said that it is done
)
"""Requests of one run in their order: model, customer and stock, model, order, model, shipment, model."""


async def kill_at_every_moment(played: Stage, moments: Sequence[tuple[int, Phase]] = MOMENTS) -> None:
    """Kill the worker once at each moment, and check that nobody can tell afterwards."""
    worker = await played.start_worker()
    for number, (request, phase) in enumerate(moments):
        event_id = f"e-{number}"
        played.moments.arm(request, phase, worker.pid)
        await played.publish(order(event_id))
        async with asyncio.timeout(40):
            assert await worker.wait() == -9, played.log()
        assert played.moments.killed
        worker = await played.start_worker()
        await played.outcome_records(event_id)
    assert await played.stop_worker() == 0, played.log()

    # One more worker finds nothing left to do.
    await played.start_worker()
    await played.publish(order("last"))
    await played.outcome_records("last")
    assert await played.stop_worker() == 0, played.log()

    events = [f"e-{number}" for number in range(len(moments))]
    for event_id in events:
        records = await played.outcome_records(event_id)
        assert len({record.value for record in records}) == 1, "published again, and with other bytes"
        outcome = await played.outcome_in(records[0])
        assert outcome.status is Status.SUCCESS, outcome
    runs = len(events) + 1
    assert played.rows(
        "SELECT count(*) FROM orders WHERE customer_id = 'C-100' AND product_id = 'P-100'"
    ) == [(runs + _before(played),)]
    effects = played.rows(
        "SELECT action, count(*), count(DISTINCT key) FROM effects GROUP BY action ORDER BY action"
    )
    assert [count for _, count, _ in effects] == [runs, runs]


def _before(played: Stage) -> int:
    """Return how many such orders the seed had."""
    return played.rows(
        "SELECT count(*) FROM orders WHERE customer_id = 'C-100' AND product_id = 'P-100' AND order_id < 'O-1001'"
    )[0][0]
