"""Connections to an address that was checked, on which TLS proves the name that the operator wrote."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectors.checked_addresses import checked_addresses
from connectors.postgres.settings import PostgresSettings

if TYPE_CHECKING:
    from asyncpg import Connection


class NamedTls(ssl.SSLContext):
    """A client's TLS that asks for one name and wants it proved, whatever the connection was made to.

    The driver knows only the address, and would have the certificate checked for that. asyncio begins TLS by `wrap_bio` alone;
    anything else would still check for the address, and fail.
    """

    name: str

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002 - the method that it stands for has it so
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Begin TLS with the name, in place of what the driver takes for one."""
        del server_hostname
        return super().wrap_bio(incoming, outgoing, server_side, self.name, session)


def named_tls(name: str, authorities: Path | None) -> NamedTls:
    """Return the TLS of a client for one name, with Python's own defaults.

    Args:
        name: a name or an address that the server's certificate must be for.
        authorities: file of those that may have signed it; the system's where None.

    Raises:
        OSError: the file cannot be used.
    """
    tls = NamedTls(ssl.PROTOCOL_TLS_CLIENT)  # which wants a certificate, and one for the name
    tls.name = name
    tls.verify_flags = ssl.create_default_context(cafile=authorities).verify_flags
    if authorities is None:
        tls.load_default_certs()
    else:
        tls.load_verify_locations(authorities)
    return tls


def connect_pinned(settings: PostgresSettings) -> "Callable[..., Awaitable[Connection]]":
    """Return a function that makes a connection for the driver's pool, to an address of the host that was checked."""
    import asyncpg

    allowed = settings.allowed()

    async def connect(*given: Any, **arguments: Any) -> "Connection":
        """Return a new connection; takes what `asyncpg.connect` takes.

        Raises:
            EgressError: an address of the host is not allowed.
            Exception: what the driver raises; OSError and TimeoutError where there is no connection.
        """
        async with asyncio.timeout(settings.connect_s):
            # To addresses and not to the name, so that nobody looks the name up a second time.
            addresses = await checked_addresses(allowed, settings.host, settings.port)
            return await asyncpg.connect(*given, **(arguments | {"host": addresses}))

    return connect
