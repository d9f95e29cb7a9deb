"""From `kafka.security` to the options of the clients, and what is said when a secret or a file is not there."""

import pickle
from pathlib import Path

import pytest

from consumers.app.config import Kafka, KafkaOAuth, KafkaSecurity, SecretRef
from consumers.app.connections import kafka_connection
from consumers.app.kafka_login import Unshown
from consumers.errors import ConfigurationError

SECRET = "canary-password"


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> SecretRef:
    monkeypatch.setenv("TEST_SECRET", SECRET)
    return SecretRef(env="TEST_SECRET")


def test_a_plain_cluster_needs_nothing() -> None:
    assert dict(kafka_connection(Kafka()).options) == {"security_protocol": "PLAINTEXT"}


def test_a_password_is_sent_and_not_shown(held: SecretRef) -> None:
    security = KafkaSecurity(protocol="SASL_PLAINTEXT", username="u", password=held)
    connection = kafka_connection(Kafka(security=security))
    assert connection.options["sasl_mechanism"] == "PLAIN"
    password = connection.options["sasl_plain_password"]
    assert password.encode() == SECRET.encode()
    parts = ["u", "u", password]
    assert "\0".join(parts) == f"u\0u\0{SECRET}", "as aiokafka writes it"
    for text in (
        f"{connection}{connection!r}",
        f"{connection.options}",
        f"{password}{password!r}{password!s:>20}",
    ):
        assert SECRET not in text
    assert SECRET not in f"{security!r} {security.model_dump_json()}"


def test_what_is_not_shown_is_a_text_as_any_other() -> None:
    assert Unshown("a") == "a"
    assert pickle.loads(pickle.dumps(Unshown("a"))).encode() == b"a"


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe" + SECRET.encode()])
def test_a_secret_that_is_not_there_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)
    security = KafkaSecurity(protocol="SASL_PLAINTEXT", username="u", password=SecretRef(file=path))
    with pytest.raises(
        ConfigurationError, match=r"^kafka\.security\.password: the secret file .*password"
    ) as caught:
        kafka_connection(Kafka(security=security))
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in f"{error} {error!r} {vars(error)}"
        error = error.__cause__


def test_a_file_that_is_not_there_is_named(held: SecretRef) -> None:
    missing = Path("/nowhere/ca.pem")
    oauth = KafkaOAuth(token_url="https://id.example/t", client_id="c", client_secret=held, ca_file=missing)
    for name, security in (
        ("kafka.security.ca_file", KafkaSecurity(protocol="SSL", ca_file=missing)),
        (
            "kafka.security.oauth.ca_file",
            KafkaSecurity(protocol="SASL_PLAINTEXT", mechanism="OAUTHBEARER", oauth=oauth),
        ),
    ):
        with pytest.raises(ConfigurationError, match=f"^{name}: there is no file {missing}; mend the path"):
            kafka_connection(Kafka(security=security))


def test_a_token_is_not_read_before_a_connection_wants_it() -> None:
    oauth = KafkaOAuth(token=SecretRef(file=Path("/nowhere/token")), extensions={"pool": "p"})
    security = KafkaSecurity(protocol="SASL_PLAINTEXT", mechanism="OAUTHBEARER", oauth=oauth)
    options = kafka_connection(Kafka(security=security)).options
    assert options["sasl_oauth_token_provider"].extensions() == {"pool": "p"}
    assert "sasl_plain_password" not in options
