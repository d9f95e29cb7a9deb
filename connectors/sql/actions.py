"""The actions of a section: each statement, and the free SELECT."""

import re
from collections.abc import Iterator
from typing import Any, Final

from connectors.action import Call
from connectors.connector import Connector
from connectors.json_schema import arguments_from_schema
from connectors.kind import Place, SettingsError, SettingsMistake
from connectors.plain_schema import JsonSchemaError
from connectors.signature import DefinitionError
from connectors.sql.client import SqlClient
from connectors.sql.functions import HARMLESS
from connectors.sql.guard import Guard
from connectors.sql.guard_names import Table
from connectors.sql.settings import SelectSettings, SqlLimits, SqlSettings, StatementSettings
from connectors.sql.statement import Statement, arguments_schema, result_schema, statement_of
from connectors.sql.statement_check import Dialect, statement_mistakes

SELECT: Final = "select"
"""The verb of the free SELECT."""

_FUNCTION: Final = re.compile(r"[a-z_][a-z0-9_]*")
_NAMES: Final = {"postgres": "PostgreSQL", "duckdb": "DuckDB"}


def declare_actions(connector: Connector[SqlClient], settings: SqlSettings, dialect: Dialect) -> None:
    """Declare what a section says.

    Raises:
        SettingsError: with everything that is wrong with it.
    """
    mistakes = list(_mistakes(settings, dialect))
    if not mistakes:
        for verb, statement in settings.statements.items():
            mistakes += _declared(connector, verb, statement)
        if settings.select is not None:
            _declare_select(connector, settings.select, settings.limits, dialect)
    if mistakes:
        raise SettingsError(mistakes)


def _mistakes(settings: SqlSettings, dialect: Dialect) -> Iterator[SettingsMistake]:
    if not settings.statements and settings.select is None:
        yield SettingsMistake((), "has no action", "write statements, or select, or both")
    for verb, statement in settings.statements.items():
        yield from statement_mistakes(verb, statement, dialect)
    if settings.select is None:
        return
    if SELECT in settings.statements:
        yield SettingsMistake(("statements", SELECT), "is the name of the free SELECT", "give it another one")
    for name in settings.select.tables:
        if name.count(".") != 1 or not all(name.split(".")):
            yield SettingsMistake(
                ("select", "tables", name), "is no schema.table", "write it with its schema"
            )
    for number, name in enumerate(settings.select.functions):
        if not _FUNCTION.fullmatch(name):
            yield SettingsMistake(
                ("select", "functions", number), f"{name} is no name of a function", "write it in lower case"
            )


def _declared(
    connector: Connector[SqlClient], verb: str, settings: StatementSettings
) -> Iterator[SettingsMistake]:
    """Declare one statement; yield why it cannot be one."""
    at: Place = ("statements", verb)
    statement = statement_of(f"{connector.name}.{verb}", settings)
    schema = result_schema(settings)
    try:
        result = None if schema is None else arguments_from_schema(f"{statement.action}.result", schema)
    except JsonSchemaError as error:
        yield SettingsMistake((*at, "returns"), str(error))
        return
    is_read = settings.effect == "read"
    try:
        connector.declare(
            verb,
            settings.description,
            arguments=arguments_schema(settings),
            perform=_reading(statement) if is_read else _writing(statement),
            where=f"connectors.{connector.name}.statements.{verb}",
            effect=settings.effect,
            result=result,
            idempotency="none" if is_read else settings.idempotency,
            compensate=settings.compensate,
            protected=settings.protected,
            outward=settings.outward,
            constraints=settings.constraints,
            examples=settings.examples,
        )
    except DefinitionError as error:
        yield SettingsMistake(at, str(error))


def _reading(statement: Statement) -> Any:
    async def read(call: Call[SqlClient], arguments: dict[str, Any]) -> dict[str, Any]:
        return await call.client.read(call, statement, arguments)

    return read


def _writing(statement: Statement) -> Any:
    async def write(call: Call[SqlClient], arguments: dict[str, Any]) -> dict[str, Any]:
        return await call.client.write(call, statement, arguments)

    return write


def _declare_select(
    connector: Connector[SqlClient], settings: SelectSettings, limits: SqlLimits, dialect: Dialect
) -> None:
    guard = guard_of(settings, limits, dialect)
    action = f"{connector.name}.{SELECT}"

    async def select(call: Call[SqlClient], arguments: dict[str, Any]) -> dict[str, Any]:
        return await call.client.select(call, action, guard.checked(arguments["query"]))

    query = {
        "type": "string",
        "minLength": 1,
        "maxLength": settings.query_chars,
        "description": _query_description(settings, dialect),
    }
    connector.declare(
        SELECT,
        settings.description,
        arguments={"type": "object", "properties": {"query": query}, "required": ["query"]},
        perform=select,
        where=f"connectors.{connector.name}.select",
        effect="read",
        constraints=(
            f"At most {limits.rows} rows are returned: aggregate, or use LIMIT and ORDER BY.",
            "Every JOIN needs ON or USING. WITH only at the beginning.",
        ),
    )


def guard_of(settings: SelectSettings, limits: SqlLimits, dialect: Dialect) -> Guard:
    """Return the guard that a section describes; its table names are well formed."""
    return Guard(
        dialect,
        frozenset(_table(name) for name in settings.tables),
        HARMLESS | frozenset(settings.functions),
        limits.rows,
        settings.query_chars,
        settings.tables_in_query,
    )


def _table(name: str) -> Table:
    schema, _, table = name.partition(".")
    return schema, table


def _query_description(settings: SelectSettings, dialect: Dialect) -> str:
    tables = "\n".join(f"- {name}: {said}" for name, said in settings.tables.items())
    return f"One SELECT of {_NAMES[dialect]}, without comments. Tables:\n{tables}"
