"""Reading the batches of a fetch within a bound, in the place of aiokafka's own reader of them.

A batch that unfolds to more, or cannot be unpacked, is handed on as it lies in the log: as the value of one record in
its place, an `UnreadBatch`. So it takes the way of any record that cannot be read, to the dead letters, byte for byte,
and those behind it go on. aiokafka would unpack it whatever its size, or raise, for ever at the same offset.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.legacy_records import LegacyRecordBatch

from consumers.adapters.kafka_unpacking import DamagedError, TooLargeError, Unpacker
from schemas.record import UnreadBatch

_FRONT: Final = struct.Struct(">qi")
"""Offset and length, which all formats begin with."""
_MAGIC_AT: Final = 16
_HEADER: Final = struct.Struct(">qiibIhiqqqhii")
"""Of format 2: base offset, length, leader epoch, magic, CRC, attributes, last offset delta, two timestamps, producer id
and epoch, base sequence, number of records."""
_ATTRIBUTES_AT: Final = struct.calcsize(">qiibI")
_ATTRIBUTES: Final = struct.Struct(">h")
_OLD_ATTRIBUTES_AT: Final = _MAGIC_AT + 1
_OLD_HEADERS: Final = {0: struct.calcsize(">qiIbb"), 1: struct.calcsize(">qiIbbq")}
_OLD_LENGTH: Final = struct.Struct(">i")
_CODEC_MASK: Final = 0x07


def bound_batches(limit: int) -> None:
    """Bound what one batch may unfold to, for all consumers of this process."""
    unpacker = Unpacker(limit)

    def bounded(data: bytes | None) -> BoundedBatches:
        return BoundedBatches(data, unpacker, limit)

    # The one name by which the fetcher makes its reader of batches; there is no public way in.
    fetcher.MemoryRecords = bounded  # pyright: ignore[reportAttributeAccessIssue] - see above


@dataclass(frozen=True, slots=True)
class _Unread:
    """What the fetcher takes of a record."""

    offset: int
    value: UnreadBatch
    timestamp: int = -1
    timestamp_type: int = 0
    key: None = None
    checksum: None = None
    headers: tuple[()] = ()


class BoundedBatches:
    """The batches of one partition in one answer of a broker: what the fetcher asks of `MemoryRecords`, no more."""

    def __init__(self, data: bytes | None, unpacker: Unpacker, limit: int) -> None:
        self._data = memoryview(data or b"")
        self._unpacker = unpacker
        self._limit = limit
        self._at = 0
        self._end = self._end_of_next()

    def size_in_bytes(self) -> int:
        """Return how long the whole answer is."""
        return len(self._data)

    def has_next(self) -> bool:
        """Say whether a whole batch is left; brokers may cut the last one."""
        return self._end is not None

    def next_batch(self) -> Any:
        """Return the next batch.

        Raises:
            CorruptRecordException: it is shorter than any batch can be.
        """
        if self._end is None:
            return None
        raw = self._data[self._at : self._end]
        self._at = self._end
        self._end = self._end_of_next()
        if len(raw) < _OLD_HEADERS[0] + 2 * _OLD_LENGTH.size:
            raise CorruptRecordException(f"a batch of {len(raw)} bytes")
        if raw[_MAGIC_AT] < 2:  # noqa: PLR2004 - the format's number
            return self._old(raw, raw[_MAGIC_AT])
        batch = DefaultRecordBatch(raw)
        return _Bounded(batch, raw, self._records_of) if _algorithm(raw) else batch

    def _end_of_next(self) -> int | None:
        if len(self._data) - self._at < _FRONT.size:
            return None
        _, length = _FRONT.unpack_from(self._data, self._at)
        end = self._at + _FRONT.size + length
        return end if length >= 0 and end <= len(self._data) else None

    def _records_of(self, batch: Any, raw: memoryview) -> Iterator[Any]:
        try:
            unpacked = self._unpacker.unpack(_algorithm(raw), raw[_HEADER.size :])
        except (TooLargeError, DamagedError) as error:
            return iter([self._unread(batch, raw, error)])
        plain = bytearray(raw[: _HEADER.size])
        (attributes,) = _ATTRIBUTES.unpack_from(plain, _ATTRIBUTES_AT)
        _ATTRIBUTES.pack_into(plain, _ATTRIBUTES_AT, attributes & ~_CODEC_MASK)
        # Its checksum was looked at before: it is of the packed form.
        return iter(DefaultRecordBatch(bytes(plain) + unpacked))

    def _old(self, raw: memoryview, magic: int) -> Any:
        batch = LegacyRecordBatch(raw, magic)
        algorithm = raw[_OLD_ATTRIBUTES_AT] & _CODEC_MASK
        if not algorithm:
            return batch
        return _Bounded(batch, raw, self._old_records_of)

    def _old_records_of(self, batch: Any, raw: memoryview) -> Iterator[Any]:
        """Try it first: aiokafka then unpacks it again. Nobody writes this format since 2017."""
        try:
            at = _OLD_HEADERS[raw[_MAGIC_AT]]
            at += _OLD_LENGTH.size + max(0, _OLD_LENGTH.unpack_from(raw, at)[0])
            (size,) = _OLD_LENGTH.unpack_from(raw, at)
            at += _OLD_LENGTH.size
            self._unpacker.unpack(raw[_OLD_ATTRIBUTES_AT] & _CODEC_MASK, raw[at : at + size])
        except (TooLargeError, DamagedError, struct.error) as error:
            return iter([self._unread(batch, raw, error)])
        return iter(batch)

    def _unread(self, batch: Any, raw: memoryview, error: Exception) -> _Unread:
        why = (
            f"the batch unfolds to more than {self._limit} bytes (limit `kafka.batch_bytes`)"
            if isinstance(error, TooLargeError)
            else f"the batch is damaged: {error}"
        )
        # At its last offset, so that it is not taken for one that was read already.
        return _Unread(batch.next_offset - 1, UnreadBatch(raw, why))


class _Bounded:
    """A compressed batch: aiokafka's, but for how its records are read."""

    def __init__(self, batch: Any, raw: memoryview, records_of: Any) -> None:
        self._batch = batch
        self._raw = raw
        self._records_of = records_of

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        return self._records_of(self._batch, self._raw)

    def __next__(self) -> Any:
        return next(iter(self))


def _algorithm(raw: memoryview) -> int:
    return _ATTRIBUTES.unpack_from(raw, _ATTRIBUTES_AT)[0] & _CODEC_MASK
