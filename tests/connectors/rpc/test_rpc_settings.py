"""What is wrong with a section is said at the place it is wrong; parameters are filled in as they are written."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.errors import FailedError
from connectors.kind import SettingsError
from connectors.rpc.dialect import RpcProtocol
from connectors.rpc.kind import build_rpc
from connectors.rpc.settings import RpcSettings
from connectors.rpc.template import filled, says_key

NUMBER = {
    "type": "object",
    "properties": {"id": {"type": "integer", "description": "Which."}},
    "required": ["id"],
}
READ: dict[str, Any] = {
    "description": "Find.",
    "method": "thing.find",
    "effect": "read",
    "returns": {"name": "id", "type": "integer", "first": True},
}
WRITE: dict[str, Any] = {
    "description": "Make.",
    "method": "thing.make",
    "effect": "write",
    "idempotency": "natural",
    "arguments": NUMBER,
    "parameters": [{"argument": "id"}],
    "returns": {"name": "id", "type": "integer"},
}


def section(**changed: Any) -> RpcSettings:
    given = {"base_url": "http://127.0.0.1:1", "path": "rpc", "actions": {"find": READ, "make": WRITE}}
    return RpcSettings.model_validate({**given, **changed})


@pytest.mark.parametrize(
    ("change", "at", "says"),
    [
        ({"parameters": [{"argument": "idd"}]}, "parameters", "no argument 'idd'"),
        ({"parameters": [{"argument": "id", "as": "hex"}]}, "parameters", "as 'hex'"),
        ({"keywords": {"a": 1}}, "keywords", "by position or by name"),
        ({"idempotency": "provider-key", "window": "1h"}, "idempotency", "the key is not sent"),
        ({"reconcile": "s.fnd"}, "reconcile", "names no action of this section"),
        ({"reconcile": "s.make"}, "reconcile", "does not say when there is nothing"),
        ({"reconcile": "s.find", "returns": {"name": "n", "type": "integer"}}, "returns", "called otherwise"),
        ({"reconcile": "s.find", "look_first": True, "returns": None}, "look_first", "needs a read"),
        ({"protected": ["nobody"]}, None, "does not take"),
        ({"arguments": {"type": "array"}, "parameters": []}, None, "one object"),
    ],
)
def test_a_mistake_in_an_action_is_named_with_its_place(
    change: dict[str, Any], at: str | None, says: str
) -> None:
    settings = section(actions={"find": READ, "make": {**WRITE, **change}})
    with pytest.raises(SettingsError, match=says) as error:
        build_rpc("json-rpc", "s", settings)
    (mistake,) = error.value.mistakes
    assert mistake.at == ("actions", "make", *([at] if at else []))


@pytest.mark.parametrize(
    ("protocol", "dialect", "action"),
    [
        ("xml-rpc", "plain", {"keywords": {"a": 1}}),
        ("json-rpc", "odoo", {"method": "make", "parameters": []}),
    ],
)
def test_what_a_dialect_cannot_say_is_refused(
    protocol: RpcProtocol, dialect: str, action: dict[str, Any]
) -> None:
    login = {"user": "ann", "password": "x"}
    own = {} if dialect == "plain" else {"dialect": dialect, "database": "d", "login": login, "path": ""}
    with pytest.raises(SettingsError):
        build_rpc(protocol, "s", section(actions={"make": {**WRITE, **action}}, **own))


@pytest.mark.parametrize(
    "changed",
    [
        {"dialect": "tryton"},
        {"dialect": "odoo", "database": "d"},
        {"database": "d"},
        {"dialect": "tryton", "database": "d", "login": {"user": "a", "password": "p"}},  # with a path
        {"actions": {}},
        {"actions": {"find": {**READ, "look_first": True}}},
    ],
)
def test_a_section_that_cannot_work_does_not_validate(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        section(**changed)


def test_parameters_are_sent_as_they_are_written_but_for_arguments_and_the_key() -> None:
    template = [
        [["code", "=", {"argument": "code"}]],
        {"key": True},
        {"price": {"argument": "price", "as": "decimal"}},
    ]
    arguments = {"code": "C-1", "price": 9.9}
    assert filled(template, arguments, "k") == [[["code", "=", "C-1"]], "k", {"price": Decimal("9.9")}]
    assert filled({"argument": "left_out"}, {}, "k") is None
    assert filled({"argument": "day", "as": "date"}, {"day": "2026-11-28"}, "k") == date(2026, 11, 28)
    assert filled({"argument": "x", "default": 1}, {"x": 2}, "k") == {"argument": "x", "default": 1}
    assert says_key(template)
    assert not says_key(template[:1])


def test_an_argument_is_never_read_as_part_of_the_template() -> None:
    sly = {"argument": "other"}
    assert filled([{"argument": "a"}], {"a": sly, "other": "secret"}, "k") == [sly]
    assert filled([{"argument": "a"}], {"a": {"key": True}}, "k") == [{"key": True}]


@pytest.mark.parametrize(
    ("wanted", "value"), [("decimal", "ten"), ("decimal", "NaN"), ("date", "28.11."), ("date", 3)]
)
def test_an_argument_that_is_not_what_it_is_sent_as_is_refused(wanted: str, value: Any) -> None:
    with pytest.raises(FailedError, match="x is no"):
        filled({"argument": "x", "as": wanted}, {"x": value}, "k")
