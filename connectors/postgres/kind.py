"""The kind `postgres`: a section's statements, and its free SELECT, as actions on one PostgreSQL database."""

from connectors.connector import Connector
from connectors.extra import require_extra
from connectors.kind import Kind
from connectors.postgres.client import open_postgres
from connectors.postgres.login import tls_of
from connectors.postgres.settings import PostgresSettings
from connectors.sql.actions import declare_actions
from connectors.sql.client import SqlClient


def build_postgres(name: str, settings: PostgresSettings) -> Connector[SqlClient]:
    """Return the connector of a section.

    Raises:
        SettingsError: a package is missing, or something in the section is wrong.
    """
    require_extra("postgres", "asyncpg", "sqlglot")
    tls_of(settings)
    connector = Connector[SqlClient](
        name,
        f"The database {settings.database}.",
        settings=PostgresSettings,
        open=open_postgres,
        rehearses=True,
    )
    declare_actions(connector, settings, "postgres")
    return connector


postgres = Kind(
    "Statements of a PostgreSQL database, and guarded reads of it.",
    settings=PostgresSettings,
    build=build_postgres,
)
