"""Which IP addresses are nobody's business but the operator's: loopback, private, link-local, metadata and so on. Pure.

After the registries of special-purpose addresses (IANA, RFC 6890), written out here because what `ipaddress` calls
global differs between versions of Python. An IPv6 address that carries an IPv4 one (mapped, NAT64, 6to4, Teredo, ISATAP)
counts as the one it carries: some gateway or kernel will go there.
"""

from collections.abc import Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

METADATA: Final = frozenset(
    map(
        ip_address,
        (
            "169.254.169.254",  # AWS, Google, Azure, Oracle, DigitalOcean, OpenStack
            "169.254.170.2",  # AWS, credentials of a container
            "169.254.170.23",  # AWS, identity of a pod
            "168.63.129.16",  # Azure; not special in any registry
            "100.100.100.200",  # Alibaba
            "192.0.0.192",  # Oracle
            "fd00:ec2::254",  # AWS
            "fd00:ec2::23",  # AWS, identity of a pod
            "fd20:ce::254",  # Google
        ),
    )
)
"""Where clouds hand credentials to whoever asks from inside."""

_KINDS_4: Final = tuple(
    (IPv4Network(network), kind)
    for network, kind in (
        ("0.0.0.0/8", "this host"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by a carrier"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "reserved"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)
_KINDS_6: Final = tuple(
    (IPv6Network(network), kind)
    for network, kind in (
        ("::/128", "this host"),
        ("::1/128", "loopback"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "private"),
        ("ff00::/8", "multicast"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "documentation"),
        ("3fff::/20", "documentation"),
    )
)
_GLOBAL_6: Final = IPv6Network("2000::/3")
"""All that is given out so far (RFC 4291); whatever lies outside is not on the internet."""
_NAT64: Final = IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = IPv6Network("::/96")
_ISATAP: Final = (0x0000_5EFE, 0x0200_5EFE)


@lru_cache(maxsize=1024)
def kind_of(address: Address) -> str | None:
    """Return what makes an address special, such as `private`; None for one on the internet.

    Args:
        address: without a scope.
    """
    found = (_plain_kind(each) for each in (*carried(address), address))
    return next((kind for kind in found if kind), None)


def carried(address: Address) -> Iterator[IPv4Address]:
    """Yield the IPv4 addresses that an IPv6 address carries, by the schemes that put them there."""
    if isinstance(address, IPv4Address):
        return
    if (mapped := address.ipv4_mapped) is not None:
        yield mapped
    if (sixtofour := address.sixtofour) is not None:
        yield sixtofour
    if (teredo := address.teredo) is not None:
        yield from teredo
    low = int(address) & 0xFFFF_FFFF
    if address in _NAT64 or (address in _COMPATIBLE and low > 1):
        yield IPv4Address(low)
    if int(address) >> 32 & 0xFFFF_FFFF in _ISATAP:
        yield IPv4Address(low)


def _plain_kind(address: Address) -> str | None:
    if address in METADATA:
        return "cloud metadata"
    if isinstance(address, IPv4Address):
        return next((kind for network, kind in _KINDS_4 if address in network), None)
    named = next((kind for network, kind in _KINDS_6 if address in network), None)
    if named or address in _GLOBAL_6 or any(True for _ in carried(address)):
        return named
    return "reserved"
