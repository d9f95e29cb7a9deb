"""`pointsman dead-letters parked` and `release`: keys that wait for an operator."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_clients import KafkaConnection
from consumers.adapters.kafka_reader import topic_reader
from schemas.dead_letter import DeadLetter, dead_letter_headers
from schemas.parked import Mark, Marked, ParkedKey, mark_of, read_parked
from schemas.record import Outgoing, Record
from tests.consumers.cli.cli_stage import Stage

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def topic_of(stage: Stage) -> str:
    return f"{stage.name}.parked"


def letter(
    stage: Stage, key: bytes, offset: int, reason: str = "retries_exhausted", topic: str = "orders"
) -> Outgoing:
    record = Record(f"{stage.name}.{topic}", 1, offset, 0, key, b"v%d" % offset, ())
    dead = DeadLetter(record, reason, f"busy since {offset}", 9, AT + timedelta(minutes=offset))
    return Outgoing(topic_of(stage), key, record.value, dead_letter_headers(dead))


def mark(stage: Stage, key: bytes, what: Mark, offset: int = -1) -> Outgoing:
    return mark_of(topic_of(stage), ParkedKey(f"{stage.name}.orders", 1, key), what, offset)


def put(stage: Stage, *messages: Outgoing) -> None:
    async def send() -> None:
        producer = kafka_clients.producer(KafkaConnection(stage.bootstrap, {}))
        await producer.start()
        for message in messages:
            await producer.send_and_wait(
                message.topic, message.value, key=message.key, headers=list(message.headers)
            )
        await kafka_clients.stop(producer)

    asyncio.run(send())


def marks(stage: Stage) -> list[tuple[bytes | None, Marked]]:
    """Return the marks on the parked topic, with the key that decides their partition."""

    async def read() -> list[Record]:
        async with topic_reader(KafkaConnection(stage.bootstrap, {})) as reader:
            return [record async for record in reader.to_end([topic_of(stage)])]

    found = [(record.key, read_parked(record)) for record in asyncio.run(read())]
    return [(key, content) for key, content in found if isinstance(content, Marked)]


def keys(documents: Sequence[dict[str, object]]) -> list[object]:
    return [document["key"] for document in documents]


@pytest.fixture
def parked(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """C-1 with three letters, C-2 with one, C-3 being released, C-4 worked; C-5 of another topic."""
    monkeypatch.setenv("POINTSMAN_KAFKA__PARKED_TOPIC", topic_of(stage))
    stage.run("topics", "create", "--partitions", "2")
    put(
        stage,
        letter(stage, b"C-2", 5),
        letter(stage, b"C-1", 1),
        letter(stage, b"C-1", 2, "behind_parked"),
        letter(stage, b"C-1", 2, "behind_parked"),  # again, after a crash
        letter(stage, b"C-1", 3, "behind_parked"),
        letter(stage, b"C-3", 6),
        mark(stage, b"C-3", "release"),
        letter(stage, b"C-5", 9, topic="cases"),
    )
    return stage


def test_parked_keys_are_listed_with_why_and_how_many_the_oldest_first(parked: Stage) -> None:
    found = parked.json("dead-letters", "parked")
    assert keys(found) == ["C-1", "C-2", "C-3", "C-5"]
    assert found[0] == {
        "key": "C-1",
        "topic": f"{parked.name}.orders",
        "partition": 1,
        "records": 3,
        "releasing": False,
        "reason": "retries_exhausted",
        "error": "busy since 1",
        "parked_at": "2026-11-22T12:01:00+00:00",
    }
    assert [document["releasing"] for document in found] == [False, False, True, False]
    shown = parked.run("dead-letters", "parked").stdout
    assert "busy since 1" in shown
    assert "being released" in shown


def test_they_can_be_listed_by_topic(parked: Stage) -> None:
    assert keys(parked.json("dead-letters", "parked", "--topic", f"{parked.name}.cases")) == ["C-5"]


def test_where_nothing_is_parked_it_says_so(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTSMAN_KAFKA__PARKED_TOPIC", topic_of(stage))
    stage.run("topics", "create")
    assert stage.json("dead-letters", "parked") == []
    assert "no key is parked" in stage.run("dead-letters", "parked").stdout


def test_what_is_not_ours_on_the_topic_is_told_and_left_out(parked: Stage) -> None:
    put(parked, Outgoing(topic_of(parked), b"C-1", b"hello", ()))
    shown = parked.run("dead-letters", "parked", "--json")
    assert "no dead letter" in shown.stderr
    assert '"C-1"' in shown.stdout


def test_a_release_marks_the_key_where_its_letters_lie(parked: Stage) -> None:
    before = marks(parked)
    done = parked.json("dead-letters", "release", "C-1")
    assert keys(done["released"]) == ["C-1"]
    assert (done["not_parked"], done["dry_run"]) == ([], False)
    about = ParkedKey(f"{parked.name}.orders", 1, b"C-1")
    assert [entry for entry in marks(parked) if entry not in before] == [
        (b"C-1", Marked(about, "release", -1))
    ]
    found = {document["key"]: document["releasing"] for document in parked.json("dead-letters", "parked")}
    assert found == {"C-1": True, "C-2": False, "C-3": True, "C-5": False}


def test_a_dry_run_says_the_same_and_writes_nothing(parked: Stage) -> None:
    before = marks(parked)
    done = parked.json("dead-letters", "release", "--all", "--dry-run")
    assert keys(done["released"]) == ["C-1", "C-2", "C-3", "C-5"]
    assert done["dry_run"] is True
    shown = parked.run("dead-letters", "release", "--all", "--dry-run")
    assert "would release 4 keys with 6 records" in shown.stderr
    assert marks(parked) == before


def test_a_key_that_is_not_parked_is_named_and_the_others_are_released(parked: Stage) -> None:
    done = parked.json("dead-letters", "release", "C-2", "C-99", exit_code=1)
    assert (keys(done["released"]), done["not_parked"]) == (["C-2"], ["C-99"])
    shown = parked.run("dead-letters", "release", "C-99", exit_code=1)
    assert "not parked: C-99" in shown.stderr
    assert "released 0 keys" in shown.stderr


def test_a_topic_alone_is_a_choice(parked: Stage) -> None:
    done = parked.json("dead-letters", "release", "--topic", f"{parked.name}.orders")
    assert keys(done["released"]) == ["C-1", "C-2", "C-3"]


def test_without_a_choice_nothing_is_released(parked: Stage) -> None:
    before = marks(parked)
    assert "--all" in parked.run("dead-letters", "release", exit_code=2).stderr
    assert marks(parked) == before


def test_what_workers_have_worked_is_gone_from_the_list(parked: Stage) -> None:
    put(parked, mark(parked, b"C-1", "release"))
    offsets = [record.offset for record in _letters(parked, b"C-1")]
    put(parked, mark(parked, b"C-1", "worked", offsets[0]), mark(parked, b"C-1", "hold"))
    (found,) = [document for document in parked.json("dead-letters", "parked") if document["key"] == "C-1"]
    assert (found["records"], found["releasing"]) == (2, False)


def _letters(stage: Stage, key: bytes) -> list[Record]:
    async def read() -> list[Record]:
        async with topic_reader(KafkaConnection(stage.bootstrap, {})) as reader:
            return [record async for record in reader.to_end([topic_of(stage)]) if record.key == key]

    return asyncio.run(read())
