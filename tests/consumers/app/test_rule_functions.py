"""Rules in Python are found by name among what is installed, and nothing else is imported."""

from importlib.metadata import EntryPoint

import pytest

from connectors.discovery import DiscoveryError
from consumers.app.route_rules import GROUP, load_rule_function
from tests.consumers.policy.rules_in_python import last_digit_is_right

MODULE = last_digit_is_right.__module__


def installed(value: str) -> list[EntryPoint]:
    return [EntryPoint("check-digit", value, GROUP)]


def test_a_rule_is_found_by_its_name() -> None:
    offered = installed(f"{MODULE}:last_digit_is_right")
    assert load_rule_function("check-digit", installed=offered) is last_digit_is_right


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        (
            "check-digits",
            f"{MODULE}:last_digit_is_right",
            r"no rule check-digits .*Did you mean check-digit\?",
        ),
        ("check-digit", f"{MODULE}:not_a_rule", "is a str, no function"),
        ("check-digit", "not_installed.at_all:f", "rule check-digit .*does not load: ModuleNotFoundError"),
    ],
)
def test_what_is_no_rule_is_refused(name: str, value: str, says: str) -> None:
    with pytest.raises(DiscoveryError, match=says):
        load_rule_function(name, installed=installed(value))
