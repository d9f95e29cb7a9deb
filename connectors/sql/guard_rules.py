"""What the guard asks of each node of a query's tree. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from connectors.errors import FailedError
from connectors.sql.functions import GROWTH
from connectors.sql.guard_nodes import NODES
from connectors.sql.guard_values import REASONS, said
from connectors.sql.statement_check import Dialect

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

_QUERIES: Final = frozenset(("Select", "Union", "Intersect", "Except"))
_CALL: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:\(|$)")
_SHOWN: Final = 200


class QueryRefusedError(FailedError):
    """A query that the guard does not let through. Nothing was sent; the message tells the model what to change."""

    def __init__(self, why: str) -> None:
        super().__init__(f"query refused: {why[:_SHOWN]}", code="query_refused")


@dataclass(frozen=True, slots=True)
class Rules:
    """The allow-lists that a tree is judged by.

    Attributes:
        dialect: how a call is written.
        functions: what may be called, in lower case.
    """

    dialect: Dialect
    functions: frozenset[str]

    def check_root(self, query: "Expr") -> None:
        """Check what the whole query is.

        Raises:
            QueryRefusedError: it is no query, or one in brackets.
        """
        kind = type(query).__name__
        if kind == "Subquery":
            raise QueryRefusedError("write it without brackets around the whole")
        if kind not in _QUERIES:
            raise QueryRefusedError(f"only SELECT is allowed, this is {kind.upper()}")

    def check(self, node: "Expr") -> None:
        """Check one node; those inside it are checked on their own.

        Raises:
            QueryRefusedError: it, or a part of it, is not allowed.
        """
        from sqlglot import exp

        kind = type(node).__name__
        if kind not in NODES:
            if isinstance(node, exp.Func):
                self._check_call(node)
                return
            raise QueryRefusedError(f"{said(kind)} is not allowed")
        for part, _ in _parts(node):
            if part not in NODES[kind]:
                raise QueryRefusedError(f"{part.strip('_').upper()} of {said(kind)} is not allowed")
        reason = REASONS[kind](node) if kind in REASONS else None
        if kind == "DPipe" and GROWTH not in self.functions:
            reason = f"|| is not allowed without {GROWTH} on the list of functions"
        if reason is not None:
            raise QueryRefusedError(reason)

    def _check_call(self, node: "Expr") -> None:
        """Check a function by the name that it is written as: the one that the database will see."""
        called = _CALL.match(written(node, self.dialect))
        if not called:
            raise QueryRefusedError(f"{said(type(node).__name__)} is not allowed")
        if (name := called[1].lower()) not in self.functions:
            raise QueryRefusedError(f"the function {name} is not on the list")


def written(node: "Expr", dialect: Dialect) -> str:
    """Return a tree as text: every name quoted, no comments, and nothing that this dialect cannot say.

    Raises:
        SqlglotError: a part of it would have been left out.
    """
    from sqlglot.errors import ErrorLevel

    return node.sql(dialect=dialect, identify=True, comments=False, unsupported_level=ErrorLevel.RAISE)


def _parts(node: "Expr") -> Iterator[tuple[str, Any]]:
    """Yield the parts that a node has; sqlglot sets many to None, False or an empty list."""
    for part, value in node.args.items():
        if value is not None and value is not False and value != []:
            yield part, value
