import sys
from importlib.metadata import EntryPoint

import pytest

from connectors.discovery import GROUP, DiscoveryError, load_connectors
from connectors.sandbox.crm import crm
from connectors.sandbox.erp import erp

ERP = EntryPoint("sandbox-erp", "connectors.sandbox.erp:erp", GROUP)
CRM = EntryPoint("sandbox-crm", "connectors.sandbox.crm:crm", GROUP)
ABSENT = EntryPoint("absent", "surely_not_installed.module:thing", GROUP)
NO_CONNECTOR = EntryPoint("no-connector", "connectors.sandbox.erp:check_stock", GROUP)
UNUSED = EntryPoint("unused", "this:s", GROUP)


def test_connectors_are_loaded_in_the_order_asked_for_and_once() -> None:
    loaded = load_connectors(["sandbox-crm", "sandbox-erp", "sandbox-crm"], installed=[ERP, CRM])

    assert loaded == (crm, erp)


def test_what_nobody_asks_for_is_not_imported() -> None:
    # `this` prints when it is imported; any module nobody imports would do.
    sys.modules.pop("this", None)
    load_connectors(["sandbox-erp"], installed=[UNUSED, ERP])

    assert "this" not in sys.modules


def test_a_name_listed_twice_with_the_same_target_is_no_conflict() -> None:
    assert load_connectors(["sandbox-erp"], installed=[ERP, ERP]) == (erp,)


@pytest.mark.parametrize(
    ("name", "installed", "problem"),
    [
        ("sandbox-epr", [ERP, CRM], r"Did you mean sandbox-erp\? Installed: sandbox-crm, sandbox-erp\."),
        ("sandbox-erp", [], "None is installed"),
        ("absent", [ABSENT], "does not load: ModuleNotFoundError"),
        ("no-connector", [NO_CONNECTOR], "is a function, no Connector"),
        ("sandbox-erp", [ERP, EntryPoint("sandbox-erp", "evil:erp", GROUP)], "several distributions"),
    ],
)
def test_what_cannot_be_loaded_says_why(name: str, installed: list[EntryPoint], problem: str) -> None:
    with pytest.raises(DiscoveryError, match=problem) as raised:
        load_connectors([name], installed=installed)

    assert name in str(raised.value)
