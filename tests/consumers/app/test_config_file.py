"""A configuration file: read with the line of every value, overridden by the environment, refused with every mistake."""

from pathlib import Path

import pytest

from consumers.adapters.connector_results import ResultLimits
from consumers.app.compose import result_limits
from consumers.app.config_file import InvalidConfigError, read_config
from consumers.app.resolve import resolve
from consumers.demo.settled import template
from schemas.jws import new_pair

TOKEN = "token: {file: sandbox-token}"


@pytest.fixture
def valid(tmp_path: Path) -> Path:
    token = tmp_path / "token"
    token.write_text("secret", encoding="utf-8")
    private, public = new_pair()
    (tmp_path / "approver.key").write_text(private, encoding="utf-8")
    (tmp_path / "approver.key.pub").write_text(public, encoding="utf-8")
    path = tmp_path / "pointsman.yaml"
    text = (
        template()
        .replace("sandbox-token", str(token))
        .replace("approver.key", str(tmp_path / "approver.key"))
    )
    path.write_text(text, encoding="utf-8")
    return path


def change(path: Path, old: str, new: str) -> int:
    """Change the file and return the line of the change."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def mistakes(path: Path) -> str:
    with pytest.raises(InvalidConfigError) as caught:
        resolve(read_config(path))
    return str(caught.value)


def test_the_demos_file_is_valid_and_its_routes_are_whole(valid: Path) -> None:
    resolved = resolve(read_config(valid))
    route = resolved.routes["order.requested"]
    assert route.atomic
    assert [rule.name for rule in route.rules] == [
        "credit-first",
        "backorder-for-vip",
        "price-first",
        "large-order",
    ]
    assert len(route.tools) == len(route.actions) == 5


def test_how_much_is_told_of_a_session_and_how_much_may_come_back_are_the_files(valid: Path) -> None:
    assert resolve(read_config(valid)).routes["case.opened"].session_tokens == 1500
    change(valid, "event: case.opened", "event: case.opened\n    session_tokens: 200")
    change(valid, "connectors:", "limits: {result_bytes: 2048, result_depth: 8}\nconnectors:")
    file = read_config(valid)
    assert resolve(file).routes["case.opened"].session_tokens == 200
    assert result_limits(file.config.limits) == ResultLimits(bytes=2048, depth=8)
    change(valid, "result_bytes: 2048", "result_bytes: 10")
    assert "limits.result_bytes" in mistakes(valid)


def test_a_route_that_shows_fewer_actions_than_it_allows_lets_the_model_find_them(valid: Path) -> None:
    assert resolve(read_config(valid)).routes["case.opened"].discovery is None
    change(
        valid,
        "event: order.requested",
        "event: order.requested\n    shown: 2\n    pinned: [erp.create_order]",
    )
    discovery = resolve(read_config(valid)).routes["order.requested"].discovery
    assert discovery is not None
    assert (discovery.limit, discovery.pinned) == (2, ("erp.create_order",))
    description = discovery.finder.tool["function"]["description"]
    assert "erp: " in description
    assert "crm: " in description


def test_what_cannot_always_be_shown_is_a_mistake_at_its_line(valid: Path) -> None:
    line = change(
        valid,
        "event: order.requested",
        "event: order.requested\n    shown: 1\n    pinned: [erp.create_ordr, erp.create_order]",
    )
    said = mistakes(valid)
    assert f":{line + 2}" in said
    assert "erp.create_ordr is not on the route's list" in said
    assert "Did you mean erp.create_order?" in said
    assert "has 2 actions, and 1 are shown" in said


def test_the_environment_overrides_the_file(valid: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTSMAN_KAFKA__BOOTSTRAP", "elsewhere:9093")
    config = read_config(valid).config
    assert config.kafka.bootstrap == "elsewhere:9093"
    assert config.kafka.group == "pointsman-demo", "what the environment does not say stays as in the file"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("- erp.check_stock", "- erp.chek_stock", "unknown action erp.chek_stock"),
        ("use: sandbox-erp", "use: sandbox-erq", "sandbox-erq"),
        ("group: pointsman-demo", "gruop: pointsman-demo", "gruop"),
        ("arguments.case_ref != event.payload.case_ref", "arguments.case_ref !=", "own-case-only"),
        ("arguments.case_ref != event.payload.case_ref", "argument.case_ref != event.id", "argument"),
        ("then: hold", "then: wait", "then"),
        ("port: 0", "port: 99999", "port"),
        ("event: case.opened", "event: [1]", "event"),
        (
            "approved may order.\n        actions: [erp.create_order",
            "x\n        actions: [erp.refund_order",
            "refund_order",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line(valid: Path, old: str, new: str, says: str) -> None:
    line = change(valid, old, new)
    text = mistakes(valid)
    assert says in text
    named = [int(part.split(":")[1]) for part in text.splitlines() if part.startswith("pointsman.yaml:")]
    assert any(abs(at - line) <= 2 for at in named), (line, text)


def test_all_mistakes_are_found_at_once(valid: Path) -> None:
    change(valid, "- erp.check_stock", "- erp.chek_stock")
    change(valid, "arguments.case_ref != event.payload.case_ref", "arguments.case_ref !=")
    assert mistakes(valid).count("pointsman.yaml:") == 2


def test_a_secret_in_the_file_is_refused_and_not_repeated(valid: Path) -> None:
    text = valid.read_text(encoding="utf-8")
    line = next(part for part in text.splitlines() if "token:" in part)
    change(valid, line, "    token: hunter2")
    said = mistakes(valid)
    assert "env: NAME" in said
    assert "hunter2" not in said


def test_a_missing_secret_is_named(valid: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_TOKEN", raising=False)
    text = valid.read_text(encoding="utf-8")
    line = next(part for part in text.splitlines() if "token:" in part)
    change(valid, line, "    token: {env: NO_SUCH_TOKEN}")
    assert "NO_SUCH_TOKEN" in mistakes(valid)


def test_two_tenants_on_one_topic_are_refused(valid: Path) -> None:
    change(valid, "topic: crm.cases", "topic: erp.orders\n    tenant: other")
    assert "tenants" in mistakes(valid)


def test_an_approval_may_not_outlive_its_session(valid: Path) -> None:
    change(valid, "atomic: true", "approval_window: P30D\n    atomic: true")
    assert "approval_window" in mistakes(valid)


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "a: [\n", "kafka: {}\n"])
def test_what_is_no_configuration_is_refused_clearly(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pointsman.yaml"
    path.write_text(text, encoding="utf-8")
    assert "pointsman.yaml:" in mistakes(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "nowhere.yaml" in mistakes(tmp_path / "nowhere.yaml")


UNSAFE = '''
from typing import Any

from connectors.action import Call
from connectors.connector import Connector

legacy = Connector("legacy", "An old system.")


@legacy.action(effect="write")
async def book(call: Call[None], amount: int) -> dict[str, Any]:
    """Book an amount.

    Args:
        amount: how much.
    """
    return {}
'''


def test_a_write_without_idempotency_is_refused_with_the_place_in_the_connector(
    valid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    info = site / "acme_legacy-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: acme-legacy\nVersion: 1.0\n", encoding="utf-8"
    )
    (info / "entry_points.txt").write_text(
        "[pointsman.connectors]\nacme-legacy = acme_legacy:legacy\n", encoding="utf-8"
    )
    (site / "acme_legacy.py").write_text(UNSAFE, encoding="utf-8")
    monkeypatch.syspath_prepend(site)
    change(valid, "connectors:", "connectors:\n  legacy: {use: acme-legacy}\n#")
    text = mistakes(valid)
    assert "legacy.book" in text
    assert "idempotency" in text
    assert "acme_legacy.py:10" in text


def test_a_rule_that_would_hold_a_read_is_refused(valid: Path) -> None:
    change(
        valid,
        "wait for a person.\n        actions: [erp.create_order]",
        "wait.\n        actions: [erp.check_stock]",
    )
    assert "only writes can be held" in mistakes(valid)


def test_what_a_route_trusts_is_the_files(valid: Path) -> None:
    trust = resolve(read_config(valid)).routes["order.requested"].trust
    assert trust.payload["properties"]["customer_id"]["pattern"]
    assert trust.arguments.keys() == resolve(read_config(valid)).routes["order.requested"].actions.keys()
    assert "erp.check_stock" in trust.results
    assert (trust.fields, trust.values, trust.despite_text) == (frozenset(), (), frozenset())
    change(valid, "atomic: true", "trusted_fields: [note]\n    trusted_values: [C-9, 7]\n    atomic: true")
    trust = resolve(read_config(valid)).routes["order.requested"].trust
    assert (trust.fields, trust.values) == (frozenset({"note"}), ("C-9", 7))
    cases = resolve(read_config(valid)).routes["case.opened"].trust
    assert cases.despite_text == {"crm.add_case_note", "crm.resolve_case"}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("crm.add_case_not", "is not on the route's list"),
        ("crm.get_customer", "does not wait for a person anyway"),
    ],
)
def test_what_is_named_in_vain_is_a_mistake(valid: Path, name: str, says: str) -> None:
    line = change(valid, "[crm.add_case_note, crm.resolve_case] #", f"[{name}] #")
    assert f"pointsman.yaml:{line}: routes.1.despite_untrusted_text: {name} {says}" in mistakes(valid)


@pytest.mark.parametrize("name", ["provenance", "untrusted-text"])
def test_a_rule_may_not_be_called_like_a_check_of_its_own(valid: Path, name: str) -> None:
    change(valid, "name: own-case-only", f"name: {name}")
    assert f"rule {name}: that name stands for a check of its own" in mistakes(valid)


def texts(path: Path, prompt: bytes, *documents: str) -> None:
    """Have the first route name a template and documents."""
    (path.parent / "system.txt").write_bytes(prompt)
    named = ", ".join(str(path.parent / name) for name in documents)
    added = f"    prompt: {path.parent / 'system.txt'}\n    documents: [{named}]\n"
    change(path, "    atomic: true # an order", added + "    atomic: true # an order")


def test_a_routes_template_and_documents_are_read_from_their_files(valid: Path) -> None:
    (valid.parent / "returns.md").write_text("30 days", encoding="utf-8")
    texts(valid, b"Reach $goal. $rules", "returns.md")
    route = resolve(read_config(valid)).routes["order.requested"]
    assert route.template.filled("it", "!") == "Reach it. !"
    assert [(each.name, each.text) for each in route.documents] == [("returns.md", "30 days")]


@pytest.mark.parametrize(
    ("prompt", "document", "says"),
    [
        (b"Reach $goal.", b"", "system.txt lacks $rules"),
        (b"\xff", b"", "system.txt is no text in UTF-8"),
        (b"$goal $rules", None, "returns.md cannot be read: No such file or directory"),
        (b"$goal $rules", b"x" * 300_000, "returns.md has more than 262144 bytes"),
    ],
    ids=["template", "binary", "missing", "large"],
)
def test_a_text_that_cannot_be_used_is_named_with_its_line(
    valid: Path, prompt: bytes, document: bytes | None, says: str
) -> None:
    if document is not None:
        (valid.parent / "returns.md").write_bytes(document)
    texts(valid, prompt, "returns.md")
    said = mistakes(valid)
    assert says in said
    assert "pointsman.yaml:1:" not in said


def test_two_documents_of_one_name_are_refused(valid: Path) -> None:
    (valid.parent / "returns.md").write_text("30 days", encoding="utf-8")
    texts(valid, b"$goal $rules", "returns.md", "returns.md")
    assert "has the name of another" in mistakes(valid)
