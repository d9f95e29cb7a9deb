"""A section of the configuration becomes a connector, or is told everything that is wrong with it."""

from importlib.resources import files
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from connectors import testing
from connectors.connector import Connector
from connectors.kind import SettingsError
from connectors.odata.client import ODataClient
from connectors.odata.kind import build_odata
from connectors.odata.settings import ODataSettings
from connectors.testing import Trial
from tests.connectors.odata.trade import FOLDER, Version, section, settings


@pytest.fixture(params=["v4", "v2"])
def version(request: pytest.FixtureRequest) -> Any:
    return request.param


def built(version: Version, **changed: Any) -> Connector[ODataClient]:
    return build_odata("trade", settings(version, **changed))


def test_its_actions_hold_the_contract(version: Any) -> None:
    trade = built(version)
    testing.check_declarations(trade)
    testing.check_tools(trade)
    testing.check_unknown_arguments(trade)
    testing.check_settings(trade)


async def test_where_nobody_listens_nothing_was_sent(version: Any) -> None:
    own = settings(version, "http://127.0.0.1:9/odata")
    for trial in (
        Trial("trade.get_order", {"ID": "0b0c6c0e-7a5c-4d5e-9d2f-3a8f6f1b2c3d"}),
        Trial("trade.create_order", {"customer_ID": "C-100"}),
        Trial("trade.create_customer", {"ID": "C-1", "name": "x"}),
        Trial("trade.cancel_order", {"ID": "0b0c6c0e-7a5c-4d5e-9d2f-3a8f6f1b2c3d"}),
    ):
        await testing.check_unreachable(build_odata("trade", own), own, trial)


def test_how_each_write_is_kept_from_happening_twice_is_declared(version: Any) -> None:
    writes = {
        name: (each.idempotency, each.reconcile)
        for name, each in built(version).actions.items()
        if each.effect == "write"
    }
    assert writes == {
        "trade.create_customer": ("none", "trade.outcome_of_create_customer"),
        "trade.change_customer": ("none", "trade.outcome_of_change_customer"),
        "trade.delete_customer": ("natural", None),
        "trade.change_product": ("natural", None),
        "trade.create_order": ("none", "trade.outcome_of_create_order"),
        "trade.change_order": ("none", "trade.outcome_of_change_order"),
        "trade.confirm_order": ("none", "trade.outcome_of_confirm_order"),
        "trade.cancel_order": ("natural", None),
        "trade.take_stock": ("natural", None),
    }


def test_our_key_is_not_the_models_to_set(version: Any) -> None:
    create = built(version).actions["trade.create_order"]
    assert create.arguments.model_fields.keys() == {"customer_ID", "note", "dueOn", "orderedAt", "items"}


def test_every_mistake_is_told_with_its_place() -> None:
    wrong = section("v4")
    wrong["entities"]["Order"] = wrong["entities"]["Orders"]
    wrong["entities"]["Customers"]["fields"] = ["ID", "nmae"]
    wrong["entities"]["Orders"]["expand"] = {"itmes": ["quantity"]}
    products = wrong["entities"]["Products"]["actions"]
    products["create_product"] = {"do": "create", "fields": ["name"]}
    products["count_product"] = {"do": "call", "name": "count", "natural": True}
    products["find_products"]["filter"] = {"price": ["contains"]}
    products["change_product"]["fields"] = ["ID"]
    wrong["operations"]["check_available"]["natural"] = True
    wrong["operations"]["take_stock"] = {"name": "stocktake"}
    with pytest.raises(SettingsError) as error:
        build_odata("trade", ODataSettings.model_validate(wrong))
    said = {".".join(map(str, each.at)): f"{each.message} {each.hint}" for each in error.value.mistakes}
    for place, words in {
        "entities.Order": "Did you mean Orders?",
        "entities.Customers": "no property nmae",
        "entities.Orders": "no navigation itmes",
        "entities.Products.actions.create_product": "cannot be found again",
        "entities.Products.actions.count_product": "no operation count",
        "entities.Products.actions.find_products": "cannot be compared by `contains`",
        "entities.Products.actions.change_product": "which cannot be changed",
        "operations.check_available": "is a read",
        "operations.take_stock": "nobody can find out",
    }.items():
        assert words in said.pop(place)
    assert not said


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"reference": "note", "fields": ["customer_ID", "note"]}, "not the model's to set"),
        ({"reference": "status"}, "holds 10 characters"),
        ({"reference": "version"}, "is no text"),
        ({"required": ["status"]}, "not among its fields"),
        ({"deep": {"things": ["quantity"]}}, "no navigation things"),
        ({"deep": {"items": ["colour"]}}, "no property colour"),
        ({"bind": {"items": "Items"}}, "no navigation items to one entity"),
        ({"bind": {"customer": "Products"}}, "leads to Trade.Customers"),
    ],
)
def test_a_create_that_cannot_work_is_a_mistake(changed: dict[str, Any], says: str) -> None:
    wrong = section("v4")
    wrong["entities"]["Orders"]["actions"]["create_order"].update(changed)
    with pytest.raises(SettingsError, match=says):
        build_odata("trade", ODataSettings.model_validate(wrong))


@pytest.mark.parametrize(("verb", "entity_set"), [("create_order", "Orders"), ("change_product", "Products")])
def test_a_key_that_no_v2_service_reads_is_a_mistake(verb: str, entity_set: str) -> None:
    wrong = section("v2")
    wrong["entities"][entity_set]["actions"][verb]["repeatable"] = "24h"
    with pytest.raises(SettingsError, match="`repeatable` is of v4"):
        build_odata("trade", ODataSettings.model_validate(wrong))


def test_metadata_that_is_not_there_is_told_with_a_way_to_get_it(tmp_path: Any) -> None:
    with pytest.raises(SettingsError) as error:
        built("v4", metadata=tmp_path / "none.edmx")
    assert "curl" in error.value.mistakes[0].hint


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"entities": {}, "operations": {}}, ()),
        ({"auth": {}}, ("auth",)),
        ({"auth": {"bearer": "t", "basic": {"user": "a", "password": "p"}}}, ("auth",)),
        ({"headers": {"sap-client": "100\r\nX: y"}}, ("headers", "sap-client")),
        ({"headers": {"If-Match": "*"}}, ("headers",)),
        ({"entities": {"Or/ders": {"fields": ["ID"], "actions": {}}}}, ("entities", "Or/ders", "[key]")),
        ({"operations": {"a": {"name": "x(y)"}}}, ("operations", "a", "name")),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(changed: dict[str, Any], place: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as error:
        settings("v4", **changed)
    assert place in {each["loc"] for each in error.value.errors()}


def test_the_example_of_the_readme_is_a_section_that_works() -> None:
    readme = (files("connectors.odata") / "README.md").read_text(encoding="utf-8")
    example = yaml.safe_load(readme.partition("```yaml\n")[2].partition("```")[0])["connectors"]["trade"]
    assert example.pop("use") == "odata"
    example["auth"]["basic"]["password"] = "resolved"
    own = ODataSettings.model_validate({**example, "metadata": FOLDER / "trade.v4.edmx"})
    testing.check_declarations(build_odata("trade", own))


@pytest.mark.parametrize("etag", ["*", 'W/"1", W/"2"', 'W/"1"\r\nX-Other: 1', "1", "", 'W/"ü"'])
def test_a_change_depends_on_one_state_and_on_nothing_else(version: Any, etag: str) -> None:
    change = built(version).actions["trade.change_customer"]
    change.arguments.model_validate({"ID": "C-1", "etag": 'W/"1"', "name": "x"})
    change.arguments.model_validate(
        {"ID": "C-1", "etag": """W/"datetime'2026-01-01T00%3A00%3A00'\"""", "name": "x"}
    )
    with pytest.raises(ValidationError, match="etag"):
        change.arguments.model_validate({"ID": "C-1", "etag": etag, "name": "x"})
