"""The story fits the schemas, the configuration, and the sandbox it is played in."""

from pathlib import Path

import pytest

from connectors.sandbox.service.store import Store
from consumers.app.config_file import read_config
from consumers.app.resolve import resolve
from consumers.demo.options import OFFLINE, DemoOptions, HostedModel, hosted_model
from consumers.demo.settled import Addresses, settled, template, write_secrets
from consumers.demo.story import CASES, ORDERS, STORY, Again, Business, Poison, business
from consumers.errors import ConfigurationError
from consumers.router.route import RouteTable
from schemas.codec.records import RecordCodec
from schemas.outcome import Status
from schemas.record import Record
from schemas.registry.folder import FolderRegistry

ADDRESSES = Addresses("127.0.0.1:1", "redis://127.0.0.1:2/0", "http://127.0.0.1:3", "http://127.0.0.1:4/v1")
EVENTS = [scene.published for scene in STORY if isinstance(scene.published, Business)]


def written(folder: Path, hosted: HostedModel | None = None) -> Path:
    inner = folder / "a folder"
    inner.mkdir()
    path = folder / "pointsman.yaml"
    path.write_text(settled(template(), ADDRESSES, write_secrets(inner, "secret"), hosted))
    return path


def test_the_configuration_has_no_mistake(tmp_path: Path) -> None:
    assert resolve(read_config(written(tmp_path))).routes


def test_the_template_is_valid_as_it_is_packaged(tmp_path: Path) -> None:
    path = tmp_path / "pointsman.yaml"
    path.write_text(template())
    assert read_config(path).config.kafka.bootstrap == "127.0.0.1:9092"


def test_every_address_is_replaced(tmp_path: Path) -> None:
    config = read_config(written(tmp_path)).config
    assert config.model is not None
    found = (config.kafka.bootstrap, config.redis.url, config.connectors["erp"].own["base_url"])
    assert (*found, config.model.base_url) == (
        ADDRESSES.kafka,
        ADDRESSES.redis,
        ADDRESSES.sandbox,
        ADDRESSES.model,
    )


def test_a_hosted_model_brings_its_key_and_no_price_of_ours(tmp_path: Path) -> None:
    model = read_config(written(tmp_path, HostedModel("some-model", "https://example.org/v1"))).config.model
    assert model is not None
    assert model.api_key is not None
    assert (model.name, model.api_key.env, model.price) == ("some-model", "OPENAI_API_KEY", None)


def test_a_template_that_lost_an_address_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not say"):
        settled(template().replace("9092", "9093"), ADDRESSES, write_secrets(tmp_path, "secret"), None)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
async def test_every_event_survives_its_schema(event: Business) -> None:
    codec = RecordCodec(FolderRegistry())
    await codec.ready()
    envelope = event.envelope("1")
    encoded = codec.encode(envelope)
    record = Record("t", 0, 0, 0, encoded.key, encoded.value, encoded.headers)
    back = await codec.decode(record, tenant=envelope.tenant)
    assert (back.run_id, back.session_id) == (envelope.run_id, envelope.session_id)
    assert dict(back.payload) == dict(envelope.payload)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_every_event_has_a_route(event: Business, tmp_path: Path) -> None:
    routes = RouteTable(resolve(read_config(written(tmp_path))).routes.values())
    topic = ORDERS if event.type == "order.requested" else CASES
    assert routes.find(topic, event.type) is not None


def test_every_event_names_what_the_sandbox_has(tmp_path: Path) -> None:
    store = Store(tmp_path / "sandbox.db")
    try:
        for event in EVENTS:
            for table, name in (
                ("customers", "customer_id"),
                ("products", "product_id"),
                ("cases", "case_ref"),
            ):
                if value := event.payload.get(name):
                    found = store.reader.execute(
                        f"SELECT 1 FROM {table} WHERE {name} = ?", (value,)
                    ).fetchone()
                    assert found, f"{event.name}: no {name} {value}"
    finally:
        store.close()


def test_the_story_tells_all_that_was_promised() -> None:
    assert {scene.ends for scene in STORY} == {Status.SUCCESS, Status.REFUSED, Status.COMPENSATED, None}
    assert any(scene.approved for scene in STORY)
    assert any(isinstance(scene.published, Again) for scene in STORY)
    assert any(isinstance(scene.published, Poison) for scene in STORY)


def test_a_repeated_scene_wants_what_the_first_one_wanted() -> None:
    for scene in STORY:
        if isinstance(scene.published, Again):
            first = next(s for s in STORY if s.published == business(scene))
            assert (scene.ends, scene.facts) == (first.ends, first.facts)


def test_a_second_performance_has_other_events() -> None:
    event = EVENTS[0]
    assert event.envelope("1").run_id != event.envelope("2").run_id
    assert event.envelope("1").session_id == event.envelope("2").session_id


def test_a_key_in_the_environment_takes_a_real_model() -> None:
    environment = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    assert hosted_model(DemoOptions(model="m"), environment) == HostedModel("m", "http://127.0.0.1:9/v1")
    assert hosted_model(DemoOptions(model=OFFLINE), environment) is None
    assert hosted_model(DemoOptions(), {}) is None


def test_a_real_model_without_a_key_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY"):
        hosted_model(DemoOptions(model="some-model"), {})
