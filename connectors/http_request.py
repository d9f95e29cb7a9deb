"""One HTTP request and its answer, as values. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote, urlencode

from connectors.errors import FailedError

_SHOWN: Final = 16_384
"""Bytes of a body that a rehearsal shows."""
_QUOTED: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*")
"""One segment of a path, as RFC 3986 wants it."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request, complete but for who sends it.

    Attributes:
        method: in capitals.
        path: segments; each is quoted as a whole. None of them is the URL of the client itself.
        query: names and values, not encoded yet.
        headers: names and values; the caller has checked that each is one line of printable ASCII.
        data: the body, or None.
        changes: whether it is to change something, so that a lost answer matters.
        slash: whether the path ends with one.
        quoted: whether the segments are quoted already, where some of their signs must be sent as they are (`:cancel`).
    """

    method: str
    path: tuple[str, ...]
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    data: bytes | None = None
    changes: bool = True
    slash: bool = False
    quoted: bool = False

    def __str__(self) -> str:
        """Show it for people; the body as far as it is text."""
        query = f"?{urlencode(self.query)}" if self.query else ""
        lines = [f"{self.method} /{'/'.join(self.path)}{'/' if self.slash else ''}{query}"]
        lines += (f"{name}: {value}" for name, value in self.headers)
        if self.data is not None:
            lines += ("", self.data[:_SHOWN].decode(errors="replace"))
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One answer, whole.

    Attributes:
        status: the HTTP status.
        headers: case-insensitive.
        body: empty where it was longer than the limit and the status is no success.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


def written_path(request: HttpRequest) -> tuple[str, ...]:
    """Return what follows a base URL, slash by slash: quoted segments, and nothing behind a slash at the end.

    Raises:
        FailedError: code `invalid_path`: a segment is empty, dotted, or not quoted although it should be.
    """
    path = request.path
    if request.quoted:
        if not all(map(_QUOTED.fullmatch, path)):
            raise FailedError(f"no such path: {path!r} is not quoted", code="invalid_path")
        path = tuple(map(unquote, path))
    if not all(path) or not {".", ".."}.isdisjoint(path):
        raise FailedError(f"no such path: {path!r} has an empty or dotted segment", code="invalid_path")
    written = request.path if request.quoted else tuple(quote(segment, safe="") for segment in path)
    return (*written, "") if request.slash else written
