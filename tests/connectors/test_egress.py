"""What an egress list allows and what it refuses, by spelling and by address."""

from ipaddress import ip_address

import pytest

from connectors.addresses import METADATA, kind_of
from connectors.egress import EgressError, egress_of, origin_of

SPECIAL = {
    "0.0.0.0": "this host",
    "0.1.2.3": "this host",
    "10.1.2.3": "private",
    "100.64.0.1": "shared by a carrier",
    "100.100.100.200": "cloud metadata",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "168.63.129.16": "cloud metadata",
    "169.254.1.1": "link-local",
    "169.254.169.254": "cloud metadata",
    "169.254.170.2": "cloud metadata",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.0.0.192": "cloud metadata",
    "192.0.0.8": "reserved",
    "192.0.2.1": "documentation",
    "192.88.99.1": "reserved",
    "192.168.1.1": "private",
    "198.18.0.1": "benchmarking",
    "198.51.100.1": "documentation",
    "203.0.113.1": "documentation",
    "224.0.1.1": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "reserved",
    "::": "this host",
    "::1": "loopback",
    "::127.0.0.1": "loopback",
    "::ffff:127.0.0.1": "loopback",
    "::ffff:169.254.169.254": "cloud metadata",
    "::ffff:0:10.0.0.1": "reserved",
    "64:ff9b::10.0.0.1": "private",
    "64:ff9b::a9fe:a9fe": "cloud metadata",
    "64:ff9b:1::1": "reserved",
    "100::1": "reserved",
    "2001::1": "this host",  # Teredo carries two: here 0.0.0.0 is the server
    "2001:2::1": "reserved",
    "2001:db8::1": "documentation",
    "2002:7f00:1::": "loopback",
    "2002:a9fe:a9fe::": "cloud metadata",
    "2002:c0a8:101::1": "private",
    "2600::200:5efe:10.0.0.1": "private",
    "2600::5efe:169.254.169.254": "cloud metadata",
    "3fff::1": "documentation",
    "4000::1": "reserved",
    "fc00::1": "private",
    "fd00:ec2::254": "cloud metadata",
    "fd20:ce::254": "cloud metadata",
    "fe80::1": "link-local",
    "fec0::1": "private",
    "ff02::1": "multicast",
}


@pytest.mark.parametrize(("address", "kind"), SPECIAL.items())
def test_an_address_that_is_not_on_the_internet_is_known_by_kind(address: str, kind: str) -> None:
    assert kind_of(ip_address(address)) == kind


@pytest.mark.parametrize("address", SPECIAL)
def test_a_name_may_not_resolve_to_one_unless_it_is_listed(address: str) -> None:
    with pytest.raises(EgressError, match=r"erp\.example\.com: its address .* to the egress list"):
        egress_of("https://erp.example.com").check_address("erp.example.com", address)
    prefix = 32 if ":" not in address else 128
    egress_of("https://erp.example.com", [f"{address}/{prefix}"]).check_address("erp.example.com", address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"],
)
def test_an_address_on_the_internet_is_nobodys_business(address: str) -> None:
    assert kind_of(ip_address(address)) is None
    egress_of("https://erp.example.com").check_address("erp.example.com", address)


@pytest.mark.parametrize("address", sorted(map(str, METADATA)))
def test_a_wide_network_does_not_open_what_gives_away_credentials(address: str) -> None:
    everything = ["0.0.0.0/0", "::/0"]
    with pytest.raises(EgressError, match="cloud metadata"):
        egress_of("https://erp.example.com", everything).check_address("erp.example.com", address)
    egress_of("https://erp.example.com", [*everything, address]).check_address("erp.example.com", address)


def test_a_network_of_ipv4_counts_for_addresses_that_carry_one_of_it() -> None:
    listed = egress_of("https://erp.example.com", ["10.1.0.0/16"])
    for address in ("10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3"):
        listed.check_address("erp.example.com", address)
    for address in ("10.2.0.1", "::ffff:10.2.0.1"):
        with pytest.raises(EgressError):
            listed.check_address("erp.example.com", address)


@pytest.mark.parametrize(
    ("base_url", "address"),
    [
        ("http://127.0.0.1:8082", "127.0.0.1"),
        ("http://10.1.2.3", "10.1.2.3"),
        ("http://[::1]:8082/api", "::1"),
        ("http://localhost:8082", "127.0.0.1"),
        ("http://LOCALHOST:8082", "::1"),
    ],
)
def test_an_address_that_the_operator_wrote_counts_as_listed(base_url: str, address: str) -> None:
    listed = egress_of(base_url)
    listed.check_address("somewhere", address)
    with pytest.raises(EgressError):
        listed.check_address("somewhere", "10.9.9.9")


@pytest.mark.parametrize(
    ("listed", "url", "allowed"),
    [
        ((), "https://erp.example.com", True),
        ((), "https://ERP.example.com:443/api", True),
        ((), "https://erp.example.com:8443", False),
        ((), "http://erp.example.com", False),
        ((), "https://other.example.com", False),
        ((), "https://erp.example.com.evil.example", False),
        ((), "https://xerp.example.com", False),
        (("other.example.com",), "https://other.example.com:9443", True),
        (("Other.Example.com:9443",), "https://other.example.com:9443", True),
        (("other.example.com:9443",), "https://other.example.com", False),
        (("10.1.0.0/16",), "https://10.1.2.3", False),
        (("10.1.2.3",), "https://10.1.2.3", True),
        (("2606:4700::1",), "https://[2606:4700:0::1]", True),
        (("[2606:4700::1]:8443",), "https://[2606:4700::1]:8443", True),
        (("[2606:4700::1]:8443",), "https://[2606:4700::1]", False),
    ],
)
def test_a_host_is_asked_only_if_it_is_listed(listed: tuple[str, ...], url: str, allowed: bool) -> None:
    egress = egress_of("https://erp.example.com/prefix", listed)
    if allowed:
        egress.check_origin(origin_of(url))
    else:
        with pytest.raises(EgressError, match="not on the egress list; add "):
            egress.check_origin(origin_of(url))


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "https://erp.example.com",
        "erp.example.com/path",
        "erp.example.com:",
        "erp.example.com:0",
        "erp.example.com:70000",
        "erp.example.com:٤٤٣",
        "*.example.com",
        "erp.example.com.",
        "еrp.example.com",  # noqa: RUF001 - a Cyrillic letter
        "user@erp.example.com",
        "10.1.2.3/16",
        "10.1",
        "2130706433",
        "[10.1.2.3",
        "[erp]:443",
        "fe80::1%eth0",
    ],
)
def test_an_entry_that_is_no_host_and_no_network_is_refused_at_the_start(entry: str) -> None:
    with pytest.raises(ValueError, match=r"egress entry|host '"):
        egress_of("https://erp.example.com", [entry])
