"""Compressed batches: what comes out is what went in, and no batch unfolds to more than the bound."""

import gzip
import resource
import struct
from collections.abc import Callable
from typing import Any, Final, Literal

import cramjam
import pytest
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st

from consumers.adapters.kafka_batches import BoundedBatches, bound_batches
from consumers.adapters.kafka_unpacking import DamagedError, TooLargeError, Unpacker
from schemas.record import UnreadBatch

MIB: Final = 1024 * 1024
LIMIT: Final = MIB
BOMB: Final = 300 * MIB
ALGORITHMS: Final = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
every_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS.values(), ids=ALGORITHMS.keys())


def batch(*values: bytes, algorithm: int = 0, first_offset: int = 0) -> bytes:
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=algorithm,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=2 * BOMB,
    )
    for place, value in enumerate(values):
        builder.append(place, 1000 + place, b"key", value, [("name", b"header")])
    built = builder.build()
    struct.pack_into(">q", built, 0, first_offset)
    return bytes(built)


def read(data: bytes) -> list[Any]:
    batches = BoundedBatches(data, Unpacker(LIMIT), LIMIT)
    found: list[Any] = []
    while batches.has_next():
        one = batches.next_batch()
        assert one.validate_crc()
        found += one
    return found


@every_algorithm
def test_a_bomb_is_one_record_with_the_batch_as_it_lies_in_the_log(algorithm: int) -> None:
    packed = batch(bytes(BOMB), algorithm=algorithm, first_offset=40)
    good = batch(b"good", algorithm=algorithm, first_offset=41)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bomb, after = read(packed + good)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert isinstance(bomb.value, UnreadBatch)
    assert bomb.value == packed
    assert bomb.value.why == f"the batch unfolds to more than {LIMIT} bytes (limit `kafka.batch_bytes`)"
    assert (bomb.offset, bomb.key, list(bomb.headers)) == (40, None, [])
    assert (after.offset, after.value) == (41, b"good")
    assert grown < BOMB / 4


def test_the_zstd_bomb_is_the_one_of_under_ten_kilobytes() -> None:
    assert len(batch(bytes(BOMB), algorithm=4)) < 9_800


@pytest.mark.parametrize("algorithm", [0, *ALGORITHMS.values()])
@given(values=st.lists(st.binary(max_size=300), min_size=1, max_size=20))
def test_an_ordinary_batch_is_read_as_aiokafka_reads_it(algorithm: int, values: list[bytes]) -> None:
    data = batch(*values, algorithm=algorithm, first_offset=7)
    theirs: Any = _aiokafkas_own(data).next_batch()
    ours = read(data)
    assert [_parts(record) for record in ours] == [_parts(record) for record in theirs]
    assert [record.value for record in ours] == values


@every_algorithm
def test_a_stand_in_has_the_last_offset_of_its_batch(algorithm: int) -> None:
    (record,) = read(batch(bytes(BOMB // 100), b"2", b"3", algorithm=algorithm, first_offset=10))
    assert record.offset == 12


@every_algorithm
@given(junk=st.binary(min_size=1, max_size=200))
def test_bytes_that_are_not_packed_are_damaged_or_small(algorithm: int, junk: bytes) -> None:
    try:
        unpacked = Unpacker(LIMIT).unpack(algorithm, memoryview(junk))
    except (DamagedError, TooLargeError):
        return
    assert len(unpacked) <= LIMIT


def test_a_damaged_batch_is_handed_on_and_those_behind_it_are_read() -> None:
    raw = bytearray(batch(b"a" * 1000, algorithm=4))
    raw[-20:] = b"\xff" * 20
    batches = BoundedBatches(bytes(raw) + batch(b"good", first_offset=1), Unpacker(LIMIT), LIMIT)
    (damaged,) = list(batches.next_batch())
    assert "the batch is damaged" in damaged.value.why
    assert [record.value for record in batches.next_batch()] == [b"good"]


def test_a_snappy_block_that_leads_backwards_does_not_go_round_for_ever() -> None:
    packed = b"\x82SNAPPY\x00" + struct.pack(">ii", 1, 1) + struct.pack(">i", -4)
    with pytest.raises(DamagedError, match="a block of -4 bytes"):
        Unpacker(LIMIT).unpack(2, memoryview(packed))


def test_many_small_snappy_blocks_count_together() -> None:
    block = bytes(cramjam.snappy.compress_raw(bytes(64 * 1024)))
    packed = b"\x82SNAPPY\x00" + struct.pack(">ii", 1, 1) + (struct.pack(">i", len(block)) + block) * 17
    with pytest.raises(TooLargeError):
        Unpacker(LIMIT).unpack(2, memoryview(packed))


def test_many_gzip_members_count_together() -> None:
    with pytest.raises(TooLargeError):
        Unpacker(LIMIT).unpack(1, memoryview(gzip.compress(bytes(64 * 1024)) * 17))


def test_an_unknown_algorithm_is_damage() -> None:
    with pytest.raises(DamagedError, match="compression 7"):
        Unpacker(LIMIT).unpack(7, memoryview(b""))


@pytest.mark.parametrize("magic", [0, 1])
@pytest.mark.parametrize("size", [10, BOMB // 10])
def test_batches_of_the_old_formats_have_the_same_bound(magic: Literal[0, 1], size: int) -> None:
    builder: Any = LegacyRecordBatchBuilder(magic=magic, compression_type=1, batch_size=BOMB)
    builder.append(0, 1000, b"key", bytes(size))
    (record,) = read(bytes(builder.build()))
    assert isinstance(record.value, UnreadBatch) == (size > LIMIT)
    assert isinstance(record.value, UnreadBatch) or record.value == bytes(size)


@pytest.mark.parametrize("cut", [1, 11, 12, 60])
def test_a_batch_that_was_cut_is_not_read(cut: int) -> None:
    whole = batch(b"value")
    batches = BoundedBatches((whole * 2)[: len(whole) + cut], Unpacker(LIMIT), LIMIT)
    assert batches.next_batch() is not None
    assert not batches.has_next()
    assert batches.next_batch() is None
    assert batches.size_in_bytes() == len(whole) + cut


@pytest.fixture
def own_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "MemoryRecords", fetcher.MemoryRecords)  # and put back


@pytest.mark.usefixtures("own_reader")
def test_the_fetcher_reads_by_the_bound() -> None:
    bound_batches(LIMIT)
    make: Callable[[bytes], Any] = vars(fetcher)["MemoryRecords"]
    assert isinstance(make(b""), BoundedBatches)
    assert "MemoryRecords(part_data[-1])" in _source(fetcher)


def _source(module: Any) -> str:
    with open(module.__file__, encoding="utf-8") as file:  # noqa: PTH123 - a module's own path
        return file.read()


def _aiokafkas_own(data: bytes) -> Any:
    return MemoryRecords(data)


def _parts(record: Any) -> tuple[Any, ...]:
    return (
        record.offset,
        record.timestamp,
        record.timestamp_type,
        record.key,
        record.value,
        list(record.headers),
    )
