"""What the guard asks of parts that are plain values, and of what stands where: reasons to refuse a node, by its kind. Pure."""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from connectors.sql.guard_nodes import JOINS, TYPES

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

_SOURCES: Final = frozenset(("Table", "Subquery"))
_SIDES: Final = frozenset(("", "LEFT", "RIGHT", "FULL"))
_NUMBER: Final = re.compile(r"[0-9]{1,40}(?:\.[0-9]{0,40})?(?:[eE][+-]?[0-9]{1,3})?|\.[0-9]{1,40}")
_COUNT: Final = re.compile(r"[0-9]{1,9}")
_WORD: Final = re.compile(r"[A-Za-z_]{1,20}")
_FRAMES: Final = frozenset(
    ("ROWS", "RANGE", "GROUPS", "UNBOUNDED", "CURRENT ROW", "PRECEDING", "FOLLOWING", "OVER")
)

Reason = str | None
"""Why a node is refused, or None."""


def _source(node: "Expr") -> Reason:
    kind = type(node.this).__name__
    return None if kind in _SOURCES else f"FROM and JOIN take tables and subqueries, not {said(kind)}"


def _join(node: "Expr") -> Reason:
    side, how = (str(node.args.get(part) or "").upper() for part in ("side", "kind"))
    if side not in _SIDES or how not in JOINS:
        return f"{side} {how} JOIN is not allowed".strip()
    on = node.args.get("on")
    if node.args.get("using") or (on and any(type(each).__name__ == "Column" for each in on.walk())):
        return _source(node)
    return "every JOIN needs ON with columns, or USING; a comma in FROM is a JOIN without"


def _table(node: "Expr") -> Reason:
    is_name = type(node.this).__name__ == "Identifier"
    return None if is_name else "FROM takes tables and subqueries, no functions and no files"


def _with(node: "Expr") -> Reason:
    at_top = node.parent is not None and node.parent.parent is None
    return None if at_top else "WITH is allowed at the beginning of the whole query only"


def _type(node: "Expr") -> Reason:
    name = getattr(node.this, "name", str(node.this))
    return None if name in TYPES else f"the type {name} is not allowed"


def _literal(node: "Expr") -> Reason:
    fits = node.args["is_string"] or _NUMBER.fullmatch(node.this)
    return None if fits else f"the number {node.this} is not allowed"


def _limit(node: "Expr") -> Reason:
    count = node.args["expression"]
    fits = type(count).__name__ == "Literal" and not count.args["is_string"] and _COUNT.fullmatch(count.this)
    return None if fits else "LIMIT and OFFSET take whole numbers"


def _word(node: "Expr") -> Reason:
    return None if _WORD.fullmatch(node.this) else f"the word {node.this} is not allowed"


def _frame(node: "Expr") -> Reason:
    words: list[Any] = [value for value in node.args.values() if isinstance(value, str)]
    strange = [word for word in words if word.upper() not in _FRAMES]
    return f"the window {strange[0]} is not allowed" if strange else None


REASONS: Final[Mapping[str, Callable[["Expr"], Reason]]] = {
    "From": _source,
    "Join": _join,
    "Table": _table,
    "With": _with,
    "DataType": _type,
    "Literal": _literal,
    "Limit": _limit,
    "Offset": _limit,
    "Var": _word,
    "Window": _frame,
    "WindowSpec": _frame,
}
"""By the kind of node. All other nodes that are allowed hold nodes only, or flags."""


def said(kind: str) -> str:
    """Return the kind of a node as SQL would say it: `TableSample` is TABLE SAMPLE."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind).upper()
