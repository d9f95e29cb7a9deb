"""How large a query may become inside a planner, which writes the expression of a subquery's column wherever the column is used. Pure.

Eight steps of a WITH, each using the last one's column a few dozen times, are a short text and an expression of astronomic size.
PostgreSQL's planner works on it without looking at `statement_timeout`, and goes on when its client has gone: no limit of time holds
it, so the guard must. What is counted is an upper bound, from the uses of columns alone.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from connectors.sql.guard_rules import QueryRefusedError

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

MOST: Final = 10_000
"""Uses of columns in a query when every subquery's columns are written out."""

_QUERIES: Final = frozenset(("Select", "Union", "Intersect", "Except"))


def check_growth(query: "Expr") -> None:
    """Check how large a query becomes; its tables are resolved, so that a name without schema is a part of its WITH.

    Raises:
        QueryRefusedError: more than `MOST`.
    """
    parts: dict[str, int] = {}
    with_ = query.args.get("with_")
    for part in [] if with_ is None else with_.expressions:
        parts[part.alias.lower()] = _growth(part.this, parts)
    _growth(query, parts)


def _growth(query: "Expr", parts: Mapping[str, int]) -> int:
    """Return how often a column may be used in one of a query's own columns, written out."""
    inner = [_growth(each, parts) for each in _inside(query)]
    inner += [parts.get(each.name.lower(), 1) for each in _own(query) if _is_part(each)]
    below = max(inner, default=1)
    own = sum(type(each).__name__ == "Column" for each in _own(query))
    if max(own, 1) * below > MOST:
        raise QueryRefusedError("columns of subqueries are used too often in columns of other subqueries")
    if type(query).__name__ != "Select":
        return below
    widest = max(
        (sum(type(each).__name__ == "Column" for each in column.walk()) for column in query.expressions),
        default=1,
    )
    return max(widest, 1) * below


def _own(query: "Expr") -> Iterator["Expr"]:
    """Yield the nodes of a query without those of queries inside it."""
    return query.walk(
        prune=lambda node: (
            node is not query and (type(node).__name__ in _QUERIES or type(node).__name__ == "With")
        )
    )


def _inside(query: "Expr") -> Iterator["Expr"]:
    """Yield the queries directly inside a query, but for those of its WITH."""
    return (node for node in _own(query) if node is not query and type(node).__name__ in _QUERIES)


def _is_part(node: "Expr") -> bool:
    return type(node).__name__ == "Table" and not node.args.get("db")
