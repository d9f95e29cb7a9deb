"""A section of the configuration becomes a connector, or every mistake in it is told with its line."""

import shutil
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from connectors import testing
from connectors.kind import SettingsError
from connectors.soap.kind import soap
from connectors.soap.settings import SoapSettings
from consumers.app.config_file import read_config
from consumers.app.resolve import resolve
from tests.connectors.soap.services import OPEN, WSDLS, settings_of
from tests.consumers.app.test_config_file import change, mistakes, valid
from tests.repository.documents import Document

__all__ = ["valid"]  # the fixture

(EXAMPLE,) = (
    body
    for body in Document.read("connectors/soap/README.md").fences("yaml")
    if body.startswith("connectors:")
)


@pytest.fixture
def section(valid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The demo's configuration with the README's section."""
    change(valid, "connectors: # what can be done", EXAMPLE.rstrip("\n") + " #")
    shutil.copy(WSDLS / "orders.wsdl", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ORDERS_PASSWORD", "long-password-of-the-desk")
    return valid


def test_the_entry_point_names_the_kind() -> None:
    (found,) = entry_points(group="pointsman.connectors", name="soap")
    assert found.load() is soap


def test_the_example_of_the_readme_is_a_whole_section(section: Path) -> None:
    (desk,) = (each for each in resolve(read_config(section)).connectors if each.connector.name == "desk")
    testing.check_declarations(desk.connector)
    testing.check_settings(desk.connector)
    place = desk.connector.actions["desk.place_order"]
    assert list(place.tool["function"]["parameters"]["properties"]) == ["customer_id", "due", "lines"]
    assert place.result is not None
    assert list(place.result.model_fields) == ["order_id", "status", "total"]


def test_the_password_is_a_reference_that_is_looked_up_when_it_is_used(
    section: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (desk,) = (each for each in resolve(read_config(section)).connectors if each.connector.name == "desk")
    settings: Any = desk.settings
    password = settings.ws_security.password
    assert isinstance(password, SecretStr)
    assert "long-password" not in repr(settings)
    monkeypatch.setenv("ORDERS_PASSWORD", "rotated")
    assert password.get_secret_value() == "rotated"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("{env: ORDERS_PASSWORD}", "hunter2", "desk.ws_security.password: is a secret: write"),
        ("operation: FindCustomer", "operation: FindCustomr", "Did you mean FindCustomer?"),
        ("effect: read", "effect: look", "operations.find_customer.effect"),
        ("inside: order", "inside: ordr", "desk.operations.place_order: inside: there is no object ordr"),
        ("[order_id, status, total]", "[order_no]", "the result has no order_no there; it has order_id"),
        ("order.note: {hidden", "order.not: {hidden", "it has no argument order.not"),
        ("orders.wsdl", "order.wsdl", "desk.wsdl: cannot read"),
        ("base_url: https", "base_url: ftp", "desk.base_url"),
        ("use: soap", "use: soup", "Did you mean soap?"),
    ],
)
def test_a_mistake_in_a_section_is_named_with_its_line_and_no_secret(
    section: Path, old: str, new: str, says: str
) -> None:
    line = change(section, old, new)
    said = mistakes(section)
    assert says in said
    assert "hunter2" not in said
    assert any(f"pointsman.yaml:{near}:" in said for near in range(line - 14, line + 1))


@pytest.mark.parametrize(
    "values",
    [
        {"auth": {"basic": {"user": "a", "password": "b"}, "bearer": "c"}},
        {"auth": {"basic": {"user": "a:b", "password": "b"}}},
        {"reply_bytes": 10},
        {"reply_bytes": 1 << 30},
        {"operations": {}},
        {"operations": {"act": {**OPEN, "idempotency": "provider-key"}}},
        {"operations": {"act": {**OPEN, "absent": ["NotFound"]}}},
        {"operations": {"act": {**OPEN, "key_header": "X-Key: 1"}}},
        {"unknown": 1},
    ],
)
def test_settings_that_do_not_fit_together_are_refused(values: dict[str, Any]) -> None:
    whole = settings_of("tickets.wsdl", act=OPEN).model_dump()
    with pytest.raises(ValidationError):
        SoapSettings.model_validate({**whole, **values})


def test_without_its_packages_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(module: str) -> str | None:
        return None if module == "zeep" else module

    monkeypatch.setattr("connectors.extra.find_spec", find)
    with pytest.raises(SettingsError, match="needs zeep, not installed here") as error:
        soap.build("desk", settings_of("tickets.wsdl", act=OPEN))
    assert error.value.mistakes[0].hint == "pip install 'pointsman[soap]'"
