"""`pointsman check` finds every kind of mistake at its line."""

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from consumers.cli.main import app
from schemas.jws import new_pair

GOOD = """\
model: {base_url: "http://127.0.0.1:1/v1", name: offline}
connectors:
  erp:
    use: sandbox-erp
    base_url: http://127.0.0.1:1
    token: {env: TEST_TOKEN}
routes:
  - topic: orders
    event: order.requested
    goal: Fulfil it.
    actions: [erp.check_stock, erp.create_order]
    rules:
      - {name: large, when: arguments.quantity > 9, then: hold}
    show_personal: [note]
"""

KEYS = """\
approvals:
  keys:
    - {id: ann-1, approver: ann, roles: [sales], public_key: {env: TEST_PUBLIC_KEY}}
    - {id: bob-1, approver: bob, public_key: {env: TEST_PUBLIC_KEY}}
"""
SIGNING = f"{KEYS}  sign_with: {{id: ann-1, key: {{env: TEST_PRIVATE_KEY}}}}\n"

TWICE = """\
  - topic: orders
    event: order.requested
    name: again
    goal: Fulfil it.
    show_personal: [note]
    actions: [erp.check_stock]
"""

OTHER_TENANT = """\
  - topic: orders
    event: order.cancelled
    tenant: acme
    goal: Cancel it.
    actions: [erp.check_stock]
"""

BEARER = """\
kafka:
  security:
    protocol: SASL_SSL
    mechanism: OAUTHBEARER
    oauth:
      token_url: https://id.example/token
      client_id: pointsman
      client_secret: {env: TEST_TOKEN}
"""

MISTAKES = {
    "unknown action": (
        ("erp.create_order]", "erp.create_ordr]"),
        11,
        "unknown action erp.create_ordr",
        "create_order",
    ),
    "unknown connector": (("sandbox-erp", "sandbox-xrp"), 4, "no connector sandbox-xrp", ""),
    "rule that does not parse": (("quantity > 9", "quantity >"), 13, "'large' does not parse", "cel.dev"),
    "rule with an unknown name": (("arguments.quantity", "args.quantity"), 13, "'large' uses args", ""),
    "egress that is no host": (
        ("base_url: http://127.0.0.1:1\n", "base_url: http://127.0.0.1:1\n    egress: [10.1.2.3/16]\n"),
        6,
        "connectors.erp.egress: egress entry '10.1.2.3/16' is no network",
        "",
    ),
    "base_url with letters that look alike": (
        ("base_url: http://127.0.0.1:1\n", "base_url: http://\u0435rp.example.com\n"),
        5,
        "write other letters of a host as xn--",
        "",
    ),
    "secret in a vault that is not configured": (
        ("{env: TEST_TOKEN}", "{vault: kv/erp, field: token}"),
        6,
        "is in a vault, and none can be asked: set `secrets: {vault:",
        "",
    ),
    "secret in a vault without a mount": (
        (
            "{env: TEST_TOKEN}",
            "{vault: erp, field: token}\nsecrets: {vault: {url: https://v.example, token: {env: TEST_TOKEN}}}",
        ),
        6,
        "names no mount: write `kv/erp`",
        "",
    ),
    "secret in a vault without its field": (
        ("{env: TEST_TOKEN}", "{vault: kv/erp}"),
        6,
        "`vault` and `field` go together",
        "",
    ),
    "secret in a vault and in the environment": (
        ("{env: TEST_TOKEN}", "{vault: kv/erp, field: token, env: TEST_TOKEN}"),
        6,
        "exactly one of `env`, `file` and `vault`",
        "",
    ),
    "vault in the clear": (
        ("model:", "secrets: {vault: {url: http://vault.example, token: {env: TEST_TOKEN}}}\nmodel:"),
        1,
        "secrets.vault.url: would send secrets in the clear",
        "",
    ),
    "vault with a certificate that is not there": (
        (
            "model:",
            "secrets:\n  vault: {url: https://v.example, token: {env: TEST_TOKEN}, ca_file: none.pem}\nmodel:",
        ),
        2,
        "secrets.vault.ca_file: there is no file none.pem",
        "path",
    ),
    "vault whose token is not there": (
        ("model:", "secrets: {vault: {url: https://v.example, token: {env: TEST_NONE}}}\nmodel:"),
        1,
        "secrets.vault.token: the environment variable TEST_NONE is not set",
        "pointsman run",
    ),
    "rule about a member that is not there": (
        ("arguments.quantity", "arguments.quantty"),
        13,
        "rule large: arguments has no `quantty`. Did you mean quantity? (at 10)",
        "would deny",
    ),
    "rule with another type": (
        ("quantity > 9", "quantity > 9.5"),
        13,
        "rule large: `>` cannot be applied to (int, double)",
        "",
    ),
    "rule in Python that is not installed": (
        ("when: arguments.quantity > 9", "use: acme-limit"),
        13,
        "no rule acme-limit is installed",
        "",
    ),
    "rule that asks twice": (
        ("when: arguments.quantity > 9", "when: 'true', use: acme-limit"),
        13,
        "either `when`, a CEL expression, or `use`",
        "",
    ),
    "rule that asks nothing": (("when: arguments.quantity > 9, ", ""), 13, "either `when`", ""),
    "two rules with one name": (
        ("then: hold}", "then: hold}\n      - {name: large, when: 'false', then: deny}"),
        14,
        "rule large: another rule of the route has that name",
        "its own",
    ),
    "secret in the file": (("{env: TEST_TOKEN}", "hunter2"), 6, "connectors.erp.token: is a secret", ""),
    "missing secret": (("TEST_TOKEN", "TEST_NONE"), 6, "TEST_NONE is not set", ""),
    "missing secret of our own": (
        ("name: offline", "name: offline, api_key: {env: TEST_NONE}"),
        1,
        "model.api_key: the environment variable TEST_NONE is not set",
        "pointsman run",
    ),
    "unknown field": (
        ("    goal: Fulfil it.", "    goal: Fulfil it.\n    gaol: x"),
        11,
        "routes.0.gaol",
        "spelling",
    ),
    "missing field": (("    goal: Fulfil it.\n", ""), 8, "routes.0.goal: Field required", ""),
    "personal data without a key": (
        ("    show_personal: [note]\n", ""),
        8,
        "order.requested tags note as personal, and there is no key",
        "show_personal: [note]",
    ),
    "what is shown though nothing hides it": (
        ("show_personal: [note]", "show_personal: [note, priority]"),
        14,
        "priority is not tagged as personal in order.requested",
        "remove it",
    ),
    "key for personal data that is short": (
        ("    show_personal: [note]\n", "privacy: {key: {env: TEST_TOKEN}}\n"),
        14,
        "privacy.key: has fewer than 32 characters",
        "openssl rand -hex 32",
    ),
    "key for personal data that is not there": (
        ("    show_personal: [note]\n", "privacy: {key: {env: TEST_NONE}}\n"),
        14,
        "privacy.key: the environment variable TEST_NONE is not set",
        "",
    ),
    "earlier keys and no key": (
        (
            "    show_personal: [note]\n",
            "    show_personal: [note]\nprivacy: {previous: [{env: TEST_TOKEN}]}\n",
        ),
        15,
        "there are earlier keys, and none to seal with",
        "privacy.key",
    ),
    "session that is named by personal data": (
        ("    show_personal: [note]\n", "    session_field: note\nprivacy: {key: {env: TEST_PRIVATE_KEY}}\n"),
        14,
        "note is tagged as personal, and would name the session",
        "",
    ),
    "one event routed twice": (("\n      - {name", "\n      - {name"), 15, "is routed twice", "own event"),
    "two tenants on a topic": (
        ("\n      - {name", "\n      - {name"),
        17,
        "tenants default and acme",
        "each tenant",
    ),
    "outcomes fed back": (
        ("    goal:", "    output: orders\n    goal:"),
        10,
        "where the events come from",
        "own",
    ),
    "own topic as input": (
        ("topic: orders", "topic: pointsman.steps"),
        8,
        "Pointsman's own topics",
        "business",
    ),
    "security without a password": (
        ("model:", "kafka: {security: {protocol: SASL_SSL}}\nmodel:"),
        1,
        "kafka.security.password: SASL_SSL with PLAIN needs it",
        "env",
    ),
    "certificate that is not there": (
        ("model:", "kafka:\n  security:\n    protocol: SSL\n    ca_file: none.pem\nmodel:"),
        4,
        "kafka.security.ca_file: there is no file none.pem",
        "path",
    ),
    "certificate of a token endpoint that is not there": (
        ("model:", f"{BEARER}      ca_file: none.pem\nmodel:"),
        9,
        "kafka.security.oauth.ca_file: there is no file none.pem",
        "path",
    ),
    "secret of a token endpoint that is not there": (
        ("model:", f"{BEARER.replace('TEST_TOKEN', 'TEST_NONE')}model:"),
        8,
        "kafka.security.oauth.client_secret: the environment variable TEST_NONE is not set",
        "pointsman run",
    ),
    "folder of schemas that is not there": (
        ("model:", "registry: {folder: none}\nmodel:"),
        1,
        "no such folder of schemas",
        "path",
    ),
    "hold that nobody could answer": (
        ("model:", "approvals: {}\nmodel:"),
        14,
        "no answer could ever count",
        "keygen",
    ),
    "role that nobody has": (
        ("then: hold", "then: hold, approvers: [sales, board]"),
        13,
        "no key of `approvals.keys` has the role board",
        "give it",
    ),
    "quorum that is never reached": (
        ("then: hold", "then: hold, approvers: [sales], quorum: 2"),
        13,
        "2 people must agree, and 1 could",
        "lower it",
    ),
    "quorum of all that is never reached": (
        ("then: hold", "then: hold, quorum: 3"),
        13,
        "3 people must agree, and 2 could",
        "lower it",
    ),
    "roles where nobody is asked": (
        ("then: hold", "then: deny, approvers: [sales]"),
        13,
        "routes.0.rules.0.approvers: asks people, and only `then: hold` does",
        "",
    ),
    "public key that is not there": (
        ("model:", f"{KEYS.replace('TEST_PUBLIC_KEY', 'TEST_NONE')}model:"),
        3,
        "TEST_NONE",
        "run",
    ),
    "public key that is none": (
        ("model:", f"{KEYS.replace('TEST_PUBLIC_KEY', 'TEST_TOKEN')}model:"),
        3,
        "approvals.keys.0.public_key: is no public key in PEM",
        "keygen",
    ),
    "public key in the file": (
        ("model:", f"{KEYS.replace('{env: TEST_PUBLIC_KEY}', 'MCowBQYDK2VwAyEA')}model:"),
        3,
        "approvals.keys.0.public_key: is a key in PEM: write `{env: NAME}`",
        "",
    ),
    "two keys of one name": (
        ("model:", f"{KEYS.replace('bob-1', 'ann-1')}model:"),
        4,
        "approvals.keys.1: another key is called ann-1",
        "its own",
    ),
    "key of nobody": (
        ("model:", KEYS.replace("approver: bob", "approver: ' '") + "model:"),
        4,
        "approver: is empty",
        "whose",
    ),
    "private key that is not there": (
        ("model:", f"{SIGNING.replace('TEST_PRIVATE_KEY', 'TEST_NONE')}model:"),
        5,
        "approvals.sign_with.key: the environment variable TEST_NONE is not set",
        "pointsman run",
    ),
    "private key that is none": (
        ("model:", f"{SIGNING.replace('TEST_PRIVATE_KEY', 'TEST_PUBLIC_KEY')}model:"),
        5,
        "approvals.sign_with.key: is no private key in PEM",
        "keygen",
    ),
    "private key of another": (
        ("model:", f"{SIGNING.replace('TEST_PRIVATE_KEY', 'TEST_OTHER_KEY')}model:"),
        5,
        "is not the private key of ann-1",
        "correct",
    ),
    "private key that is not listed": (
        ("model:", f"{SIGNING.replace('{id: ann-1, key', '{id: cat-1, key')}model:"),
        5,
        "no key of `approvals.keys` is called cat-1",
        "list",
    ),
    "no YAML": (("connectors:", "connectors: ["), 4, "is not YAML", ""),
}
EXTRA = {"one event routed twice": TWICE, "two tenants on a topic": OTHER_TENANT}


PAIR, OTHER = new_pair(), new_pair()


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_TOKEN", "sandbox")
    for name, key in zip(
        ("TEST_PRIVATE_KEY", "TEST_PUBLIC_KEY", "TEST_OTHER_KEY"), (*PAIR, OTHER[0]), strict=True
    ):
        monkeypatch.setenv(name, key)


def check(tmp_path: Path, text: str, *words: str) -> tuple[int, str, str]:
    path = tmp_path / "pointsman.yaml"
    path.write_text(text)
    result = CliRunner().invoke(app, ["check", "-c", str(path), *words])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize("kind", MISTAKES)
def test_mistake_is_named_with_its_line_and_exit_code_2(kind: str, tmp_path: Path) -> None:
    (old, new), line, message, hint = MISTAKES[kind]
    text = GOOD.replace(old, new, 1) + EXTRA.get(kind, "")
    if "approvals:" not in text:  # at its end, so that no line moves
        text += KEYS
    code, stdout, stderr = check(tmp_path, text)
    assert code == 2, stdout
    assert f"pointsman.yaml:{line}: " in stderr
    assert message in stderr
    assert hint in stderr


def test_good_file_shows_routes_actions_and_rules(tmp_path: Path) -> None:
    code, stdout, stderr = check(tmp_path, GOOD + SIGNING)
    assert (code, stderr) == (0, "")
    for said in ("order.requested", "erp.create_order (write)", "hold: large", "no mistakes"):
        assert said in stdout


def test_actions_are_listed_with_what_keeps_them_from_happening_twice(tmp_path: Path) -> None:
    code, stdout, _ = check(tmp_path, GOOD + KEYS, "--actions")
    assert code == 0
    assert "erp.create_order" in stdout
    assert "erp.cancel_order" in stdout


def test_several_mistakes_are_all_found_in_order_of_their_lines(tmp_path: Path) -> None:
    text = (
        GOOD.replace("quantity > 9", "quantity >")
        .replace("TEST_TOKEN", "TEST_NONE")
        .replace("stock,", "stok,")
        + KEYS
    )
    code, stdout, _ = check(tmp_path, text, "--json")
    found = orjson.loads(stdout)
    assert code == 2
    assert found["ok"] is False
    assert [mistake["where"] for mistake in found["mistakes"]] == [f"pointsman.yaml:{n}" for n in (6, 11, 13)]


def test_no_secret_is_repeated_on_the_screen(tmp_path: Path) -> None:
    texts = (
        GOOD.replace("{env: TEST_TOKEN}", "hunter2"),
        GOOD.replace("name: offline", "name: offline, api_key: hunter2"),
    )
    for text in texts:
        code, stdout, stderr = check(tmp_path, text)
        assert code == 2
        assert "hunter2" not in stdout + stderr


def test_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["check", "-c", str(tmp_path / "none.yaml")])
    assert result.exit_code == 2
    assert "cannot be read" in result.stderr


def test_run_refuses_a_configuration_with_mistakes_and_says_them(tmp_path: Path) -> None:
    path = tmp_path / "pointsman.yaml"
    path.write_text(GOOD.replace("TEST_TOKEN", "TEST_NONE"))
    result = CliRunner().invoke(app, ["run", "-c", str(path)])
    assert result.exit_code == 2
    assert "pointsman.yaml:6: " in result.stderr
    assert result.stdout == ""


EVENT = {"type": "order.requested", "payload": {"quantity": 12}}


def explain(tmp_path: Path, text: str, event: object, *words: str) -> tuple[int, str, str]:
    path = tmp_path / "event.json"
    path.write_bytes(orjson.dumps(event, option=orjson.OPT_INDENT_2))
    return check(tmp_path, text + SIGNING, "--explain", str(path), *words)


@pytest.mark.parametrize(
    ("when", "verdicts"),
    [
        ("event.payload.quantity > 9", ["hold"]),
        ("event.payload.quantity > 99", ["allow"]),
        ("arguments.quantity > 9", ["allow", "hold"]),
    ],
)
def test_explains_what_an_event_could_reach(tmp_path: Path, when: str, verdicts: list[str]) -> None:
    text = GOOD.replace("arguments.quantity > 9", when)
    code, stdout, _ = explain(tmp_path, text, EVENT, "--json")
    assert code == 0
    (route,) = orjson.loads(stdout)["explained"]
    read, write = route["actions"]
    assert (read["action"], read["verdicts"], read["rules"]) == ("erp.check_stock", ["allow"], [])
    assert (write["action"], write["verdicts"]) == ("erp.create_order", verdicts)
    (rule,) = write["rules"]
    assert (rule["name"], rule["when"]) == ("large", when)
    assert rule["depends_on"] == (["arguments"] if len(verdicts) > 1 else [])


def test_an_explanation_can_be_read(tmp_path: Path) -> None:
    text = GOOD.replace("    rules:", "    require_allow: true\n    rules:")
    code, stdout, _ = explain(tmp_path, text, EVENT)
    assert code == 0
    flat = " ".join(stdout.split())
    assert "order.requested: order.requested on orders" in flat
    assert "erp.create_order (write) held for a person or denied" in flat
    assert "if (arguments will tell)" in flat
    assert "demands a rule" in flat


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (
            {"type": "order.requestd", "payload": {}},
            "no route takes events of type order.requestd. Did you mean",
        ),
        ({"payload": {}}, "event.json"),
        ([], "event.json"),
    ],
)
def test_an_event_that_cannot_be_explained_says_why(tmp_path: Path, event: object, says: str) -> None:
    code, _, stderr = explain(tmp_path, GOOD, event)
    assert code == 2
    assert says in stderr


def test_an_event_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    code, _, stderr = check(tmp_path, GOOD, "--explain", str(tmp_path / "none.json"))
    assert code == 2
    assert "none.json: cannot be read" in stderr
