"""The sandbox's books after the run: what was done for each event, how often it was asked for, and in which order."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import orjson

_EFFECTS = "SELECT key, action, result, attempts FROM effects ORDER BY rowid"
_STANDING = """
SELECT customer_id, quantity, orders.status, count(shipment_id)
FROM orders LEFT JOIN shipments ON shipments.order_id = orders.order_id AND shipments.status = 'confirmed'
WHERE customer_id LIKE 'C-CHAOS-%' GROUP BY orders.order_id
"""


@dataclass(frozen=True, slots=True)
class Effect:
    """One change, in the order in which they happened.

    Attributes:
        key: the idempotency key.
        action: what was done.
        customer_id, quantity: of the order it was done for, which name the event.
        attempts: how often it was asked for; it happened once.
    """

    key: str
    action: str
    customer_id: str
    quantity: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Standing:
    """An order as it stands at the end."""

    customer_id: str
    quantity: int
    status: str
    shipments: int


@dataclass(frozen=True, slots=True)
class Books:
    """All of it."""

    effects: Sequence[Effect]
    orders: Sequence[Standing]


def read_books(database: Path) -> Books:
    """Read the sandbox's database."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
        rows = connection.execute(_EFFECTS).fetchall()
        orders = [Standing(*row) for row in connection.execute(_STANDING).fetchall()]
    placed: dict[str, tuple[str, int]] = {}
    effects: list[Effect] = []
    for key, action, result, attempts in rows:
        said: Mapping[str, object] = orjson.loads(result)
        order_id = str(said.get("order_id"))
        if action == "create_order":
            placed[order_id] = str(said["customer_id"]), int(str(said["quantity"]))
        customer_id, quantity = placed.get(order_id, ("?", 0))
        effects.append(Effect(key, action, customer_id, quantity, attempts))
    return Books(effects, orders)
