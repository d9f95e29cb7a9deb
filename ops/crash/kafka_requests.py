"""Requests of Kafka's protocol, read as far as it takes to tell them apart."""

import struct
from collections import Counter
from collections.abc import Callable, Mapping

from watched import topic_name

_PRODUCE, _FETCH, _OFFSET_COMMIT = 0, 1, 8
_COUNT_AT = 57
"""Where a batch of records says how many it holds."""


def commits(request: bytes) -> bool:
    """Whether a request, with its length in front, commits offsets."""
    return _kind(request) == _OFFSET_COMMIT


def fetches(request: bytes) -> bool:
    """Whether a request asks for records."""
    return _kind(request) == _FETCH


def last_of(records: Mapping[str, int]) -> Callable[[bytes], bool]:
    """Return what tells the request that publishes the last of so many records to each topic."""
    missing = Counter(records)

    def chosen(request: bytes) -> bool:
        if _kind(request) != _PRODUCE:
            return False
        missing.subtract(published(request))
        return all(count <= 0 for count in missing.values())

    return chosen


def published(request: bytes) -> dict[str, int]:
    """Return how many records a produce request (version 3 to 8) publishes to each topic."""
    at = 12  # length, kind, version, number
    _client, at = _text(request, at)
    _transaction, at = _text(request, at)
    at += 6  # acknowledgements, timeout
    topics, at = _int(request, at)
    found: Counter[str] = Counter()
    for _ in range(topics):
        name, at = _text(request, at)
        partitions, at = _int(request, at)
        for _ in range(partitions):
            _number, at = _int(request, at)
            size, at = _int(request, at)
            found[topic_name(name)] += _int(request, at + _COUNT_AT)[0]
            at += size
    return dict(found)


def _kind(request: bytes) -> int:
    return struct.unpack_from(">h", request, 4)[0]


def _int(request: bytes, at: int) -> tuple[int, int]:
    return struct.unpack_from(">i", request, at)[0], at + 4


def _text(request: bytes, at: int) -> tuple[str, int]:
    (size,) = struct.unpack_from(">h", request, at)
    after = at + 2 + max(0, size)
    return request[at + 2 : after].decode(), after
