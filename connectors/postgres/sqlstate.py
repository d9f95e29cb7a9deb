"""What an error of PostgreSQL says about the effect of a transaction, by its SQLSTATE and by when it came. Pure.

Until COMMIT is sent nothing has happened, whatever goes wrong: the server rolls back what it lost the client of. An error that the
server answers to COMMIT means rolled back, too, but for those that speak of the connection or of a shutdown: the server may have
committed before it said so. Then the effect is in doubt, and the ledger's row tells at the next attempt with the same key.
"""

from typing import Final, Literal

from connectors.errors import ActionError, BusyError, FailedError, InDoubtError, NotSentError

Phase = Literal["connecting", "before-commit", "committing"]

_QUERY_CANCELED: Final = "57014"
_UNKNOWN_COMPLETION: Final = "40003"
_CONNECTION: Final = "08"
_SHUTDOWN: Final = frozenset(("57P01", "57P02", "57P03", "57P04", "57P05"))
_BUSY: Final = frozenset(
    (
        "40001",  # serialization failure
        "40P01",  # deadlock
        "55P03",  # lock timeout, or NOWAIT
        "25P03",  # idle in a transaction for too long
    )
)
_SHORT_OF_RESOURCES: Final = "53"
_ABOUT_NAMES: Final = "42"
_SAID: Final = 300
_REASONS: Final = {
    "22003": "out_of_range",
    "22012": "division_by_zero",
    "22P02": "invalid_text",
    "23502": "not_null_violation",
    "23503": "foreign_key_violation",
    "23505": "unique_violation",
    "23514": "check_violation",
    "23P01": "exclusion_violation",
    "25006": "read_only",
    "42501": "not_permitted",
    "42P01": "no_such_table",
    "42703": "no_such_column",
    "42883": "no_such_function",
}
"""Codes for what a model or a person meets; any other refusal is `sql_` and its SQLSTATE."""


def fault_of_state(
    state: str, *, phase: Phase, what: str, given: str = "", said: str = "", free: bool = False
) -> ActionError:
    """Return what an action raises for an error that the server answered.

    Args:
        state: the five characters of the SQLSTATE.
        phase: when it came.
        what: the action, for the message.
        given: the name of the constraint, table or column that the server gave, or an empty string.
        said: the server's own message. It is passed on only where it speaks of the statement (class 42: no such column);
            others quote values of rows.
        free: whether a model wrote the query. One that takes too long has then failed, and the model may ask for less;
            an operator's statement that does so is late because the database is busy.
    """
    if phase == "connecting":
        return NotSentError(f"{what}: the database lets nobody in now (SQLSTATE {state})")
    if _is_about_connection(state):
        if phase == "committing":
            return InDoubtError(f"{what}: the connection was lost while it committed (SQLSTATE {state})")
        return BusyError(f"{what}: the connection was lost before it committed (SQLSTATE {state})")
    if state in _BUSY or state.startswith(_SHORT_OF_RESOURCES):
        return BusyError(f"{what}: the database is busy (SQLSTATE {state}); rolled back")
    if state == _QUERY_CANCELED and free:
        return FailedError(f"{what}: the query takes longer than it may: ask for less", code="too_slow")
    if state == _QUERY_CANCELED:
        return BusyError(f"{what}: the statement took longer than it may; rolled back")
    if state.startswith(_ABOUT_NAMES) and said:
        given = said[:_SAID]
    named = f" ({given})" if given else ""
    reason = _REASONS.get(state, f"sql_{state.lower()}")
    return FailedError(f"{what}: refused by the database: {reason}{named}", code=reason)


def fault_of_loss(*, phase: Phase, what: str) -> ActionError:
    """Return what an action raises where the connection went away, or time ran out, without an answer."""
    if phase == "connecting":
        return NotSentError(f"{what}: no connection to the database")
    if phase == "before-commit":
        return BusyError(f"{what}: no answer before it committed; the server rolls back")
    return InDoubtError(f"{what}: no answer to COMMIT")


def _is_about_connection(state: str) -> bool:
    return state.startswith(_CONNECTION) or state in _SHUTDOWN or state == _UNKNOWN_COMPLETION
