"""The AsyncAPI document says of each topic what a publisher or subscriber needs, and no secret of the configuration."""

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from typer.testing import CliRunner

from consumers.cli.main import app
from consumers.demo.settled import template


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "pointsman.yaml"
    path.write_text(template(), encoding="utf-8")
    return path


def printed(config: Path, *words: str) -> str:
    done = CliRunner().invoke(app, ["topics", "asyncapi", "-c", str(config), *words])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def document(config: Path) -> dict[str, Any]:
    return orjson.loads(printed(config, "--json"))


def test_yaml_and_json_say_the_same(config: Path, document: dict[str, Any]) -> None:
    text = printed(config)
    assert yaml.safe_load(text) == document
    assert "&id" not in text  # people read it: nothing is said by reference to what stands elsewhere


def test_inputs_are_received_outcomes_are_sent_and_answers_of_people_both(document: dict[str, Any]) -> None:
    actions = {name: each["action"] for name, each in document["operations"].items()}
    assert actions["receive-erp-orders"] == "receive"
    assert actions["send-pointsman-outcomes"] == "send"
    assert {"receive-pointsman-approvals", "send-pointsman-approvals"} <= actions.keys()
    assert "send-erp-orders" not in actions


def test_a_topic_of_ours_says_how_long_its_records_stay(document: dict[str, Any]) -> None:
    binding = document["channels"]["pointsman-outcomes"]["bindings"]["kafka"]
    assert binding["topicConfiguration"] == {"cleanup.policy": ["delete"], "retention.ms": 30 * 86_400_000}


def test_a_message_has_its_schema_its_headers_and_its_examples(document: dict[str, Any]) -> None:
    finished = document["components"]["messages"]["run-finished"]
    assert finished["payload"]["schema"]["name"] == "RunFinished"
    assert finished["headers"]["properties"]["ce_type"]["const"] == "run.finished"
    (example,) = finished["examples"]
    assert example["name"] == "backorder-for-a-vip"
    assert example["headers"].keys() >= set(finished["headers"]["required"])
    assert example["payload"].keys() <= {field["name"] for field in finished["payload"]["schema"]["fields"]}


def test_an_event_of_your_own_is_described_by_its_schema_file(tmp_path: Path, config: Path) -> None:
    folder = tmp_path / "schemas"
    folder.mkdir()
    own = {
        "type": "record",
        "name": "Refund",
        "doc": "A refund.",
        "fields": [{"name": "amount", "type": "long"}],
    }
    (folder / "refund.asked.v1.avsc").write_bytes(orjson.dumps(own))
    text = config.read_text(encoding="utf-8").replace("event: case.opened", "event: refund.asked")
    config.write_text(f"registry: {{folder: {folder}}}\n{text}", encoding="utf-8")
    message = orjson.loads(printed(config, "--json"))["components"]["messages"]["refund-asked"]
    assert message["payload"]["schema"] == own
    assert message["summary"] == "A refund."


@pytest.mark.parametrize(
    ("declared", "content_type", "required"),
    [
        ("{format: debezium, event: case.opened}", "application/json", []),
        ("{format: debezium-outbox, type_header: eventType}", "application/json", ["id"]),
        ("{format: confluent-avro}", "application/avro", []),
        ("{format: json}", "application/json", []),
    ],
)
def test_a_declared_topic_asks_for_what_is_declared_and_for_no_cloud_events(
    config: Path, declared: str, content_type: str, required: list[str]
) -> None:
    config.write_text(
        f"topics: {{crm.cases: {declared}}}\n{config.read_text(encoding='utf-8')}", encoding="utf-8"
    )
    said = orjson.loads(printed(config, "--json"))
    (name,) = said["channels"]["crm-cases"]["messages"]
    message = said["components"]["messages"][name]
    assert message["contentType"] == content_type
    assert message["headers"].get("required", []) == required
    assert "ce_id" not in message["headers"]["properties"]
    assert "ce_id" in said["components"]["messages"]["order-requested"]["headers"]["properties"]


def test_a_topic_that_is_declared_to_hold_cloud_events_asks_for_them(
    config: Path, document: dict[str, Any]
) -> None:
    text = config.read_text(encoding="utf-8")
    config.write_text(f"topics: {{crm.cases: {{format: cloudevents}}}}\n{text}", encoding="utf-8")
    assert orjson.loads(printed(config, "--json")) == document


def test_an_event_without_a_schema_file_has_no_payload_described(config: Path) -> None:
    text = config.read_text(encoding="utf-8").replace("event: case.opened", "event: refund.asked")
    config.write_text(text, encoding="utf-8")
    messages = orjson.loads(printed(config, "--json"))["components"]["messages"]
    assert "payload" not in messages["refund-asked"]


def test_every_topic_of_ours_is_said_to_be_sent_to(document: dict[str, Any]) -> None:
    sent = {name.removeprefix("send-") for name in document["operations"] if name.startswith("send-")}
    ours = {name for name in document["channels"] if name.startswith("pointsman-")}
    assert ours
    assert ours <= sent
