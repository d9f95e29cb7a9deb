"""Formats of texts in JSON Schema that are checked, by RFC 3339 and its kin. Pure.

Other formats only describe: what a service means by `password` or `phone` it alone knows.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Final
from uuid import UUID

_DATE: Final = r"\d{4}-\d\d-\d\d"
_TIME: Final = r"\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)"
_UUID: Final = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"


def _date(text: str) -> None:
    _held(text, _DATE)
    date.fromisoformat(text)


def _time(text: str) -> None:
    _held(text, _TIME)
    time.fromisoformat(_microseconds(text))


def _date_time(text: str) -> None:
    _held(text, f"{_DATE}[Tt]{_TIME}")
    datetime.fromisoformat(_microseconds(text.upper()))


def _uuid(text: str) -> None:
    _held(text, _UUID)
    UUID(text)


def _held(text: str, pattern: str) -> None:
    if not re.fullmatch(pattern, text, re.ASCII):
        raise ValueError(text)


def _microseconds(text: str) -> str:
    """Python reads six digits of a second at most."""
    return re.sub(r"(\.\d{6})\d+", r"\1", text)


CHECKS: Final[Mapping[str, tuple[Callable[[str], object], str]]] = {
    "date": (_date, "a date such as 2024-05-31"),
    "time": (_time, "a time with its offset, such as 10:30:00Z"),
    "date-time": (_date_time, "a time with its offset, such as 2024-05-31T10:30:00Z"),
    "uuid": (_uuid, "a UUID such as 0b0c6c0e-7a5c-4d5e-9d2f-3a8f6f1b2c3d"),
    "ipv4": (ipaddress.IPv4Address, "an IPv4 address"),
    "ipv6": (ipaddress.IPv6Address, "an IPv6 address"),
}
"""For each format, what raises ValueError for a text that does not have it, and what it looks like."""
