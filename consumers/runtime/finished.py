"""What is finished above the committed offset, as a short text for the commit's metadata: pure.

From the committed offset on, all below `upto` is finished except the offsets listed. The list is written as the
distances between its offsets or as a bit set, whichever is shorter (as Confluent's Parallel Consumer does). It never
outgrows its room: what does not fit is forgotten from the top, and is worked again after a restart, without effect.
"""

import base64
import zlib
from collections.abc import Sequence
from typing import Final

ROOM: Final = 4096
"""Bytes of metadata that brokers take by default (`offset.metadata.max.bytes`)."""
NEARLY_FULL: Final = ROOM * 3 // 4
"""From here on nothing new is taken of the partition, so that nothing has to be forgotten."""

_DISTANCES: Final = "d1:"
_BITS: Final = "b1:"
SEQUEL: Final = " "
"""What follows it is not about offsets: a mark by which a transaction recognises its own commit."""
_DIGIT: Final = 0x7F
_MORE: Final = 0x80
_SUM_BYTES: Final = 4


def encode(next_offset: int, upto: int, unfinished: Sequence[int], *, room: int = ROOM) -> str:
    """Return the text; empty where nothing is finished above.

    Args:
        next_offset: the committed offset; if anything is finished above it, it is the first unfinished one.
        upto: the offset after the last one known.
        unfinished: ascending, each in `next_offset <= offset < upto`.
        room: bytes that the text may have.
    """
    text = _shortest(next_offset, upto, unfinished)
    kept = len(unfinished)
    while len(text) > room:
        kept = kept * room // len(text) if kept > 1 else 0
        if kept == 0:
            return ""
        text = _shortest(next_offset, unfinished[kept], unfinished[:kept])
    return text


def decode(next_offset: int, text: str) -> tuple[int, list[int]]:
    """Return `upto` and the unfinished offsets below it.

    Raises:
        ValueError: the text is not one of ours.
    """
    text = text.partition(SEQUEL)[0]
    if not text:
        return next_offset, []
    kind, body = text[:3], text[3:]
    if kind not in {_DISTANCES, _BITS}:
        raise ValueError("it was written by something else")
    try:
        whole = base64.b85decode(body)
    except ValueError as error:
        raise ValueError("it is damaged") from error
    data = whole[_SUM_BYTES:]
    if whole[:_SUM_BYTES] != _sum(next_offset, data):
        raise ValueError("it is damaged, or belongs to another offset")
    span, start = _number(data, 0)
    found = _from_distances(data, start) if kind == _DISTANCES else _from_bits(data[start:])
    if found and found[-1] >= span:
        raise ValueError("it names offsets above its own end")
    return next_offset + span, [next_offset + at for at in found]


def _shortest(next_offset: int, upto: int, unfinished: Sequence[int]) -> str:
    if upto == next_offset or len(unfinished) == upto - next_offset:
        return ""
    head = _bytes_of(upto - next_offset)
    distances = bytearray(head)
    before = next_offset
    for offset in unfinished:
        distances += _bytes_of(offset - before)
        before = offset
    bits_size = ((unfinished[-1] - next_offset) >> 3) + 1 if unfinished else 0
    if len(head) + bits_size >= len(distances):
        return _text(_DISTANCES, next_offset, bytes(distances))
    bits = bytearray(bits_size)
    for offset in unfinished:
        at = offset - next_offset
        bits[at >> 3] |= 1 << (at & 7)
    return _text(_BITS, next_offset, head + bytes(bits))


def _text(kind: str, next_offset: int, data: bytes) -> str:
    return kind + base64.b85encode(_sum(next_offset, data) + data).decode()


def _sum(next_offset: int, data: bytes) -> bytes:
    """Return a checksum: believing a damaged text would skip records."""
    return zlib.crc32(data, next_offset & 0xFFFFFFFF).to_bytes(_SUM_BYTES)


def _bytes_of(number: int) -> bytes:
    """Return a number in base 128, low digits first (LEB128)."""
    digits = bytearray()
    while number > _DIGIT:
        digits.append(number & _DIGIT | _MORE)
        number >>= 7
    digits.append(number)
    return bytes(digits)


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Return a number and where the next one begins."""
    number = shift = 0
    while at < len(data):
        digit = data[at]
        number |= (digit & _DIGIT) << shift
        at += 1
        if digit < _MORE:
            return number, at
        shift += 7
    raise ValueError("it ends within a number")


def _from_distances(data: bytes, at: int) -> list[int]:
    found: list[int] = []
    offset = 0
    while at < len(data):
        distance, at = _number(data, at)
        if found and not distance:
            raise ValueError("it names an offset twice")
        offset += distance
        found.append(offset)
    return found


def _from_bits(data: bytes) -> list[int]:
    return [8 * at + bit for at, byte in enumerate(data) for bit in range(8) if byte >> bit & 1]
