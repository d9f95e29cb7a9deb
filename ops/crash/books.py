"""The sandbox's books: what was done for one customer, and what stands."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

_CUSTOMER = "INSERT INTO customers VALUES (?, ?, 'vip', 'approved', 100000000, '1 Mill Lane', 1)"
_LAST = "SELECT coalesce(max(rowid), 0) FROM effects"
_EFFECTS = "SELECT key, action, result, attempts FROM effects WHERE rowid > ? ORDER BY rowid"
_STANDING = """
SELECT 'order', status FROM orders WHERE customer_id = :customer
UNION ALL SELECT 'backorder', status FROM backorders WHERE customer_id = :customer
UNION ALL SELECT 'invoice', invoices.status FROM invoices JOIN orders USING (order_id) WHERE customer_id = :customer
UNION ALL SELECT 'shipment', shipments.status FROM shipments JOIN orders USING (order_id) WHERE customer_id = :customer
ORDER BY 1, 2
"""
_REFUNDED = "SELECT coalesce(sum(refunded_cents), 0) FROM orders WHERE customer_id = ?"


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that was done; `attempts` is how often it was asked for with this key."""

    key: str
    action: str
    result: Any
    attempts: int


@dataclass(frozen=True, slots=True)
class Books:
    """What was done for a customer, in order, and what stands now: things and how they stand, and cents given back."""

    effects: Sequence[Effect] = ()
    standing: Sequence[tuple[str, str]] = ()
    refunded: int = 0


class Sandbox:
    """The service's database file, beside the service."""

    def __init__(self, database: Path) -> None:
        self._database = database

    def add_customer(self, customer: str) -> int:
        """Add a customer for whom nothing was done yet; returns the place in the books from which to read."""
        with closing(self._open("rw")) as connection, connection:
            connection.execute(_CUSTOMER, (customer, f"Customer {customer}"))
            return int(connection.execute(_LAST).fetchone()[0])

    def books(self, customer: str, after: int) -> Books:
        """Return what was done for a customer behind a place in the books.

        All that was done there was done for them, since one play comes after the other; what names another customer is
        there as well, so that a stray effect is seen.
        """
        with closing(self._open("ro")) as connection:
            effects = connection.execute(_EFFECTS, (after,)).fetchall()
            standing = connection.execute(_STANDING, {"customer": customer}).fetchall()
            refunded = connection.execute(_REFUNDED, (customer,)).fetchone()[0]
        return Books(
            [
                Effect(key, action, orjson.loads(result), attempts)
                for key, action, result, attempts in effects
            ],
            standing,
            int(refunded),
        )

    def _open(self, mode: str) -> sqlite3.Connection:
        return sqlite3.connect(f"{self._database.as_uri()}?mode={mode}", uri=True, timeout=10)
