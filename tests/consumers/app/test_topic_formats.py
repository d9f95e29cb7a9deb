"""The section `topics`: what is declared of an input topic, and every mistake in it at its line."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from consumers.adapters.own_messages import OwnMessages, OwnTopics
from consumers.app.config_file import InvalidConfigError, read_config
from consumers.app.handler import RecordHandler
from consumers.app.personal_data import PersonalData
from consumers.app.resolve import resolve
from consumers.app.topic_formats import topic_formats
from consumers.app.topic_settings import Kind
from consumers.errors import ConfigurationError, DeadLetterError
from consumers.policy.approvers import Approvers
from consumers.router.route import RouteTable
from consumers.telemetry.metrics import Metrics
from schemas.codec.debezium.naming import KINDS
from schemas.codec.formats import Format, TopicFormat
from schemas.codec.records import RecordCodec
from schemas.record import Record
from schemas.registry.folder import FolderRegistry
from tests.consumers.run.shop_world import World
from tests.consumers.run.test_engine import ordering
from tests.schemas.debezium.records import MYSQL, change, record

ROUTE = """\
model: {{base_url: "http://127.0.0.1:1/v1", name: offline}}
connectors:
  erp: {{use: sandbox-erp, base_url: "http://127.0.0.1:1", token: {{env: TEST_TOKEN}}}}
routes:
  - topic: orders
    event: {event}
    goal: Fulfil it.
    actions: [erp.check_stock, erp.create_order]
    rules:
      - {{name: large, when: '{when}', then: deny}}
topics:
"""
LEAD = {
    "type": "object",
    "properties": {"total": {"type": "number"}, "email": {"type": "string", "pii": True}},
    "required": ["total"],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TEST_TOKEN", "secret")
    (tmp_path / "lead.json").write_bytes(orjson.dumps(LEAD))
    (tmp_path / "plain.json").write_bytes(orjson.dumps({**LEAD, "properties": {"total": {"type": "number"}}}))
    (tmp_path / "bad.json").write_text('{"type": "objct"}', encoding="utf-8")
    (tmp_path / "lead.avsc").write_text(
        '{"type": "record", "name": "Lead", "fields": [{"name": "total", "type": "double"}]}',
        encoding="utf-8",
    )
    (tmp_path / "lead.xsd").write_text("<schema/>", encoding="utf-8")
    (tmp_path / "bad.avsc").write_text('{"type": "string"}', encoding="utf-8")
    (tmp_path / "latin.json").write_bytes(b"\xff")
    return tmp_path


def written(folder: Path, topics: str, *, event: str = "lead.made", when: str = "true") -> Path:
    path = folder / "pointsman.yaml"
    path.write_text(
        ROUTE.format(event=event, when=when) + topics.replace("FOLDER", str(folder)), encoding="utf-8"
    )
    return path


def mistakes(path: Path) -> str:
    with pytest.raises(InvalidConfigError) as caught:
        resolve(read_config(path))
    return str(caught.value)


def test_what_is_declared_is_what_the_codec_is_told(folder: Path) -> None:
    path = written(
        folder,
        "  orders: {format: debezium, event: 'x.{change}', ignore: [read, heartbeat], position: [vgtid]}\n"
        "  outbox: {format: debezium-outbox, type_header: eventType, source: /shop}\n",
    )
    assert topic_formats(read_config(path).config) == {
        "orders": TopicFormat(
            Format.DEBEZIUM, event="x.{change}", ignore=frozenset({"read", "heartbeat"}), position=("vgtid",)
        ),
        "outbox": TopicFormat(Format.DEBEZIUM_OUTBOX, type_header="eventType", source="/shop"),
    }


@pytest.mark.parametrize("file", ["plain.json", "lead.avsc"])
def test_rules_are_checked_against_a_declared_schema(folder: Path, file: str) -> None:
    topics = f"  orders: {{format: json, schema_file: FOLDER/{file}}}\n"
    resolve(read_config(written(folder, topics, when="event.payload.total > 5.0")))
    assert "totel" in mistakes(written(folder, topics, when="event.payload.totel > 5.0"))


def test_personal_data_of_a_declared_schema_needs_a_key_like_any(folder: Path) -> None:
    found = mistakes(written(folder, "  orders: {format: json, schema_file: FOLDER/lead.json}\n"))
    assert "tags email as personal" in found


@pytest.mark.parametrize(
    ("topics", "problem"),
    [
        ("  orders: {format: xml}\n", "topics.orders.format"),
        ("  orders: {format: json, ignore: [read]}\n", "ignore: is for change events"),
        ("  orders: {event: 'x.{change}'}\n", "event: is for change events"),
        ("  orders: {format: json, position: [a]}\n", "position: is for change events"),
        ("  orders: {format: json, type_header: x}\n", "type_header: is for the outbox"),
        ("  orders: {format: debezium, event: '{tabel}.{change}'}\n", "`{tabel}` stands for nothing"),
        ("  orders: {format: debezium, ignore: [inserted]}\n", "topics.orders.ignore"),
        ("  orders: {format: debezium, position: []}\n", "position: is empty"),
        ("  orders: {format: confluent-avro, schema_file: FOLDER/plain.json}\n", "schema_file: is for JSON"),
        ("  orders: {schema_file: FOLDER/plain.json}\n", "schema_file: is for JSON"),
        ("  orders: {format: json, schema_file: FOLDER/none.json}\n", "none.json cannot be read"),
        ("  orders: {format: json, schema_file: FOLDER/bad.json}\n", "no JSON Schema that can be used"),
        ("  orders: {format: json, schema_file: FOLDER/bad.avsc}\n", "no Avro record"),
        ("  orders: {format: json, schema_file: FOLDER/latin.json}\n", "no text in UTF-8"),
        ("  orders: {format: json, schema_file: FOLDER/lead.xsd}\n", "neither a JSON Schema"),
        ("  order: {format: json}\n", "topics.order: no route reads that topic"),
        ("  orders: {format: debezium}\n", "no change of orders is called lead.made"),
    ],
)
def test_a_mistake_is_told_with_its_line(folder: Path, topics: str, problem: str) -> None:
    found = mistakes(written(folder, topics))
    assert problem in found
    assert "pointsman.yaml:1" in found or "pointsman.yaml:6" in found


@pytest.mark.parametrize(
    ("event", "topic", "problem"),
    [
        ("orders.created", "{format: debezium}", None),
        ("orders.created", "{format: debezium, event: '{table}.{change}', ignore: [read]}", None),
        ("orders.read", "{format: debezium, ignore: [read]}", "orders ignores what is read"),
        ("orders.changed", "{format: debezium}", "no change of orders is called orders.changed"),
        ("order.changed", "{format: debezium, event: order.changed}", None),
        (
            "order.c",
            "{format: debezium, event: 'order.{op}', ignore: [created]}",
            "orders ignores what is created",
        ),
        ("order.x", "{format: debezium, event: 'order.{op}'}", "no change of orders is called order.x"),
    ],
)
def test_a_route_that_no_change_can_reach_is_a_mistake(
    folder: Path, event: str, topic: str, problem: str | None
) -> None:
    path = written(folder, f"  orders: {topic}\n", event=event)
    if problem is None:
        resolve(read_config(path))
    else:
        assert problem in mistakes(path)


def test_a_worker_does_not_start_with_a_schema_that_is_gone(folder: Path) -> None:
    path = written(folder, "  orders: {format: json, schema_file: FOLDER/plain.json}\n")
    config = read_config(path).config
    (folder / "plain.json").unlink()
    with pytest.raises(ConfigurationError, match=r"plain\.json cannot be read: No such file"):
        topic_formats(config)


def test_the_formats_of_the_configuration_are_those_of_the_codec(folder: Path) -> None:
    for each in Format:
        config = read_config(written(folder, f"  orders: {{format: {each}}}\n")).config
        assert topic_formats(config) == {"orders": TopicFormat(each)}


def test_the_kinds_of_the_configuration_are_those_of_the_codec() -> None:
    assert Kind.__args__ == KINDS


async def test_a_record_without_an_event_is_finished_and_counted_and_a_bad_one_is_a_dead_letter() -> None:
    world, metrics = World(ordering()), Metrics()
    how = TopicFormat(Format.DEBEZIUM, ignore=frozenset({"read"}))
    codec = RecordCodec(FolderRegistry(), topics={"orders": how})
    await codec.ready()
    handler = RecordHandler(
        codec=codec,
        routes=RouteTable([world.route]),
        engine=world.engine(),
        messages=OwnMessages(codec, OwnTopics("steps", "approvals", "dead-letters", "parked", "redrive")),
        approvers=Approvers(),
        metrics=metrics,
        personal=PersonalData(None),
    )

    async def handled(value: Any) -> Any:
        sent: Record = record(value, topic="orders")
        return await handler(sent, world.claim)

    assert await handled(None) == ()
    assert await handled(change("r", MYSQL)) == ()
    assert b'pointsman_records_ignored_total{topic="orders"} 2.0' in metrics.render()
    with pytest.raises(DeadLetterError, match=r"orders\[2\]@77: `op` is 'x'") as caught:
        await handled(change("x", MYSQL))
    assert caught.value.reason == "unreadable"
    with pytest.raises(DeadLetterError, match=r"no route for orders\.deleted on orders"):
        await handled(change("d", MYSQL))
