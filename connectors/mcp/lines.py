"""Cutting what a server sends into messages that are not too long: lines of a process, events of a stream. Pure.

Whoever sends a message that is longer is not to fill our memory; the request that it answers is to fail at once all the
same, so its id is sought at both ends of what was not kept.
"""

import re
from dataclasses import dataclass
from typing import Final

_EDGE: Final = 256
"""Bytes that are kept of both ends of a message that is too long."""
_FIRST: Final = re.compile(rb'\{\s*"jsonrpc"\s*:\s*"2\.0"\s*,\s*"id"\s*:\s*(\d{1,18})\s*,')
_LAST: Final = re.compile(rb'[,{]\s*"id"\s*:\s*(\d{1,18})\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*\Z')


@dataclass(frozen=True, slots=True)
class Cut:
    """One message, or the ends of one that is too long.

    Attributes:
        data: without its end mark; empty where it is too long.
        answers: the id of the request that a message which is too long answers, if that can be told.
        too_long: whether it was longer than the limit.
    """

    data: bytes = b""
    answers: int | None = None
    too_long: bool = False


class Cutter:
    """Cuts a stream of bytes at an end mark. Keeps at most `limit` bytes and one chunk."""

    def __init__(self, limit: int, end: re.Pattern[bytes] = re.compile(rb"\n")) -> None:
        self._limit = limit
        self._end = end
        self._kept = bytearray()
        self._head = b""
        self._dropping = False

    def feed(self, chunk: bytes) -> list[Cut]:
        """Return the messages that this chunk completes."""
        cuts: list[Cut] = []
        # An end mark may have begun in the chunk before.
        start, seen = 0, max(0, len(self._kept) - 3)
        self._kept += chunk
        for found in self._end.finditer(self._kept, seen):
            cuts.append(self._finished(bytes(self._kept[start : found.start()])))
            start = found.end()
        del self._kept[:start]
        if self._dropping or len(self._kept) > self._limit:
            if not self._dropping:
                self._head, self._dropping = bytes(self._kept[:_EDGE]), True
            del self._kept[:-_EDGE]
        return cuts

    def _finished(self, rest: bytes) -> Cut:
        if not self._dropping and len(rest) <= self._limit:
            return Cut(rest)
        head = self._head if self._dropping else rest[:_EDGE]
        self._head, self._dropping = b"", False
        return Cut(answers=answered(head, rest[-_EDGE:]), too_long=True)


def answered(head: bytes, tail: bytes) -> int | None:
    """Return the id of the request that a message answers, from its first and last bytes, or None."""
    found = _FIRST.match(head) or _LAST.search(tail)
    return int(found[1]) if found else None
