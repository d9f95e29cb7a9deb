"""What is wrong with a statement of a section, found before anything is opened. Pure; needs sqlglot.

That a statement declared a read cannot write is held again by the database: reads run in a READ ONLY transaction. A function that
writes is not seen here, only there.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Literal

from connectors.kind import SettingsMistake
from connectors.sql.placeholders import PlaceholderError, numbered
from connectors.sql.settings import StatementSettings

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

Dialect = Literal["postgres", "duckdb"]

_QUERIES: Final = frozenset(("Select", "Union", "Intersect", "Except", "Values"))
_CHANGES: Final = frozenset(("Insert", "Update", "Delete", "Merge"))
_NOT_IN_A_READ: Final = _CHANGES | {"Into", "Lock"}
_SAID: Final = {"Into": "SELECT INTO", "Lock": "FOR UPDATE or FOR SHARE"}


def statement_mistakes(verb: str, settings: StatementSettings, dialect: Dialect) -> Iterator[SettingsMistake]:
    """Yield what is wrong with one statement."""
    at = ("statements", verb)
    yield from (
        SettingsMistake((*at, part), message, hint) for part, message, hint in _mistakes(settings, dialect)
    )


def _mistakes(settings: StatementSettings, dialect: Dialect) -> Iterator[tuple[str, str, str]]:
    yield from _declarations(settings)
    try:
        made = numbered(settings.sql)
    except PlaceholderError as error:
        yield "sql", str(error), ""
        return
    for name in sorted(set(made.names) - settings.parameters.keys()):
        yield "sql", f"uses :{name}, which is no parameter", f"describe it under parameters.{name}"
    for name in sorted(settings.parameters.keys() - set(made.names)):
        yield "parameters", f"{name} is not used by the statement", f"write :{name} in it, or leave it out"
    yield from (("sql", message, hint) for message, hint in _statement(made.sql, settings, dialect))


def _declarations(settings: StatementSettings) -> Iterator[tuple[str, str, str]]:
    for name in settings.optional:
        if name not in settings.parameters:
            yield "optional", f"{name} is no parameter", f"describe it under parameters.{name}"
    if settings.effect == "read":
        for part in ("compensate", "outward"):
            if getattr(settings, part):
                yield part, "is for a write", "leave it out"
    if settings.result == "count":
        if settings.effect == "read":
            yield "result", "count is the number of rows that a write changes", "write one or rows"
        if settings.returns:
            yield "returns", "a statement whose result is count returns no columns", "leave it out"


def _statement(sql: str, settings: StatementSettings, dialect: Dialect) -> Iterator[tuple[str, str]]:
    try:
        (parsed,) = parsed_statements(sql, dialect)
    except ValueError as error:
        yield str(error), "write one statement"
        return
    kind = type(parsed).__name__
    inside = {type(node).__name__ for node in parsed.walk()}
    if kind not in _QUERIES | _CHANGES:
        yield "is no SELECT, INSERT, UPDATE, DELETE or MERGE", "only these can be actions"
    elif settings.effect == "read" and (found := sorted(inside & _NOT_IN_A_READ)):
        said = ", ".join(_SAID.get(name, name.upper()) for name in found)
        yield f"is declared a read and holds {said}", "say effect: write"
    elif kind in _QUERIES and settings.result == "count":
        yield "is a query, which changes no rows to be counted", "say result: one or rows"
    elif kind in _CHANGES and (returns := bool(parsed.args.get("returning"))) == (settings.result == "count"):
        yield (
            ("returns rows that are not counted", "leave RETURNING out, or say result: one or rows")
            if returns
            else ("returns no row", "add RETURNING, or say result: count")
        )
    if any(map(_changes_every_row, parsed.walk())):
        yield "changes every row: UPDATE or DELETE without WHERE", "write WHERE true if that is meant"


def _changes_every_row(node: "Expr") -> bool:
    # The UPDATE of a MERGE has no WHERE: its condition is that of the MERGE.
    changes = type(node).__name__ in {"Update", "Delete"} and type(node.parent).__name__ != "When"
    return changes and not node.args.get("where")


def parsed_statements(sql: str, dialect: Dialect) -> tuple["Expr"]:
    """Return the one statement of a text, parsed, in a tuple.

    Raises:
        ValueError: it cannot be parsed, or is none, or several.
    """
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        found = [each for each in sqlglot.parse(sql, read=dialect) if each is not None]
    except SqlglotError as error:
        raise ValueError(f"cannot be parsed: {_first_line(error)}") from None
    except RecursionError:
        raise ValueError("is nested too deep") from None
    if len(found) != 1:
        raise ValueError(f"has {len(found)} statements")
    return (found[0],)


def _first_line(error: Exception) -> str:
    # sqlglot underlines the place by escape codes, which do not belong into a message.
    return str(error).split("\n", 1)[0].replace("\x1b[4m", "").replace("\x1b[0m", "")
