"""A section describes a connector without connecting, or says everything that is wrong with it."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.catalog import Catalog
from connectors.kind import SettingsError
from connectors.mcp.arguments import sent_arguments
from connectors.mcp.definitions import Snapshot, written
from connectors.mcp.kind import build_mcp
from connectors.mcp.settings import McpSettings, ToolSettings

PAY: dict[str, Any] = {
    "name": "pay",
    "description": "Pay an invoice.",
    "inputSchema": {
        "type": "object",
        "properties": {
            "invoice": {"type": "string", "description": "which"},
            "amount": {"type": "number"},
            "key": {"type": "string"},
            "currency": {"$ref": "#/$defs/currency"},
        },
        "required": ["invoice", "key", "currency"],
        "$defs": {"currency": {"type": "string", "enum": ["EUR", "USD"]}},
    },
    "annotations": {"readOnlyHint": False, "idempotentHint": True},
}
LOOK: dict[str, Any] = {
    "name": "look",
    "description": "Look an invoice up.",
    "inputSchema": {
        "type": "object",
        "properties": {"invoice": {"type": "string", "description": "which"}},
        "required": ["invoice"],
    },
    "annotations": {"readOnlyHint": True},
}
DEEP = {
    **LOOK,
    "name": "deep",
    "inputSchema": {"type": "object", "properties": {"a": {"description": "a", "$ref": "#"}}},
}


@pytest.fixture
def definitions(tmp_path: Path) -> Path:
    file = tmp_path / "bank.tools.json"
    file.write_text(written(Snapshot("bank 1", {"pay": PAY, "look": LOOK, "deep": DEEP})), encoding="utf-8")
    return file


def settings(definitions: Path, **tools: dict[str, Any]) -> McpSettings:
    return McpSettings.model_validate({"command": ["bank"], "definitions": definitions, "tools": tools})


PAYS: dict[str, Any] = {
    "tool": "pay",
    "effect": "write",
    "idempotency": "provider-key",
    "key_argument": "key",
    "window": "24h",
    "fixed": {"currency": "EUR"},
    "arguments": {"amount": "how much, in euro"},
}


def test_an_action_shows_what_the_model_may_set_and_sends_what_the_tool_wants(definitions: Path) -> None:
    connector = build_mcp("bank", settings(definitions, pay=PAYS))
    action = connector.actions["bank.pay"]
    assert Catalog((connector,)).lint() == []
    shown = action.tool["function"]["parameters"]["properties"]
    assert list(shown) == ["invoice", "amount"]
    assert shown["amount"]["description"] == "how much, in euro"
    own = ToolSettings.model_validate(PAYS)
    sent = sent_arguments(own, {"invoice": "I-1", "currency": "USD", "key": "forged"}, "key-1")
    assert sent == {"invoice": "I-1", "currency": "EUR", "key": "key-1"}


def test_hints_are_believed_of_a_trusted_server_only(definitions: Path) -> None:
    pay: dict[str, Any] = {"tool": "pay", "fixed": {"amount": 1, "key": "k"}}
    tools = {"look": {"tool": "look"}, "pay": {**pay, "arguments": {"currency": "of the amount"}}}
    distrusted = settings(definitions, **tools)
    with pytest.raises(SettingsError, match="nobody says whether look is a read or a write") as error:
        build_mcp("bank", distrusted)
    assert [each.at for each in error.value.mistakes] == [
        ("tools", "look", "effect"),
        ("tools", "pay", "effect"),
    ]
    trusted = distrusted.model_copy(update={"trusted": True})
    actions = build_mcp("bank", trusted).actions
    assert (actions["bank.look"].effect, actions["bank.look"].idempotency) == ("read", "none")
    assert (actions["bank.pay"].effect, actions["bank.pay"].idempotency) == ("write", "natural")


def test_a_hint_does_not_overrule_the_section(definitions: Path) -> None:
    said = settings(definitions, look={"tool": "look", "effect": "write", "idempotency": "none"})
    action = build_mcp("bank", said.model_copy(update={"trusted": True})).actions["bank.look"]
    assert (action.effect, action.idempotency) == ("write", "none")


def test_a_write_that_nobody_calls_idempotent_does_not_pass_the_lint(definitions: Path) -> None:
    said = settings(definitions, look={"tool": "look", "effect": "write"})
    (finding,) = Catalog((build_mcp("bank", said),)).lint()
    assert finding.message == "is a write without idempotency and without reconcile"


@pytest.mark.parametrize(
    ("change", "at", "says"),
    [
        ({"tool": "pya"}, ("tool",), "no tool pya"),
        (
            {"fixed": {"curency": "EUR"}},
            ("fixed", "curency"),
            "pay has no argument curency; it has invoice, amount",
        ),
        ({"key_argument": "kee"}, ("key_argument",), "pay has no argument kee"),
        ({"fixed": {"key": "mine", "currency": "EUR"}}, ("fixed", "key"), "it cannot be fixed"),
        ({"arguments": {"amont": "x"}}, ("arguments", "amont"), "pay has no argument amont"),
        ({"arguments": {"key": "x"}}, ("arguments", "key"), "is not shown to the model"),
        ({"arguments": {}}, ("arguments",), "pay does not describe its argument amount"),
        ({"window": "a day"}, (), "'a day' is no duration"),
        ({"protected": ["nobody"]}, (), "protects"),
    ],
)
def test_a_mistake_is_named_with_its_place(
    definitions: Path, change: dict[str, Any], at: tuple[str, ...], says: str
) -> None:
    with pytest.raises(SettingsError) as error:
        build_mcp("bank", settings(definitions, pay={**PAYS, **change}))
    (mistake,) = error.value.mistakes
    assert mistake.at == ("tools", "pay", *at)
    assert says in mistake.message


def test_a_schema_that_cannot_be_strict_is_refused_with_place_and_reason(definitions: Path) -> None:
    with pytest.raises(SettingsError, match="recurs"):
        build_mcp("bank", settings(definitions, deep={"tool": "deep", "effect": "read"}))


def test_every_mistake_of_a_section_is_said_at_once(definitions: Path) -> None:
    said = settings(definitions, pay={**PAYS, "tool": "pya"}, look={"tool": "look"}, Bad=PAYS)
    with pytest.raises(SettingsError) as error:
        build_mcp("bank", said)
    assert len(error.value.mistakes) == 3


def test_definitions_that_are_not_there_or_were_edited_are_named(definitions: Path) -> None:
    said = settings(definitions, pay=PAYS)
    definitions.write_text(
        definitions.read_text(encoding="utf-8").replace("Pay an", "Pay any"), encoding="utf-8"
    )
    with pytest.raises(SettingsError, match="the definition of pay does not match its digest") as error:
        build_mcp("bank", said)
    assert error.value.mistakes[0].at == ("definitions",)
    definitions.unlink()
    with pytest.raises(SettingsError, match=r"bank\.tools\.json cannot be read \(FileNotFoundError\)"):
        build_mcp("bank", said)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"url": "https://bank.example.com/mcp"}, "exactly one of command and url"),
        ({"command": []}, "exactly one of command and url"),
        ({"token": "t"}, "token and egress are for a server with a url"),
        ({"env": {"A": {}}}, "exactly one of value and secret"),
        ({"env": {"A=B": {"value": "1"}}}, "should match pattern"),
        ({"command": [], "url": "http://ann:pw@bank.example.com"}, "url for bank.example.com must have no"),
        ({"command": [], "url": "https://a.example", "egress": ["10.0.0.1/8"]}, "is no network"),
        ({"command": [], "url": "https://a.example", "cwd": "/"}, "env and cwd are for a server"),
        ({"tools": {}}, "at least 1 item"),
        ({"tools": {"a": {"tool": "pay", "idempotency": "ledger"}}}, "Input should be"),
        ({"tools": {"a": {"tool": "pay", "key_argument": "key"}}}, "go together"),
        ({"tools": {"a": {"tool": "pay", "fields": {"x": {"pattern": "a"}}}}}, "goes with type: string"),
        ({"trusts": True}, "Extra inputs"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(
    definitions: Path, change: dict[str, Any], says: str
) -> None:
    whole = {"command": ["bank"], "definitions": definitions, "tools": {"pay": PAYS}, **change}
    with pytest.raises(ValidationError, match=says) as error:
        McpSettings.model_validate(whole)
    assert "ann:pw" not in str(error.value.errors(include_input=False)[0]["msg"])
