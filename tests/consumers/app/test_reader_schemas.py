"""`read_as` of a route: which schema it names, and every mistake in it at its line."""

from pathlib import Path

import orjson
import pytest

from consumers.app.config_file import ConfigFile, InvalidConfigError, read_config
from consumers.app.resolve import resolve
from consumers.app.topic_formats import topic_formats
from consumers.errors import ConfigurationError
from tests.schemas.evolution_pairs import field, record

CONFIG = """\
model: {{base_url: "http://127.0.0.1:1/v1", name: offline}}
registry: {{folder: "{folder}"{url}}}
connectors:
  erp: {{use: sandbox-erp, base_url: "http://127.0.0.1:1", token: {{env: TEST_TOKEN}}}}
routes:
  - topic: orders
    event: order.paid
    read_as: {read_as}
    goal: Note it.
    actions: [erp.check_stock]
    rules:
      - {{name: known, when: '{when}', then: deny, actions: [erp.check_stock]}}
{topics}"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TEST_TOKEN", "secret")
    schemas = tmp_path / "schemas"
    schemas.mkdir()
    amount, note = field("amount", "int"), field("note", ["null", "string"], default=None)
    for version, fields in (("order.paid.v1", (amount,)), ("order.paid.v2", (amount, note))):
        text = orjson.dumps(record(*fields, name="shop.OrderPaid"))
        (schemas / f"{version}.avsc").write_bytes(text)
    return tmp_path


def written(folder: Path, read_as: str, *, when: str = "true", url: str = "", topics: str = "") -> ConfigFile:
    path = folder / "pointsman.yaml"
    said = CONFIG.format(folder=folder / "schemas", read_as=read_as, when=when, url=url, topics=topics)
    path.write_text(said, encoding="utf-8")
    return read_config(path)


def mistakes(file: ConfigFile) -> list[str]:
    with pytest.raises(InvalidConfigError) as caught:
        resolve(file)
    return [f"{each.where.rpartition(':')[2]}: {each.message}; {each.hint}" for each in caught.value.mistakes]


@pytest.mark.parametrize(("read_as", "fields"), [("order.paid.v1", 1), ("order.paid.v2", 2), ("newest", 2)])
def test_a_file_is_named_or_the_newest_of_the_event_is_taken(folder: Path, read_as: str, fields: int) -> None:
    file = written(folder, read_as)
    resolve(file)
    readers = topic_formats(file.config)["orders"].readers
    assert {event: len(schema.parsed["fields"]) for event, schema in readers.items()} == {
        "order.paid": fields
    }


def test_a_declared_format_of_the_topic_stays_beside_it(folder: Path) -> None:
    file = written(folder, "newest", topics="topics: {orders: {format: confluent-avro}}\n")
    resolve(file)
    declared = topic_formats(file.config)["orders"]
    assert (str(declared.format), list(declared.readers)) == ("confluent-avro", ["order.paid"])


def test_a_file_that_is_not_there_is_named_with_the_closest(folder: Path) -> None:
    (said,) = mistakes(written(folder, "order.payd.v2"))
    assert said.startswith("8: routes.0.read_as: there is no schema file order.payd.v2.avsc; ")
    assert "Did you mean order.paid.v2?" in said
    with pytest.raises(ConfigurationError, match=r"no schema file order\.payd\.v2\.avsc"):
        topic_formats(written(folder, "order.payd.v2").config)


def test_an_event_without_a_file_has_no_newest(folder: Path) -> None:
    for file in (folder / "schemas").iterdir():
        file.unlink()
    (said,) = mistakes(written(folder, "newest"))
    assert "there is no schema file order.paid.v….avsc" in said


def test_what_is_no_avro_by_id_cannot_be_resolved(folder: Path) -> None:
    (said,) = mistakes(written(folder, "newest", topics="topics: {orders: {format: json}}\n"))
    assert "is for Avro with a schema's id, and orders is declared `format: json`" in said


@pytest.mark.parametrize("url", ["", ', url: "http://127.0.0.1:1"'])
def test_rules_are_checked_against_what_the_route_reads_also_beside_a_registry(
    folder: Path, url: str
) -> None:
    resolve(written(folder, "order.paid.v1", when="event.payload.amount > 3", url=url))
    for when in ("event.payload.note != null", 'event.payload.amount == "3"'):
        assert mistakes(written(folder, "order.paid.v1", when=when, url=url))
