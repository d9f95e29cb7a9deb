"""No secret is logged or printed at any level, whoever sets logging up, whether the login succeeds or fails."""

import asyncio
import base64
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import orjson
import pytest
from typer.testing import CliRunner

from consumers.cli.main import app
from tests.kafka.identity_provider import CLIENT_ID, CLIENT_SECRET, identity_provider
from tests.kafka.secured_cluster import SecuredKafka

ROOT = Path(__file__).parents[2]
LOUD = Path(__file__).with_name("loud_client.py")
LOGIN_WITH_TOKEN = "auth=Bearer "
WRONG = "canary-wrong-password-4711"


def traces(secret: str) -> set[str]:
    """Return how a secret may look in a text: as it is, quoted, in hexadecimal, or inside base64 at any place."""
    raw = secret.encode()
    found = {
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        repr(secret)[1:-1],
        repr(raw)[2:-1],
        raw.hex(),
    }
    for before in range(3):
        # Without the characters that depend on what stands around the secret.
        encoded = base64.b64encode(bytes(before) + raw).decode().rstrip("=")
        core = encoded[-(-before * 8 // 6) : len(encoded) - 1]
        found |= {core, core.replace("+", "-").replace("/", "_")}
    return found


def shown(text: str, secrets: Iterable[str]) -> list[str]:
    return [secret for secret in secrets if any(trace in text for trace in traces(secret))]


async def said(mode: str, topic: str, configurations: Sequence[Path]) -> str:
    """Run the loud client and return all it wrote."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(LOUD), mode, topic, *map(str, configurations)),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONASYNCIODEBUG": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 100)
    text = output.decode()
    assert process.returncode == 0, text[-4000:]
    return text


class Logins:
    """Configurations of every mechanism, right and wrong, and all secrets in them."""

    def __init__(self, secured: SecuredKafka, folder: Path, token_url: str) -> None:
        mounted, refused_token, wrong = folder / "token", folder / "refused-token", folder / "wrong"
        mounted.write_text(secured.token())
        refused_token.write_text(secured.token(aud="somebody else"))
        wrong.write_text(WRONG)
        encrypted = secured.file("client-encrypted.key")
        oauth = {
            "token_url": token_url,
            "client_id": CLIENT_ID,
            "client_secret": {"env": "TEST_CLIENT_SECRET"},
        }
        key: dict[str, Any] = {"key_file": encrypted, "key_password": {"file": secured.file("key-password")}}
        self.right: list[dict[str, Any]] = [
            secured.login("SSL", **key),
            *(secured.login("SASL_SSL", name) for name in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")),
            secured.login("SASL_PLAINTEXT", "PLAIN"),
            secured.login("SASL_SSL", "OAUTHBEARER", oauth={"token": {"file": str(mounted)}}),
            secured.login("SASL_SSL", "OAUTHBEARER", oauth=oauth),
        ]
        refused = {"password": {"file": str(wrong)}}
        self.wrong: list[dict[str, Any]] = [
            *(
                secured.login("SASL_SSL", name, **refused)
                for name in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
            ),
            secured.login("SASL_PLAINTEXT", "PLAIN", **refused),
            secured.login("SASL_SSL", "OAUTHBEARER", oauth={"token": {"file": str(refused_token)}}),
            secured.login(
                "SASL_SSL",
                "OAUTHBEARER",
                oauth=oauth | {"client_secret": {"file": str(wrong)}, "client_auth": "post"},
            ),
            secured.login("SSL", ca_file=secured.file("other-ca.pem"), **key),
        ]
        self.secrets = [WRONG, CLIENT_SECRET, secured.secret("password"), secured.secret("key-password")]
        # The signature is what makes a token one; the rest of it is no secret.
        self.secrets += [path.read_text().rpartition(".")[2] for path in (mounted, refused_token)]


@pytest.mark.parametrize("mode", ["ours", "theirs"])
async def test_at_debug_no_secret_is_written(
    secured_kafka: SecuredKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setenv("TEST_CLIENT_SECRET", CLIENT_SECRET)
    topic, token = secured_kafka.new_topic(), secured_kafka.token()
    async with identity_provider(lambda: {"access_token": token, "expires_in": 300}) as provider:
        logins = Logins(secured_kafka, tmp_path, provider.url)
        paths = [secured_kafka.written(tmp_path, security) for security in [*logins.right, *logins.wrong]]
        text = await said(mode, topic, paths)
    assert text.count("published, and sees topics") == len(logins.right), text
    assert text.count("did not work") == len(logins.wrong), text
    assert "Authenticated as pointsman via SCRAM-SHA-512" in text, "the client's logs are there"
    assert ("DEBUG:aiokafka:" in text) == (mode == "theirs"), "and its finest ones where they are wanted"
    assert shown(text, [*logins.secrets, token.rpartition(".")[2]]) == []
    assert LOGIN_WITH_TOKEN not in text


async def test_without_the_clamp_they_would_be(secured_kafka: SecuredKafka, tmp_path: Path) -> None:
    """Else the tests above would look for the wrong thing."""
    mounted = tmp_path / "token"
    mounted.write_text(secured_kafka.token())
    logins = [
        secured_kafka.login("SASL_SSL", "PLAIN"),
        secured_kafka.login("SASL_SSL", "OAUTHBEARER", oauth={"token": {"file": str(mounted)}}),
    ]
    paths = [secured_kafka.written(tmp_path, security) for security in logins]
    text = await said("unclamped", secured_kafka.new_topic(), paths)
    assert shown(text, [secured_kafka.secret("password")])
    assert LOGIN_WITH_TOKEN + mounted.read_text()[:40] in text, "aiokafka itself cuts long values"


def test_a_trace_is_found_in_any_disguise() -> None:
    for secret in (WRONG, CLIENT_SECRET):
        for around in ("", "u:", "user:"):
            text = base64.b64encode(f"{around}{secret}!".encode()).decode()
            assert shown(f"Basic {text}", [secret]) == [secret]
        assert shown(quote_plus(secret), [secret]) == [secret]


def test_commands_print_none(
    secured_kafka: SecuredKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_CLIENT_SECRET", CLIENT_SECRET)
    logins = Logins(secured_kafka, tmp_path, "http://127.0.0.1:1/token")
    commands = [
        ("check",),
        ("check", "--json"),
        ("check", "--topics", "--json"),
        ("topics", "list", "--json"),
    ]
    for security in (logins.right[1], logins.right[-1], logins.wrong[0], logins.wrong[-1]):
        path = secured_kafka.written(tmp_path, security)
        for command in commands:
            result = CliRunner().invoke(app, [*command, "-c", str(path)])
            assert shown(result.stdout + result.stderr + repr(result.exception), logins.secrets) == [], (
                command
            )
            if command == ("check", "--json"):
                assert orjson.loads(result.stdout)["ok"] is True
            if "--topics" in command and security in logins.wrong:
                assert result.exit_code == 1
                assert "kafka.security" in result.stderr
