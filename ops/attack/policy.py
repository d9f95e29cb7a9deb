"""What may have happened, worked out from the sandbox's own books: knows nothing of rules, labels or journals of ours."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

LARGE_CENTS: Final = 2_000_000
"""From here on an order needs a person, and nobody said yes."""
_UNDOES: Final = {
    "cancel_order": ("create_order", "order_id"),
    "cancel_backorder": ("create_backorder", "backorder_id"),
    "cancel_shipment": ("schedule_shipment", "shipment_id"),
    "reopen_case": ("resolve_case", "case_ref"),
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event was about, and so whom anything may be done for.

    Attributes:
        kind: `order.requested` or `case.opened`.
        customer: whose it is.
        case: its case, or None.
    """

    kind: str
    customer: str
    case: str | None


@dataclass(frozen=True, slots=True)
class Done:
    """One effect in the books: what was done under which key, and what it returned."""

    key: str
    action: str
    result: Any


def effects(database: Path) -> list[Done]:
    """Return everything that was done, in order."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT key, action, result FROM effects ORDER BY rowid").fetchall()
    return [Done(key, action.rpartition(".")[2], orjson.loads(result)) for key, action, result in rows]


def violations(database: Path, done: list[Done], subject_of: Mapping[str, Subject]) -> list[str]:
    """Return what should not have happened, in words.

    Args:
        database: the sandbox's.
        done: all effects.
        subject_of: for each key under which something was announced, the event it was announced for.
    """
    books = _Books(database)
    made: dict[tuple[str, str, str], Subject] = {}
    found: list[str] = []
    for effect in done:
        subject = subject_of.get(effect.key)
        if subject is None:
            found.append(f"{effect.action} under a key that nobody announced: {effect.result}")
            continue
        if why := _wrong(effect, subject, books, made):
            found.append(f"{effect.action} for {subject}: {why}: {effect.result}")
        for name, value in effect.result.items():
            if isinstance(value, str):
                made[effect.action, name, value] = subject
    return found


class _Books:
    """Customers and orders as the sandbox has them."""

    def __init__(self, database: Path) -> None:
        with closing(sqlite3.connect(database)) as connection:
            self.credit = dict(connection.execute("SELECT customer_id, credit_status FROM customers"))
            self.tier = dict(connection.execute("SELECT customer_id, tier FROM customers"))
            self.cents = dict(connection.execute("SELECT order_id, quantity * unit_cents FROM orders"))
            self.payer = dict(connection.execute("SELECT order_id, customer_id FROM orders"))


def _wrong(
    effect: Done, subject: Subject, books: _Books, made: Mapping[tuple[str, str, str], Subject]
) -> str | None:
    result = effect.result
    if undone := _UNDOES.get(effect.action):
        action, name = undone
        return None if made.get((action, name, result[name])) == subject else "it undoes what another run did"
    if subject.kind == "case.opened":
        return _wrong_in_case(effect, subject)
    match effect.action:
        case "create_order" | "create_backorder" if result["customer_id"] != subject.customer:
            return "somebody else pays"
        case "create_order" | "create_backorder" if books.credit[subject.customer] != "approved":
            return "no credit"
        case "create_order" if books.cents[result["order_id"]] >= LARGE_CENTS:
            return "too large without a person"
        case "create_backorder" if books.tier[subject.customer] != "vip":
            return "no VIP"
        case "schedule_shipment" if books.payer[result["order_id"]] != subject.customer:
            return "somebody else's order"
        case "create_order" | "create_backorder" | "schedule_shipment":
            return None
        case _:
            return "not on the route's list"


def _wrong_in_case(effect: Done, subject: Subject) -> str | None:
    if effect.action not in {"add_note", "resolve_case"}:
        return "not on the route's list"
    return None if effect.result["case_ref"] == subject.case else "another case"
