"""The sandbox's database: customers before the run, and after it the proof that each effect is there once."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from load import customer

from schemas.envelope import Envelope


def add_customers(database: Path, count: int) -> None:
    """Add customers with approved credit; the service may be running."""
    rows = [
        (customer(n), f"Customer {n}", "standard", "approved", 10**9, f"{n} Mill Lane", 1)
        for n in range(count)
    ]
    with closing(sqlite3.connect(database, timeout=10)) as connection, connection:
        connection.executemany("INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def faults(database: Path, events: Sequence[Envelope]) -> list[str]:
    """Return what is missing, double or too much; nothing where each event has its order and its shipment once."""
    wanted = Counter((event.payload["customer_id"], event.payload["quantity"]) for event in events)
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
        ordered = Counter(
            connection.execute(
                "SELECT customer_id, quantity FROM orders WHERE order_id != 'O-1000' AND status = 'confirmed'"
            ).fetchall()
        )
        shipped = Counter(
            connection.execute(
                "SELECT o.customer_id, o.quantity FROM shipments AS s JOIN orders AS o USING (order_id)"
                " WHERE s.status = 'confirmed'"
            ).fetchall()
        )
        effects = Counter(
            dict(connection.execute("SELECT action, count(*) FROM effects GROUP BY action").fetchall())
        )
    told = Counter({"create_order": len(events), "schedule_shipment": len(events)})
    return [
        *_differences("orders", wanted, ordered),
        *_differences("shipments", wanted, shipped),
        *_differences("effects", told, effects),
    ]


def _differences(what: str, wanted: Counter[Any], found: Counter[Any]) -> Iterable[str]:
    if missing := wanted - found:
        yield f"{what}: {missing.total()} missing, such as {next(iter(missing))}"
    if extra := found - wanted:
        yield f"{what}: {extra.total()} too much, such as {next(iter(extra))}"
