"""A record: Kafka's bytes at a topic, partition and offset, before anybody has judged them."""

from dataclasses import dataclass
from typing import Self

Headers = tuple[tuple[str, bytes], ...]
"""Kafka headers in the record's order; names may repeat."""


class UnreadBatch(bytes):
    """The value of a record that stands for a whole batch: its bytes as they lie in the log, which nobody unpacked.

    Attributes:
        why: it was not unpacked.
    """

    why: str

    def __new__(cls, batch: bytes | memoryview, why: str) -> Self:
        """Keep the bytes, and say why."""
        made = super().__new__(cls, batch)
        made.why = why
        return made


@dataclass(frozen=True, slots=True)
class Record:
    """One Kafka record as it was fetched; nothing in it has been decoded or checked.

    Attributes:
        topic: where it was read.
        partition: the partition of that topic.
        offset: its place in the partition; never part of an identity, since a copy has another one.
        timestamp_ms: Kafka's timestamp in milliseconds since 1970 UTC; negative where there is none.
        key: the record's key, or None.
        value: the record's value; None is a tombstone; an `UnreadBatch` stands for all of its batch.
        headers: in order, with repeated names where the publisher sent them.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    @property
    def next_offset(self) -> int:
        """The offset to commit once this record is finished."""
        return self.offset + 1

    @property
    def size(self) -> int:
        """Bytes of key, value and headers: what holding it in memory costs, roughly."""
        named = sum(len(name) + len(value or b"") for name, value in self.headers)
        return len(self.key or b"") + len(self.value or b"") + named

    @property
    def place(self) -> str:
        """`topic[partition]@offset`, for messages."""
        return f"{self.topic}[{self.partition}]@{self.offset}"


@dataclass(frozen=True, slots=True)
class Encoded:
    """One record ready to be produced; the same message always gives the same bytes.

    Attributes:
        key: the session id, so that one session stays in order on one partition.
        value: the body.
        headers: the CloudEvents attributes and the content type.
    """

    key: bytes
    value: bytes
    headers: Headers


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record to publish.

    Attributes:
        topic: where to.
        key: decides the partition; None is any.
        value: the body; None is a tombstone.
        headers: in order.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
