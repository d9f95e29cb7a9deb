"""What the sandbox's database says, read from the file itself and not through the service."""

import json
import sqlite3
from collections import Counter
from collections.abc import Generator, Iterable, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_STANDINGS: Final[Mapping[str, tuple[str, str, str]]] = {
    # action of the service: what people call the thing, its id in the result, how it stands now
    "create_order": ("order", "order_id", "SELECT status FROM orders WHERE order_id = ?"),
    "create_backorder": (
        "backorder",
        "backorder_id",
        "SELECT status FROM backorders WHERE backorder_id = ?",
    ),
    "schedule_shipment": ("shipment", "shipment_id", "SELECT status FROM shipments WHERE shipment_id = ?"),
    "create_invoice": ("invoice", "invoice_id", "SELECT status FROM invoices WHERE invoice_id = ?"),
    "resolve_case": ("case", "case_ref", "SELECT status FROM cases WHERE case_ref = ?"),
}
_DEEDS: Final = {"add_note": "case note", "refund_order": "refund", "open_case": "case opened"}
"""Effects that are there for good. All others change how a thing stands."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One row of the sandbox's ledger: something that happened in the ERP or the CRM.

    Attributes:
        key: the idempotency key it was asked for with.
        action: the service's name of it.
        result: what it answered.
        attempts: how often it was asked for; it happened once.
    """

    key: str
    action: str
    result: Mapping[str, Any]
    attempts: int


def last_effect(database: Path) -> int:
    """Return the place of the newest effect; `effects_since` begins after it."""
    with _reading(database) as connection:
        return connection.execute("SELECT coalesce(max(rowid), 0) FROM effects").fetchone()[0]


def effects_since(database: Path, place: int) -> tuple[Effect, ...]:
    """Return the effects after a place, oldest first."""
    statement = "SELECT key, action, result, attempts FROM effects WHERE rowid > ? ORDER BY rowid"
    with _reading(database) as connection:
        rows = connection.execute(statement, (place,)).fetchall()
    return tuple(Effect(key, action, json.loads(result), attempts) for key, action, result, attempts in rows)


def facts(database: Path, effects: Iterable[Effect]) -> Counter[str]:
    """Return what there is now because of these effects, such as `{"order confirmed": 1, "case note": 1}`."""
    found: Counter[str] = Counter()
    with _reading(database) as connection:
        for effect in effects:
            if standing := _STANDINGS.get(effect.action):
                thing, name, statement = standing
                status = connection.execute(statement, (effect.result[name],)).fetchone()[0]
                found[f"{thing} {status}"] += 1
            elif deed := _DEEDS.get(effect.action):
                found[deed] += 1
    return found


@contextmanager
def _reading(database: Path) -> Generator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        yield connection
