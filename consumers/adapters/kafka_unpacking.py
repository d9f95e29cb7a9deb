"""Unpacking what a publisher compressed, up to a bound: aiokafka's own functions have none.

9,622 bytes of zstd make 300 MiB, and brokers only look at the size before. Nothing here makes more than the bound, give
or take the buffer it is made in.
"""

import struct
import zlib
from typing import Any, Final, cast

import cramjam

_XERIAL_HEADER: Final = b"\x82SNAPPY\x00"
_XERIAL_SIZE: Final = 16
_GZIP: Final = zlib.MAX_WBITS | 16
_BLOCK_SIZE: Final = struct.Struct(">i")
_FIRST_BUFFER: Final = 256 * 1024
_GROWTH: Final = 8


class TooLargeError(Exception):
    """There is more in it than the bound allows."""


class DamagedError(Exception):
    """These are not bytes that the algorithm makes."""


class Unpacker:
    """Unpacks by the number that Kafka gives each algorithm. Not to be shared by threads: it keeps a buffer.

    Args:
        limit: the most bytes that may come out.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray(min(limit, _FIRST_BUFFER))
        self._algorithms = {1: self._gzip, 2: self._snappy, 3: self._lz4, 4: self._zstd}

    def unpack(self, algorithm: int, packed: memoryview) -> bytes:
        """Return what is in it.

        Raises:
            TooLargeError: more than the limit.
            DamagedError: it cannot be unpacked at all, or nobody knows the algorithm.
        """
        unpack = self._algorithms.get(algorithm)
        if unpack is None:
            raise DamagedError(f"compression {algorithm} is none of Kafka's")
        try:
            return unpack(packed)
        except (cramjam.DecompressionError, zlib.error, struct.error) as error:
            raise DamagedError(f"it cannot be unpacked: {error}") from error

    def _gzip(self, packed: memoryview) -> bytes:
        members: list[bytes] = []
        unpacked, left = 0, bytes(packed)
        while left:
            member = zlib.decompressobj(_GZIP)
            members.append(member.decompress(left, self._limit - unpacked + 1))
            unpacked += len(members[-1])
            self._check(unpacked)
            if not member.eof:
                raise DamagedError("it ends too early")
            left = member.unused_data.lstrip(b"\0")  # which may fill it up
        return b"".join(members)

    def _lz4(self, packed: memoryview) -> bytes:
        return self._into(cramjam.lz4.decompress_into, packed)

    def _zstd(self, packed: memoryview) -> bytes:
        return self._into(cramjam.zstd.decompress_into, packed)

    def _into(self, decompress: Any, packed: memoryview) -> bytes:
        """Unpack into a buffer that is kept, and grows to the limit at most: as fast as without a bound."""
        source = bytes(packed)
        while True:
            try:
                size = cast("int", decompress(source, self._buffer))
            except cramjam.DecompressionError as error:
                if "whole buffer" not in str(error):
                    raise
                if len(self._buffer) >= self._limit:
                    raise TooLargeError from error
                self._buffer = bytearray(min(self._limit, _GROWTH * len(self._buffer)))
            else:
                return bytes(memoryview(self._buffer)[:size])

    def _snappy(self, packed: memoryview) -> bytes:
        if bytes(packed[: len(_XERIAL_HEADER)]) != _XERIAL_HEADER:
            return self._snappy_block(packed, 0)
        blocks: list[bytes] = []
        unpacked, at = 0, _XERIAL_SIZE
        while at < len(packed):
            (size,) = _BLOCK_SIZE.unpack_from(packed, at)
            at += _BLOCK_SIZE.size
            if size <= 0:  # aiokafka goes back by it, and would never come to an end
                raise DamagedError(f"a block of {size} bytes")
            block = self._snappy_block(packed[at : at + size], unpacked)
            blocks.append(block)
            unpacked += len(block)
            at += size
        return b"".join(blocks)

    def _snappy_block(self, packed: memoryview, before: int) -> bytes:
        block = bytes(packed)
        self._check(before + cramjam.snappy.decompress_raw_len(block))
        return bytes(cramjam.snappy.decompress_raw(block))

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise TooLargeError
