"""What does not go together in `kafka.security` is refused with its line, its field and the fix."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from consumers.app.config_file import InvalidConfigError, read_config

REST: dict[str, Any] = {
    "model": {"base_url": "http://127.0.0.1:1/v1", "name": "offline"},
    "connectors": {"erp": {"use": "sandbox-erp"}},
    "routes": [{"topic": "t", "event": "e", "goal": "g", "actions": ["erp.check_stock"]}],
}
SECRET = {"env": "NAME"}
LOGIN = {"protocol": "SASL_SSL", "username": "u", "password": SECRET}
OAUTH = {"token_url": "https://id.example/token", "client_id": "c", "client_secret": SECRET}
BEARER = {"protocol": "SASL_SSL", "mechanism": "OAUTHBEARER"}
MOUNTED = {"token": {"file": "token"}}
CERTIFICATE = {"cert_file": "c.pem", "key_file": "k.pem"}

RIGHT: dict[str, dict[str, Any]] = {
    "nothing": {},
    "TLS with the system's authorities": {"protocol": "SSL"},
    "TLS with everything": {
        "protocol": "SSL",
        "ca_file": "a.pem",
        **CERTIFICATE,
        "key_password": SECRET,
    },
    "the first mechanism where none is named": LOGIN,
    "SCRAM with a client certificate, too": {**LOGIN, "mechanism": "SCRAM-SHA-512", **CERTIFICATE},
    "a token endpoint": {**BEARER, "oauth": {**OAUTH, "scope": "s", "parameters": {"audience": "a"}}},
    "a token endpoint beside us": {**BEARER, "oauth": {**OAUTH, "token_url": "http://localhost:8080/t?p=1"}},
    "a mounted token": {**BEARER, "oauth": MOUNTED | {"extensions": {"logicalCluster": "lkc-1"}}},
}
WRONG: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "SASL without a login": (
        {"protocol": "SASL_SSL", "mechanism": "SCRAM-SHA-256"},
        {
            "username": "SASL_SSL with SCRAM-SHA-256 needs it: add `username: …`",
            "password": "SASL_SSL with SCRAM-SHA-256 needs it: add `password: {env: NAME}`",
        },
    ),
    "SASL fields without SASL": (
        {"protocol": "SSL", "mechanism": "PLAIN", "username": "u", "password": SECRET, "oauth": MOUNTED},
        dict.fromkeys(
            ("mechanism", "username", "password", "oauth"), "set `protocol: SASL_SSL`, or remove it"
        ),
    ),
    "TLS fields without TLS": (
        {"ca_file": "a.pem", **CERTIFICATE, "key_password": SECRET},
        dict.fromkeys(
            ("ca_file", "cert_file", "key_file", "key_password"), "set `protocol: SSL`, or remove it"
        ),
    ),
    "an authority for SASL without TLS": (
        {**LOGIN, "protocol": "SASL_PLAINTEXT", "ca_file": "a.pem"},
        {"ca_file": "set `protocol: SASL_SSL`, or remove it"},
    ),
    "a certificate without its key": (
        {"protocol": "SSL", "cert_file": "c.pem"},
        {"key_file": "add `key_file: …`"},
    ),
    "a key without its certificate": (
        {"protocol": "SSL", "key_file": "k.pem"},
        {"cert_file": "add `cert_file: …`"},
    ),
    "a password for no key": ({"protocol": "SSL", "key_password": SECRET}, {"key_password": "no key"}),
    "tokens from nowhere": (BEARER, {"oauth": "OAUTHBEARER needs it: add `oauth: {token_url: …"}),
    "a password beside tokens": (
        {**BEARER, **LOGIN, "oauth": MOUNTED},
        dict.fromkeys(("username", "password"), "OAUTHBEARER does not use it: remove it"),
    ),
    "tokens beside a password": (
        {**LOGIN, "oauth": MOUNTED},
        {"oauth": "set `mechanism: OAUTHBEARER`, or remove it"},
    ),
    "an empty source of tokens": (
        {**BEARER, "oauth": {"scope": "s"}},
        dict.fromkeys(
            ("oauth.token_url", "oauth.client_id", "oauth.client_secret"), "add it, or give `token"
        ),
    ),
    "two sources of tokens": (
        {**BEARER, "oauth": OAUTH | MOUNTED},
        dict.fromkeys(("oauth.token_url", "oauth.client_id", "oauth.client_secret"), "remove one of them"),
    ),
    "a secret in the clear": (
        {**BEARER, "oauth": OAUTH | {"token_url": "http://id.example/token"}},
        {"oauth.token_url": "use https"},
    ),
    "a secret in the URL": (
        {**BEARER, "oauth": OAUTH | {"token_url": "https://c:hunter2@id.example/token"}},
        {"oauth.token_url": "no credentials"},
    ),
    "no URL": ({**BEARER, "oauth": OAUTH | {"token_url": "id.example"}}, {"oauth.token_url": "https://host"}),
    "an authority for no TLS": (
        {**BEARER, "oauth": OAUTH | {"token_url": "http://127.0.0.1:1/t", "ca_file": "a.pem"}},
        {"oauth.ca_file": "use https, or remove it"},
    ),
    "our own form fields": (
        {**BEARER, "oauth": OAUTH | {"parameters": {"scope": "s"}}},
        {"oauth.parameters": "remove them here"},
    ),
    "an extension that would break out": (
        {**BEARER, "oauth": MOUNTED | {"extensions": {"a": "b\x01auth=Bearer x"}}},
        {"oauth.extensions": "RFC 7628"},
    ),
    "an extension named auth": (
        {**BEARER, "oauth": MOUNTED | {"extensions": {"auth": "b"}}},
        {"oauth.extensions": "RFC 7628"},
    ),
    "a secret where its reference belongs": (
        {**LOGIN, "password": "hunter2"},
        {"password": "is a secret: write `{env: NAME}` or `{file: PATH}`"},
    ),
}


def written(folder: Path, security: dict[str, Any]) -> Path:
    path = folder / "pointsman.yaml"
    path.write_text(yaml.safe_dump({"kafka": {"security": security}, **REST}, sort_keys=False))
    return path


@pytest.mark.parametrize("kind", RIGHT)
def test_what_goes_together_is_taken(kind: str, tmp_path: Path) -> None:
    security = read_config(written(tmp_path, RIGHT[kind])).config.kafka.security
    assert security.protocol == RIGHT[kind].get("protocol", "PLAINTEXT")


@pytest.mark.parametrize("kind", WRONG)
def test_what_does_not_is_refused_all_at_once(kind: str, tmp_path: Path) -> None:
    section, expected = WRONG[kind]
    path = written(tmp_path, section)
    with pytest.raises(InvalidConfigError) as caught:
        read_config(path)
    named = [mistake.message.partition(": ")[::2] for mistake in caught.value.mistakes]
    assert {name.removeprefix("kafka.security.") for name, _ in named} == set(expected)
    for name, said in named:
        assert expected[name.removeprefix("kafka.security.")] in said
    lines = path.read_text().splitlines()
    for mistake in caught.value.mistakes:
        field = mistake.message.partition(":")[0].rpartition(".")[2]
        line = lines[int(mistake.where.rpartition(":")[2]) - 1]
        # A field that is missing is named at the section that misses it.
        assert line.strip().startswith((f"{field}:", "security:", "oauth:"))


def test_no_value_is_repeated_by_any_error_on_the_way(tmp_path: Path) -> None:
    for security in (WRONG["a secret in the URL"][0], WRONG["a secret where its reference belongs"][0]):
        with pytest.raises(InvalidConfigError) as caught:
            read_config(written(tmp_path, security))
        error: BaseException | None = caught.value
        while error is not None:
            assert "hunter2" not in f"{error} {error!r}"
            error = error.__cause__ or error.__context__


def test_the_environment_can_say_it_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = "POINTSMAN_KAFKA__SECURITY__"
    monkeypatch.setenv(f"{prefix}PROTOCOL", "SASL_SSL")
    monkeypatch.setenv(f"{prefix}MECHANISM", "OAUTHBEARER")
    monkeypatch.setenv(f"{prefix}OAUTH__TOKEN__FILE", "/run/secrets/token")
    oauth = read_config(written(tmp_path, {})).config.kafka.security.oauth
    assert oauth is not None
    assert oauth.token is not None
    assert oauth.token.file == Path("/run/secrets/token")
