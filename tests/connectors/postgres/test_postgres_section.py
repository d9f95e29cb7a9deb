"""A section becomes a connector: the one of the README does, and each mistake in it is named at its place."""

import re
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from pydantic import ValidationError

from connectors import testing
from connectors.catalog import Catalog
from connectors.kind import Kind, SettingsError
from connectors.postgres.kind import build_postgres, postgres
from connectors.postgres.settings import PostgresSettings

README = Path(__file__).parents[3] / "connectors" / "postgres" / "README.md"


def said() -> dict[str, Any]:
    found = re.search(r"```yaml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    section = cast("dict[str, Any]", yaml.safe_load(found[1])["connectors"]["shop"])
    assert section.pop("use") == "postgres"
    return section | {"password": "hunter2"}


def test_the_section_of_the_readme_becomes_a_connector() -> None:
    connector = build_postgres("shop", PostgresSettings.model_validate(said()))
    assert list(connector.actions) == [
        "shop.find_order",
        "shop.create_order",
        "shop.cancel_order",
        "shop.select",
    ]
    assert Catalog((connector,)).lint() == []
    testing.check_declarations(connector)
    testing.check_tools(connector)
    testing.check_unknown_arguments(connector)
    testing.check_settings(connector)
    create = connector.actions["shop.create_order"]
    assert (create.effect, create.idempotency, create.compensate) == ("write", "ledger", "shop.cancel_order")
    assert create.result is not None
    assert list(create.result.model_fields) == ["order_id", "status"]


def test_the_model_is_told_the_tables_and_the_limits_of_the_free_select() -> None:
    connector = build_postgres("shop", PostgresSettings.model_validate(said()))
    tool = connector.actions["shop.select"].tool["function"]
    assert "At most 50 rows" in tool["description"]
    assert "- sales.orders: one row an order" in tool["parameters"]["properties"]["query"]["description"]


@pytest.mark.parametrize(
    ("path", "value", "mistake"),
    [
        (
            ("statements", "find_order", "sql"),
            "SELECT 1",
            "statements.find_order.parameters: reference is not",
        ),
        (("statements", "find_order", "sql"), "DELETE FROM t WHERE a = :reference", "declared a read"),
        (
            ("statements", "create_order", "returns"),
            {"x": {"type": "strange"}},
            "statements.create_order.returns:",
        ),
        (("statements", "create_order", "protected"), ["nobody"], "statements.create_order: "),
        (("statements", "select"), "find_order", "statements.select: is the name of the free SELECT"),
        (("select", "tables"), {"orders": "x"}, "select.tables.orders: is no schema.table"),
        (("select", "functions"), ["Concat()"], "select.functions.0: "),
        (("tls_ca",), "/nowhere.pem", "tls_ca: /nowhere.pem cannot be used"),
    ],
)
def test_a_mistake_is_named_at_its_place(path: tuple[str, ...], value: Any, mistake: str) -> None:
    section = said()
    if value == "find_order":
        value = section["statements"]["find_order"]
    inner = section
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    with pytest.raises(SettingsError) as raised:
        build_postgres("shop", PostgresSettings.model_validate(section))
    assert mistake in str(raised.value)


@pytest.mark.parametrize(
    "changed",
    [
        {"host": "a b"},
        {"host": "db.example.com."},
        {"host": "0x7f.1"},
        {"egress": ["10.0.0.0/33"]},
        {"ledger": "ledger"},
        {"select_role": 'x"; DROP'},
        {"tls": "prefer"},
        {"unknown": 1},
        {"limits": {"rows": 0}},
    ],
)
def test_a_setting_that_means_nothing_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PostgresSettings.model_validate(said() | changed)


def test_a_section_without_actions_is_a_mistake() -> None:
    section = {name: value for name, value in said().items() if name not in {"statements", "select"}}
    with pytest.raises(SettingsError, match="has no action"):
        build_postgres("shop", PostgresSettings.model_validate(section))


def test_the_entry_point_names_the_kind() -> None:
    from connectors.discovery import load_connectors

    (loaded,) = load_connectors(["postgres"])
    assert isinstance(loaded, Kind)
    assert loaded is postgres


def test_the_password_is_not_in_the_settings_text() -> None:
    assert "hunter2" not in repr(PostgresSettings.model_validate(said()))
