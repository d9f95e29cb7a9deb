"""The addresses of a host, looked up once and checked: to be connected to in place of its name, so that nobody asks a second time."""

import asyncio
import socket

from connectors.egress import Egress


async def checked_addresses(egress: Egress, host: str, port: int) -> list[str]:
    """Return the addresses of a host in the resolver's order, each once, at least one, all of them checked.

    One that is not allowed beside others that are is what an attack looks like, so the host is refused as a whole. It waits
    for the resolver as long as that takes: give it a timeout.

    Raises:
        EgressError: an address is not allowed.
        OSError: the name cannot be resolved.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    if not addresses:
        raise OSError(f"{host} has no address")
    for address in addresses:
        egress.check_address(host, address)
    return addresses
