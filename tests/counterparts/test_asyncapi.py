"""The document of the topics is one that AsyncAPI's own parser finds nothing wrong with."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from consumers.app.config_file import read_config
from consumers.cli.topic_asyncapi import Described, asyncapi
from consumers.demo.settled import template
from schemas.registry.files import latest, packaged_schemas
from tests.counterparts.started import counterpart


@pytest.fixture(scope="module")
def parser() -> Iterator[list[str]]:
    with counterpart("asyncapi") as said:
        yield said["command"]


DECLARED = """\
topics:
  erp.orders: {format: debezium}
  crm.cases: {format: debezium-outbox, type_header: eventType}
"""


@pytest.fixture
def document(tmp_path: Path) -> dict[str, Any]:
    return document_of(tmp_path, template())


def document_of(folder: Path, text: str) -> dict[str, Any]:
    path = folder / "pointsman.yaml"
    path.write_text(text, encoding="utf-8")
    return asyncapi(Described(read_config(path).config, latest(packaged_schemas()), "1.2.3"))


def read_by(parser: list[str], document: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run(parser, input=orjson.dumps(document), capture_output=True, timeout=60, check=True)
    return orjson.loads(done.stdout)


def test_nothing_is_wrong_with_it(parser: list[str], document: dict[str, Any]) -> None:
    read = read_by(parser, document)
    assert read["found"] == []
    assert {"order-requested", "run-finished", "step-recorded", "record"} <= set(read["messages"])


def test_nothing_is_wrong_with_topics_that_are_declared(parser: list[str], tmp_path: Path) -> None:
    read = read_by(parser, document_of(tmp_path, DECLARED + template()))
    assert read["found"] == []
    assert {"erp-orders-order-requested", "crm-cases-case-opened"} <= set(read["messages"])


def test_a_mistake_in_a_schema_would_be_found(parser: list[str], document: dict[str, Any]) -> None:
    payload = document["components"]["messages"]["run-finished"]["payload"]
    payload["schema"]["fields"][0]["type"] = "no-such-type"
    assert any(each["severity"] == 0 for each in read_by(parser, document)["found"])
