"""What publishers may send that nobody wants: each has a stated result on a real Kafka, and none stops the worker."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest

from consumers.adapters.kafka_reader import topic_reader
from schemas.codec.headers import CONTENT_TYPE
from schemas.dead_letter import DeadLetter, dead_letter_of
from schemas.outcome import Status
from schemas.record import Headers, Outgoing
from tests.integration.stage import Stage, order
from tests.kafka.shared_cluster import shared_stage

TOPIC = "erp.orders"
KEY = b"customer"
MIB = 1024 * 1024


@dataclass(frozen=True)
class Bad:
    """One record, and what its dead letter says."""

    name: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    says: str


BAD = [
    Bad("a value that is nothing", KEY, b"\x80not an event", (), "JSON"),
    Bad("an unknown schema", KEY, b"\x00\x7f\xff\xff\xff\x00", (), "schema"),
    Bad("a tombstone", KEY, None, (), "value"),
    Bad("a tombstone without a key", None, None, (), "value"),
    Bad("a value over the cap", KEY, b"{" + b" " * (MIB + 1) + b"}", (), "1048576"),
    Bad("a thousand headers", KEY, b'{"number": 1}', tuple((f"h{n}", b"x") for n in range(1000)), "header"),
    Bad("a header of 100 KB", KEY, b'{"number": 2}', (("big", b"x" * 100_000),), "header"),
    Bad("an event without an id", KEY, b'{"number": 3}', ((CONTENT_TYPE, b"text/klingon"),), "no id"),
    Bad("a key of 1 MB", b"k" * (MIB - 1000), b'{"number": 4}', (), "id"),
]


@pytest.fixture
async def played(kafka: str, tmp_path: Path) -> AsyncGenerator[Stage]:
    async with shared_stage(tmp_path, kafka, dynamic=True) as made:
        yield made


@pytest.mark.timeout(240)
async def test_bad_records_become_dead_letters_byte_for_byte_and_good_ones_go_on(played: Stage) -> None:
    await played.start_worker(kafka__session_timeout_s="6")
    ids = [f"good-{number}" for number in range(len(BAD) + 1)]
    for event_id, bad in zip(ids, BAD, strict=False):
        await played.publish(order(event_id), key=KEY)
        await played.sender.send([Outgoing(TOPIC, bad.key, bad.value, bad.headers)])
    await played.publish(order(ids[-1]), key=KEY)

    for event_id in ids:
        (record, *_) = await played.outcome_records(event_id, within_s=90)
        assert (await played.outcome_in(record)).status is Status.SUCCESS
    letters = await dead_letters(played)
    for bad in BAD:
        letter = next((each for each in letters if _is(each, bad)), None)
        assert letter is not None, f"{bad.name}: no dead letter"
        assert letter.record.headers == bad.headers, bad.name
        assert bad.says in letter.error, f"{bad.name}: {letter.error}"
    assert await played.stop_worker() == 0, played.log()


@pytest.mark.timeout(180)
async def test_unknown_headers_a_clock_in_the_future_and_a_large_key_change_nothing(played: Stage) -> None:
    await played.start_worker(kafka__session_timeout_s="6")
    event = order("from-the-future")
    encoded = played.codec.encode(event)
    strange: Headers = (("x-unknown", b"\xff\x00"), ("x-unknown", b"twice"), ("", b"no name"))
    late = tuple((n, b"2999-01-01T00:00:00Z" if n == "ce_time" else v) for n, v in encoded.headers)
    await played.sender.send([Outgoing(TOPIC, encoded.key, encoded.value, (*late, *strange))])
    (record, *_) = await played.outcome_records(event.id, within_s=60)
    assert (await played.outcome_in(record)).status is Status.SUCCESS

    await played.publish(order("large-key"), key=b"k" * 1_000_000)
    (record, *_) = await played.outcome_records("large-key", within_s=60)
    assert (await played.outcome_in(record)).status is Status.SUCCESS
    assert await played.stop_worker() == 0, played.log()


async def dead_letters(played: Stage) -> list[DeadLetter]:
    async with topic_reader(played.connection) as source:
        return [dead_letter_of(record) async for record in source.to_end(["pointsman.dead-letters"])]


def _is(letter: DeadLetter, bad: Bad) -> bool:
    return letter.record.key == bad.key and letter.record.value == bad.value
