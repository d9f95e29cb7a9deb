"""The guard of a free SELECT: a query that a model wrote is parsed, judged by allow-lists, and written anew from its tree. Pure.

Nothing of the text reaches the database: not its comments, not its spelling. What is sent was made from a tree that holds nothing but
allowed nodes, tables and functions, and is judged again after it was parsed a second time: what sqlglot writes otherwise than it reads
is refused. Tables are written with their schema, all names are quoted, and LIMIT is at most one row more than is returned.

The guard is the first wall. The database's own (a role that may only read, a READ ONLY transaction, limits of time and memory) is the
second, and the only one that knows what a view or a listed function does inside.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connectors.sql.guard_growth import check_growth
from connectors.sql.guard_names import Names, Table, fold_names
from connectors.sql.guard_rules import QueryRefusedError, Rules, written
from connectors.sql.statement_check import Dialect, parsed_statements

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

_MOST_NODES: Final = 2_000
_DEEPEST: Final = 40
"""Levels of brackets. Deeper ones cost the parser more than they say."""
_LAYOUT: Final = "\n\t\r"


@dataclass(frozen=True, slots=True)
class Guard:
    """What a free SELECT may do.

    Attributes:
        dialect: how queries are read and written.
        tables: what may be read.
        functions: what may be called, in lower case.
        rows: how many rows are returned; one more is asked for.
        query_chars: longest query.
        tables_in_query: most tables and subqueries of one query.
    """

    dialect: Dialect
    tables: frozenset[Table]
    functions: frozenset[str]
    rows: int
    query_chars: int = 4_000
    tables_in_query: int = 8

    def checked(self, query: str) -> str:
        """Return the query as it may be sent.

        Raises:
            QueryRefusedError: it may not be; the first reason found.
        """
        try:
            self._check_text(query)
            made = self._made(query)
            again = self._made(made)
        except QueryRefusedError:
            raise
        except RecursionError:
            raise QueryRefusedError("it is nested too deep") from None
        except Exception as error:  # noqa: BLE001 - a parser's surprise at hostile text is a refusal, too
            raise QueryRefusedError(f"it cannot be read ({type(error).__name__})") from None
        if again != made:
            raise QueryRefusedError(
                "it would mean something else when it is read again; write it more simply"
            )
        return made

    def _check_text(self, query: str) -> None:
        """Check what can be seen without parsing; what is no query is not parsed at all."""
        if len(query) > self.query_chars:
            raise QueryRefusedError(f"it is longer than {self.query_chars:,} characters")
        if any(not each.isprintable() and each not in _LAYOUT for each in query):
            raise QueryRefusedError("it has a control character or an invisible one")
        depth = deepest = 0
        for each in query:
            depth += (each in "([{") - (each in ")]}")
            deepest = max(deepest, depth)
        if deepest > _DEEPEST:
            raise QueryRefusedError(f"brackets are nested deeper than {_DEEPEST} levels")
        if not query.lstrip(" \n\t\r(").upper().startswith(("SELECT", "WITH")):
            raise QueryRefusedError(
                "only SELECT is allowed; begin with SELECT or WITH, and without a comment"
            )

    def _made(self, query: str) -> str:
        """Return a query as it is written from its tree, having judged the tree."""
        try:
            (parsed,) = parsed_statements(query, self.dialect)
        except ValueError as error:
            raise QueryRefusedError(f"it {error}") from None
        rules = Rules(self.dialect, self.functions)
        nodes = list(parsed.walk())
        if len(nodes) > _MOST_NODES:
            raise QueryRefusedError(f"it has more than {_MOST_NODES:,} parts")
        rules.check_root(parsed)
        for node in nodes:
            rules.check(node)
        if sum(type(node).__name__ in {"Table", "Subquery"} for node in nodes) > self.tables_in_query:
            raise QueryRefusedError(f"it has more than {self.tables_in_query} tables and subqueries")
        fold_names(nodes, self.dialect)
        Names(self.dialect, self.tables).resolve(parsed, nodes)
        check_growth(parsed)
        _bound(parsed, self.rows + 1)
        return written(parsed, self.dialect)


def _bound(query: "Expr", most: int) -> None:
    """Limit the rows of a query, whose own LIMIT is a whole number."""
    from sqlglot import exp

    own = query.args.get("limit")
    rows = most if own is None else min(most, int(own.expression.this))
    query.set("limit", exp.Limit(expression=exp.Literal.number(rows)))
