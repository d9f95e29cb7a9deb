"""How a section logs in: TLS, and a password that is looked up for each connection."""

import ssl
from typing import Any

from pydantic import SecretStr

from connectors.kind import SettingsError, SettingsMistake
from connectors.postgres.pinned import named_tls
from connectors.postgres.settings import PostgresSettings
from connectors.secret import Secret, present_value


def tls_of(settings: PostgresSettings) -> ssl.SSLContext | bool:
    """Return the TLS of a connection, False for none.

    Raises:
        SettingsError: the file of authorities cannot be used.
    """
    if settings.tls == "off":
        return False
    try:
        return named_tls(settings.host, settings.tls_ca)
    except OSError as error:
        mistake = SettingsMistake(
            ("tls_ca",), f"{settings.tls_ca} cannot be used: {error.strerror or error}", "name a PEM file"
        )
    raise SettingsError([mistake])


class Password:
    """The password of a role, fetched for each new connection."""

    def __init__(self, secret: SecretStr | None, within_s: float) -> None:
        self._secret = secret
        self._within_s = within_s
        self._used = ""

    async def __call__(self) -> str:
        """Return it.

        Raises:
            SecretUnavailableError: it cannot be had now.
        """
        if self._secret is not None:
            self._used = await present_value(self._secret, self._within_s)
        return self._used

    async def refused(self) -> None:
        """Have it looked up anew the next time: the server did not take it."""
        if isinstance(self._secret, Secret):
            await self._secret.replacement(self._used, self._within_s)


def connect_arguments(settings: PostgresSettings, password: Password) -> dict[str, Any]:
    """Return what the driver is told; all of it but the host, so that no variable of the environment (`PGPORT`, …) has a say."""
    return {
        "port": settings.port,
        "database": settings.database,
        "user": settings.user,
        "password": password,
        "ssl": tls_of(settings),
        "direct_tls": False,
        "timeout": settings.connect_s,
        "target_session_attrs": "any",
        # One plan a statement: nothing outlives a transaction, so a pooler between us and the server does no harm.
        "statement_cache_size": 0,
        # Texts that the guard has written hold backslashes as they are.
        "server_settings": {"application_name": "pointsman", "standard_conforming_strings": "on"},
    }
