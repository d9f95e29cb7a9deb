"""Customers and their cases. Each function runs inside the caller's transaction."""

import sqlite3

from connectors.sandbox.records import Case, CaseStatus, Customer
from connectors.sandbox.service.requests import NewCase, NewNote, Nothing, Resolution
from connectors.sandbox.service.store import find, new_id

_CASE = "SELECT * FROM cases WHERE case_ref = ?"
_CUSTOMER = "SELECT * FROM customers WHERE customer_id = ?"


def get_customer(connection: sqlite3.Connection, customer_id: str, _body: Nothing) -> Customer:
    """Return a customer."""
    row = find(connection, _CUSTOMER, customer_id, "customer")
    return Customer(
        customer_id=row["customer_id"],
        name=row["name"],
        tier=row["tier"],
        credit_status=row["credit_status"],
        credit_limit=row["credit_limit_cents"] / 100,
        address=row["address"],
    )


def get_case(connection: sqlite3.Connection, case_ref: str, _body: Nothing) -> Case:
    """Return a case with its notes, oldest first."""
    row = find(connection, _CASE, case_ref, "case")
    notes = connection.execute("SELECT text FROM case_notes WHERE case_ref = ? ORDER BY note", (case_ref,))
    return Case(**row, notes=[note["text"] for note in notes])


def open_case(connection: sqlite3.Connection, _subject: str, body: NewCase) -> Case:
    """Open a case for a customer."""
    find(connection, _CUSTOMER, body.customer_id, "customer")
    case_ref = new_id(connection, "K")
    connection.execute(
        "INSERT INTO cases (case_ref, customer_id, order_id, subject) VALUES (?, ?, ?, ?)",
        (case_ref, body.customer_id, body.order_id, body.subject),
    )
    return get_case(connection, case_ref, Nothing())


def add_note(connection: sqlite3.Connection, case_ref: str, body: NewNote) -> Case:
    """Add a note to a case, open or resolved."""
    find(connection, _CASE, case_ref, "case")
    connection.execute("INSERT INTO case_notes (case_ref, text) VALUES (?, ?)", (case_ref, body.text))
    return get_case(connection, case_ref, Nothing())


def resolve_case(connection: sqlite3.Connection, case_ref: str, body: Resolution) -> Case:
    """Resolve a case; the last resolution counts."""
    return _set_standing(connection, case_ref, "resolved", body.resolution)


def reopen_case(connection: sqlite3.Connection, case_ref: str, _body: Nothing) -> Case:
    """Open a case again and forget its resolution; an open case stays as it is."""
    return _set_standing(connection, case_ref, "open", None)


def _set_standing(
    connection: sqlite3.Connection, case_ref: str, status: CaseStatus, resolution: str | None
) -> Case:
    find(connection, _CASE, case_ref, "case")
    connection.execute(
        "UPDATE cases SET status = ?, resolution = ? WHERE case_ref = ?", (status, resolution, case_ref)
    )
    return get_case(connection, case_ref, Nothing())
