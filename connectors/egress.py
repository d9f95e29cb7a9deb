"""Where a connector may connect to: hosts by name, and addresses that a name may turn out to have. Pure.

Names and addresses are two questions. A host's name is trusted where an operator wrote it: `base_url` (or `host`) and
`egress`. What that name resolves to is not, because somebody else answers: an address that is not on the internet
(loopback, private, link-local, cloud metadata, …) is refused unless `egress` lists it. An address that is itself written
there was written by the operator, too, and counts as listed; so does this machine for the name `localhost` (RFC 6761).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from connectors.addresses import Address, Network, carried, kind_of
from connectors.errors import FailedError

_NAME: Final = re.compile(
    r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
_NUMERIC_LABEL: Final = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)")
_PLAIN_URL: Final = re.compile(r"[\x21-\x7e]+")
_LONGEST_NAME: Final = 253
_PORTS: Final = {"http": 80, "https": 443}
_MOST_PORTS: Final = 65_535
_SHOWN: Final = 100
_LOCALHOST: Final = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class EgressError(FailedError):
    """A connection that the connector's egress list does not allow. Nothing was sent.

    Attributes:
        host: the host as it was asked for.
    """

    def __init__(self, host: str, why: str) -> None:
        super().__init__(f"{host[:_SHOWN]}: {why}", code="egress_refused")
        self.host = host


class Origin(NamedTuple):
    """Scheme, host and port of a URL; the host in lower case, an IPv6 address without brackets."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Egress:
    """What one connector may connect to.

    Attributes:
        hosts: names and addresses, with a port or with None for any.
        networks: addresses that a name may resolve to although they are not on the internet.
    """

    hosts: frozenset[tuple[str, int | None]]
    networks: tuple[Network, ...]

    def check_origin(self, origin: Origin) -> None:
        """Check that a host may be asked at all.

        Raises:
            EgressError: it is not listed.
        """
        if not {(origin.host, None), (origin.host, origin.port)} & self.hosts:
            raise EgressError(origin.host, f"not on the egress list; add {origin.host}:{origin.port} to it")

    def check_address(self, host: str, address: str) -> None:
        """Check that an address may be connected to.

        Args:
            host: the name that was resolved to it, for the message.
            address: in its canonical spelling, as a resolver returns it; with or without a scope.

        Raises:
            EgressError: it is special and not listed.
        """
        found = _address(address.partition("%")[0])
        kind = kind_of(found)
        if kind is None:
            return
        same = (found, *carried(found))
        for network in self.networks:
            # Whoever lists a wide network does not mean the one address in it that gives away credentials.
            named = kind != "cloud metadata" or network.num_addresses == 1
            if named and any(each.version == network.version and each in network for each in same):
                return
        raise EgressError(
            host, f"its address {found} is {kind}; add {found} or its network to the egress list"
        )


def egress_of(base_url: str, listed: Sequence[str] = ()) -> Egress:
    """Return the policy of a connector: the host of its base_url, and what is listed beside it.

    Args:
        base_url: written by an operator: its host counts as listed, and as an address where it is one.
        listed: `host`, `host:port`, an address, `[IPv6]:port`, or a network such as `10.1.0.0/16`.

    Raises:
        ValueError: the URL or an entry is none of these.
    """
    own = origin_of(base_url)
    return _egress(own.host, own.port, listed)


def egress_of_host(host: str, port: int, listed: Sequence[str] = ()) -> Egress:
    """Return the policy of a connector that speaks to one host, which it has no URL of.

    Args:
        host: a name or an address; written by an operator, as of `egress_of`.
        port: of its system.
        listed: as of `egress_of`.

    Raises:
        ValueError: the host is neither, or an entry is none.
    """
    return _egress(_host(host), port, listed)


def _egress(own: str, port: int, listed: Sequence[str]) -> Egress:
    hosts: set[tuple[str, int | None]] = {(own, port)}
    networks: list[Network] = []
    for entry in listed:
        if "/" in entry:
            networks.append(_network(entry))
        else:
            hosts.add(_host_and_port(entry))
    for host, _ in hosts:
        if host == "localhost":
            networks += _LOCALHOST
        elif (literal := literal_of(host)) is not None:
            networks.append(ip_network(literal))
    return Egress(frozenset(hosts), tuple(networks))


def check_entry(entry: str) -> None:
    """Check one entry of an egress list; see `egress_of`.

    Raises:
        ValueError: it is no host, address or network.
    """
    _ = _network(entry) if "/" in entry else _host_and_port(entry)


def origin_of(url: str) -> Origin:
    """Return the origin of a URL that may have a path, and nothing else.

    Strict on purpose: what two libraries could read differently is refused.

    Raises:
        ValueError: it is no such URL; the message does not repeat what may be a password.
    """
    if not _PLAIN_URL.fullmatch(url) or "\\" in url:
        raise ValueError(
            "base_url must be printable ASCII without spaces or backslashes; write other letters of a host as xn--…"
        )
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(
            f"base_url {(parts.hostname or '')[:_SHOWN]!r} must be http(s)://host[:port][/prefix]"
        )
    if "@" in parts.netloc or "?" in url or "#" in url:
        raise ValueError(
            f"base_url for {parts.hostname[:_SHOWN]} must have no credentials, query or fragment"
        )
    host = _host(parts.hostname)
    try:
        port = parts.port
    except ValueError:
        raise ValueError(f"base_url for {host} has a port that is none") from None
    return Origin(parts.scheme, host, _PORTS[parts.scheme] if port is None else port)


def literal_of(host: str) -> Address | None:
    """Return the address that a host is, or None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _host(host: str) -> str:
    """Return a host as names and addresses are compared.

    Raises:
        ValueError: it is neither a name nor a canonical address.
    """
    if "%" in host:
        raise ValueError(f"host {host[:_SHOWN]!r} has a scope or an escaped character; write it plainly")
    if (literal := literal_of(host)) is not None:
        return str(literal)
    name = host.lower()
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        raise ValueError(
            f"host {host[:_SHOWN]!r} is no host: write a name in ASCII without a dot at its end, or an address"
        )
    if _NUMERIC_LABEL.fullmatch(name.rpartition(".")[2]):
        raise ValueError(f"host {host[:_SHOWN]!r} is a number; write an address as 192.0.2.1")
    return name


def _host_and_port(entry: str) -> tuple[str, int | None]:
    if literal_of(entry) is not None:
        return _host(entry), None
    if entry.startswith("["):
        host, closed, rest = entry[1:].partition("]")
        port = rest.removeprefix(":") if rest else None
        if not closed or literal_of(host) is None or (rest and not rest.startswith(":")):
            raise ValueError(f"egress entry {entry[:_SHOWN]!r} is no address: write [2001:db8::1]:443")
    else:
        host, colon, after = entry.partition(":")
        port = after if colon else None
    if port is not None and not (port.isascii() and port.isdigit() and 0 < int(port) <= _MOST_PORTS):
        raise ValueError(f"egress entry {entry[:_SHOWN]!r} is none: write host, host:port or 10.1.0.0/16")
    return _host(host), None if port is None else int(port)


def _network(entry: str) -> Network:
    try:
        network = ip_network(entry)
    except ValueError as error:
        raise ValueError(f"egress entry {entry[:_SHOWN]!r} is no network: {error}") from None
    return network


def _address(text: str) -> Address:
    try:
        return ip_address(text)
    except ValueError:
        raise EgressError(text, "is no address that can be checked") from None
