"""`publish` and `tail` with what is declared of a topic, and the filters of `tail`."""

import asyncio
from pathlib import Path

import orjson
import pytest

from consumers.adapters.kafka_clients import KafkaConnection
from consumers.adapters.kafka_reader import topic_reader
from consumers.cli.lines import document, line
from consumers.cli.seen import Seen
from schemas.record import Record
from tests.consumers.cli.cli_stage import Stage
from tests.consumers.cli.test_cli_kafka import ORDER, produce
from tests.schemas.debezium.records import MYSQL, change


def test_tail_filters_by_id_and_key_and_tells_the_key(topics: Stage) -> None:
    words = ("publish", f"{topics.name}.orders", "--type", "order.praised")
    topics.run(*words, "--id", "e-1", "--session", "a")
    topics.run(*words, "--id", "e-2", "--session", "a", "--key", "k")
    produce(topics, f"{topics.name}.orders", [(b"\x00k", b"{}", ()), (None, b"{}", ())])
    tail = ("tail", f"{topics.name}.orders", "--to-end")
    assert sorted(str(e.get("key")) for e in topics.lines(*tail)) == ["\x00k", "None", "a", "k"]
    assert [(e["id"], e["key"]) for e in topics.lines(*tail, "--key", "k")] == [("e-2", "k")]
    assert [e["key"] for e in topics.lines(*tail, "--id", "e-1")] == ["a"]
    assert topics.lines(*tail, "--id", "e-1", "--key", "k") == []


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"source": ""}, "header ce_source is missing"),
        ({"session": "s" * 600}, "the session id has 600 characters"),
        ({"payload": {"a": "x" * 2**20}}, "the limit `record_bytes` is 1048576"),
    ],
    ids=["no-source", "long-session", "too-large"],
)
def test_what_no_worker_would_read_is_not_published(
    topics: Stage, about: dict[str, object], said: str
) -> None:
    topic = f"{topics.name}.orders"
    text = orjson.dumps({"type": "order.praised", "id": "e-1", **about}).decode()
    refused = topics.run("publish", topic, stdin=text, exit_code=1)
    assert f"event e-1: {topic} would not take it: " in refused.stderr
    assert said in refused.stderr
    assert topics.lines("tail", topic, "--to-end") == []


def test_a_timestamp_that_no_calendar_has_is_shown_as_none() -> None:
    seen = Seen(Record("orders", 0, 1, 2**62, None, b"{}"), problem="it is no event")
    assert line(seen).plain.startswith("--:--:--.---")
    assert "timestamp" not in document(seen)


def declare(topics: Stage, topic: str, **declared: str) -> None:
    said = orjson.dumps({topic: declared}).decode()
    topics.config.write_text(f"{topics.config.read_text()}topics: {said}\n")


def test_what_a_topic_is_not_declared_to_hold_is_not_published(topics: Stage, tmp_path: Path) -> None:
    topic, praise = f"{topics.name}.orders", ("--type", "order.praised", "--data")
    schema = tmp_path / "praise.json"
    schema.write_text('{"properties": {"stars": {"type": "integer", "maximum": 5}}}', encoding="utf-8")
    declare(topics, topic, format="json", schema_file=str(schema))
    topics.run("publish", topic, *praise, '{"stars": 5}')
    refused = topics.run("publish", topic, *praise, '{"stars": 6}', "--id", "e-6", exit_code=1)
    assert f"event e-6: {topic} would not take it: the value does not fit praise.json: field stars" in (
        refused.stderr
    )
    assert [e["payload"] for e in topics.lines("tail", topic, "--to-end")] == [{"stars": 5}]


@pytest.mark.parametrize(
    ("declared", "content_type"),
    [("json", b"application/json"), ("cloudevents", b"application/avro")],
    ids=["json", "either"],
)
def test_a_type_with_a_schema_is_published_as_its_topic_holds_it(
    topics: Stage, declared: str, content_type: bytes
) -> None:
    topic = f"{topics.name}.orders"
    declare(topics, topic, format=declared)
    topics.run("publish", topic, "--type", "order.requested", "--data", orjson.dumps(ORDER).decode())
    (seen,) = topics.lines("tail", topic, "--to-end")
    assert seen["type"] == "order.requested"
    assert seen["payload"].items() >= ORDER.items()

    async def records() -> list[Record]:
        async with topic_reader(KafkaConnection(topics.bootstrap, {})) as reader:
            return [record async for record in reader.to_end([topic])]

    (record,) = asyncio.run(records())
    assert dict(record.headers)["content-type"] == content_type


def test_tail_tells_a_record_without_an_event_from_one_that_is_wrong(topics: Stage) -> None:
    topic = f"{topics.name}.changes"
    text = topics.config.read_text().replace(
        f"topic: {topics.name}.orders\n    event: order.praised", f"topic: {topic}\n    event: orders.created"
    )
    topics.config.write_text(text)
    declare(topics, topic, format="debezium")
    topics.run("topics", "create")
    created = orjson.dumps(change("c", MYSQL))
    produce(topics, topic, [(b'{"id":1001}', created, ()), (b'{"id":1001}', None, ()), (None, b"{}", ())])
    event, tombstone, wrong = topics.lines("tail", topic, "--to-end")
    assert (event["type"], event["session"]) == ("orders.created", "inventory.orders/1001")
    assert "a tombstone" in tombstone["no_event"]
    assert "no change event" in wrong["problem"]
    shown = topics.run("tail", topic, "--to-end").stdout
    assert "no event  " in shown
    assert "unreadable  " in shown
