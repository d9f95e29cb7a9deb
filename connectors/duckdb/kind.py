"""The kind `duckdb`: a section's reads, and its free SELECT, as actions on one DuckDB file."""

from connectors.connector import Connector
from connectors.duckdb.client import open_duckdb
from connectors.duckdb.settings import DuckDbSettings
from connectors.extra import require_extra
from connectors.kind import Kind, SettingsError, SettingsMistake
from connectors.sql.actions import declare_actions
from connectors.sql.client import SqlClient


def build_duckdb(name: str, settings: DuckDbSettings) -> Connector[SqlClient]:
    """Return the connector of a section.

    Raises:
        SettingsError: a package is missing, or something in the section is wrong.
    """
    require_extra("duckdb", "duckdb", "sqlglot")
    writes = [
        SettingsMistake(
            ("statements", verb, "effect"), "DuckDB files are only read", "leave the statement out"
        )
        for verb, statement in settings.statements.items()
        if statement.effect == "write"
    ]
    if writes:
        raise SettingsError(writes)
    connector = Connector[SqlClient](
        name,
        f"The warehouse {settings.path.name}.",
        settings=DuckDbSettings,
        open=open_duckdb,
        rehearses=True,
    )
    declare_actions(connector, settings, "duckdb")
    return connector


duckdb = Kind(
    "Reads of a DuckDB file, named ones and guarded ones.", settings=DuckDbSettings, build=build_duckdb
)
