"""What an action returns for the rows of a statement, or why it cannot. Pure."""

from typing import Any

from connectors.errors import FailedError
from connectors.sql.rows import Rows
from connectors.sql.statement import Statement


def rows_result(statement: Statement, rows: Rows) -> dict[str, Any]:
    """Return the result of a statement of shape `one` or `rows`.

    Raises:
        FailedError: it returned other columns than its section says (`unexpected_columns`), or, where one row is meant,
            none (`not_found`) or several (`several_rows`).
    """
    if statement.columns and statement.columns != frozenset(rows.columns):
        raise FailedError(
            f"{statement.action}: returned the columns {', '.join(rows.columns) or 'none'}, its section says "
            f"{', '.join(sorted(statement.columns))}",
            code="unexpected_columns",
        )
    return _only(statement.action, rows) if statement.result == "one" else rows_object(rows)


def rows_object(rows: Rows) -> dict[str, Any]:
    """Return rows as a result: an object, so that it says whether some are missing."""
    return {"rows": rows.made, "more": rows.more}


def count_result(statement: Statement, changed: int, most: int) -> dict[str, Any]:
    """Return how many rows a write changed.

    Raises:
        FailedError: code `too_many_changes`: more than one write may.
    """
    if changed > most:
        raise FailedError(
            f"{statement.action}: would change {changed:,} rows, more than limits.changes ({most:,}); rolled back",
            code="too_many_changes",
        )
    return {"count": changed}


def whole_result(statement: Statement, result: dict[str, Any]) -> dict[str, Any]:
    """Return the result of a write, which is recorded and must be whole.

    Raises:
        FailedError: code `result_too_large`: it returned more rows than fit.
    """
    if statement.result == "rows" and result["more"]:
        raise FailedError(
            f"{statement.action}: returns more rows than limits.rows or limits.bytes; rolled back",
            code="result_too_large",
        )
    return result


def _only(action: str, rows: Rows) -> dict[str, Any]:
    if not rows.made:
        raise FailedError(f"{action}: no such row", code="not_found")
    if rows.more or len(rows.made) > 1:
        raise FailedError(f"{action}: there are several such rows, one was asked for", code="several_rows")
    return rows.made[0]
