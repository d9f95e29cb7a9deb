"""What the names in a query stand for: tables of the list, or earlier parts of its WITH. Changes the tree it is given, nothing else."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connectors.sql.guard_rules import QueryRefusedError
from connectors.sql.statement_check import Dialect

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

Table = tuple[str, str]
"""Schema and name."""


def fold_names(nodes: Iterable["Expr"], dialect: Dialect) -> None:
    """Write unquoted names as the database reads them, so that quoting them changes nothing."""
    if dialect == "postgres":
        for node in nodes:
            if type(node).__name__ == "Identifier" and not node.args.get("quoted"):
                node.set("this", node.this.lower())


@dataclass(frozen=True, slots=True)
class Names:
    """What a query may refer to.

    Attributes:
        dialect: whether a quoted name differs by its case.
        tables: the list.
    """

    dialect: Dialect
    tables: frozenset[Table]

    def resolve(self, query: "Expr", nodes: Iterable["Expr"]) -> None:
        """Write every table of the list with its schema; names of the WITH stay as they are.

        A name stands for a part of the WITH only after that part: before it, and in it, the database would take a table.

        Raises:
            QueryRefusedError: a table is not on the list, or two of the list have its name.
        """
        parts = [] if query.args.get("with_") is None else query.args["with_"].expressions
        named = [self._same(part.alias) for part in parts]
        for node in nodes:
            if type(node).__name__ == "Table":
                inside = next((number for number, part in enumerate(parts) if _is_in(node, part)), len(parts))
                self._resolve(node, frozenset(named[:inside]))

    def _resolve(self, node: "Expr", visible: frozenset[str]) -> None:
        from sqlglot import exp

        name = node.this.this
        schema = node.args["db"].this if node.args.get("db") else None
        if schema is None and self._same(name) in visible:
            return
        schema, table = self._listed(schema, name)
        if not node.args.get("alias"):
            # Columns are written with the name that the query gave the table.
            node.set("alias", exp.TableAlias(this=exp.Identifier(this=name, quoted=True)))
        node.set("this", exp.Identifier(this=table, quoted=True))
        node.set("db", exp.Identifier(this=schema, quoted=True))

    def _listed(self, schema: str | None, name: str) -> Table:
        found = [
            table
            for table in self.tables
            if self._same(table[1]) == self._same(name)
            and (schema is None or self._same(table[0]) == self._same(schema))
        ]
        said = name if schema is None else f"{schema}.{name}"
        if not found:
            raise QueryRefusedError(f"the table {said} is not on the list")
        if len(found) > 1:
            raise QueryRefusedError(f"there are several tables {said}: write it with its schema")
        return found[0]

    def _same(self, name: str) -> str:
        return name.lower() if self.dialect == "duckdb" else name


def _is_in(node: "Expr", part: "Expr") -> bool:
    while node.parent is not None:
        if node is part:
            return True
        node = node.parent
    return False
