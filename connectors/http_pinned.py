"""Connections that are made to the address that was checked, and to no other.

aiohttp asks a resolver once for a new connection and connects to what it answered, so checking there is checking what
is connected to: nobody looks the name up a second time, and an answer that changes in between (DNS rebinding) changes
nothing. It asks no resolver for a host that is an address, so every socket is checked once more where it is made.
"""

import socket
from collections.abc import Sequence
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from connectors.egress import Egress


class CheckedResolver(AbstractResolver):
    """Asks another resolver, and refuses names of which any address is not allowed."""

    def __init__(self, egress: Egress, resolver: AbstractResolver) -> None:
        self._egress = egress
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host, all of them checked.

        One that is not allowed beside others that are is what an attack looks like, so the name is refused as a whole.

        Raises:
            EgressError: an address is not allowed.
            OSError: the name cannot be resolved.
        """
        found = await self._resolver.resolve(host, port, family)
        for each in found:
            self._egress.check_address(host, each["host"])
        return found

    async def close(self) -> None:
        """Close the other resolver."""
        await self._resolver.close()


def pinned_connector(
    egress: Egress, *, limit: int, resolver: AbstractResolver | None = None
) -> aiohttp.TCPConnector:
    """Return a pool of connections that may go where `egress` says.

    Args:
        egress: judges every address.
        limit: connections at once.
        resolver: resolves names; the system's where None.
    """

    def checked_socket(address: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, where = address
        host: Sequence[Any] = where
        egress.check_address(str(host[0]), str(host[0]))
        return socket.socket(family=family, type=kind, proto=protocol)

    return aiohttp.TCPConnector(
        limit=limit,
        resolver=CheckedResolver(egress, resolver or aiohttp.ThreadedResolver()),
        socket_factory=checked_socket,
    )
