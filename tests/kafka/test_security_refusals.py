"""What a real Kafka refuses is said in words that name the cause, soon, and never as a client that waits."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiokafka.conn import AIOKafkaConnection, OAuthAuthenticator
from aiokafka.errors import KafkaConnectionError

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_clients import KafkaConnection
from consumers.adapters.kafka_reader import topic_reader
from consumers.adapters.kafka_refusal import refusal
from consumers.errors import UnavailableError
from tests.kafka.identity_provider import CLIENT_ID, CLIENT_SECRET, identity_provider
from tests.kafka.secured_cluster import SecuredKafka

WITHIN_S = 12.0


async def refused(connection: KafkaConnection) -> str:
    """Fails where somebody is let in or has to wait; returns the reason."""
    async with asyncio.timeout(WITHIN_S):
        producer = kafka_clients.producer(connection)
        with pytest.raises(KafkaConnectionError):
            await producer.start()
        await kafka_clients.stop(producer)
        with pytest.raises(UnavailableError):
            async with topic_reader(connection):
                pass
        why = await refusal(connection)
    assert why is not None
    assert why.startswith(connection.bootstrap)
    return why


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("protocol", ["SASL_SSL", "SASL_PLAINTEXT"])
async def test_a_wrong_password(
    secured_kafka: SecuredKafka,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    protocol: str,
    mechanism: str,
) -> None:
    monkeypatch.setenv("TEST_PASSWORD", "wrong")
    security = secured_kafka.login(protocol, mechanism, password={"env": "TEST_PASSWORD"})
    assert "the login was refused (Authentication failed" in await refused(
        secured_kafka.connection(tmp_path, security)
    )


@pytest.mark.parametrize(
    ("protocol", "change", "says"),
    [
        ("SSL", {"ca_file": "other-ca.pem"}, "kafka.security.ca_file"),
        ("SASL_SSL", {"ca_file": "other-ca.pem"}, "kafka.security.ca_file"),
        ("SSL", {"cert_file": None, "key_file": None}, "wants a certificate from us"),
    ],
)
async def test_certificates(
    secured_kafka: SecuredKafka, tmp_path: Path, protocol: str, change: dict[str, Any], says: str
) -> None:
    change = {name: file and secured_kafka.file(file) for name, file in change.items()}
    security = secured_kafka.login(protocol, "PLAIN" if "SASL" in protocol else None, **change)
    assert says in await refused(secured_kafka.connection(tmp_path, security))


@pytest.mark.parametrize(
    ("listener", "protocol", "says"),
    [
        ("SASL_PLAINTEXT", "SSL", "kafka.security.protocol"),
        ("SASL_SSL", "SASL_PLAINTEXT", "kafka.security.protocol"),
        ("SASL_PLAINTEXT", "PLAINTEXT", "kafka.security.protocol"),
    ],
)
async def test_another_protocol_than_the_port_speaks(
    secured_kafka: SecuredKafka, tmp_path: Path, listener: str, protocol: str, says: str
) -> None:
    security = secured_kafka.login(protocol, "PLAIN" if "SASL" in protocol else None)
    options = secured_kafka.connection(tmp_path, security).options
    assert says in await refused(KafkaConnection(secured_kafka.addresses[listener], options))


@pytest.mark.parametrize(
    "claims", [{"lifetime_s": -3600}, {"aud": "somebody else"}, {"iss": "https://elsewhere.example"}]
)
async def test_a_token_that_only_the_broker_can_judge(
    secured_kafka: SecuredKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, claims: dict[str, Any]
) -> None:
    """aiokafka itself takes such a login for a success; a producer then waits for ever."""
    monkeypatch.setenv("TEST_CLIENT_SECRET", CLIENT_SECRET)

    def grant() -> dict[str, Any]:
        return {"access_token": secured_kafka.token(**claims), "token_type": "Bearer", "expires_in": 300}

    async with identity_provider(grant) as provider:
        oauth = {"token_url": provider.url, "client_id": CLIENT_ID}
        oauth |= {"client_secret": {"env": "TEST_CLIENT_SECRET"}}
        security = secured_kafka.login("SASL_SSL", "OAUTHBEARER", oauth=oauth)
        why = await refused(secured_kafka.connection(tmp_path, security))
    assert 'the login was refused ({"status":"invalid_token"' in why


async def test_aiokafka_alone_still_takes_a_refused_token_for_a_success(
    secured_kafka: SecuredKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once this fails, `consumers/adapters/kafka_refused_tokens.py` is not needed any more."""
    mounted = tmp_path / "token"
    mounted.write_text(secured_kafka.token(aud="somebody else"))
    security = secured_kafka.login("SASL_SSL", "OAUTHBEARER", oauth={"token": {"file": str(mounted)}})
    connection = secured_kafka.connection(tmp_path, security)

    def unchanged(self: Any) -> OAuthAuthenticator:
        return OAuthAuthenticator(sasl_oauth_token_provider=self._sasl_oauth_token_provider)

    monkeypatch.setattr(AIOKafkaConnection, "authenticator_oauth", unchanged)
    async with asyncio.timeout(WITHIN_S):
        assert await refusal(connection) is None


async def test_a_mounted_token_that_nobody_renewed(secured_kafka: SecuredKafka, tmp_path: Path) -> None:
    mounted = tmp_path / "token"
    mounted.write_text(secured_kafka.token(lifetime_s=-3600))
    security = secured_kafka.login("SASL_SSL", "OAUTHBEARER", oauth={"token": {"file": str(mounted)}})
    why = await refused(secured_kafka.connection(tmp_path, security))
    assert "kafka.security.oauth.token: the token ended 36" in why


async def test_a_client_whom_the_provider_does_not_know(
    secured_kafka: SecuredKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_CLIENT_SECRET", "wrong")
    async with identity_provider(dict) as provider:
        oauth = {"token_url": provider.url, "client_id": CLIENT_ID}
        oauth |= {"client_secret": {"env": "TEST_CLIENT_SECRET"}}
        security = secured_kafka.login("SASL_SSL", "OAUTHBEARER", oauth=oauth)
        why = await refused(secured_kafka.connection(tmp_path, security))
    assert "kafka.security.oauth: no token from 127.0.0.1: it answered 401 (invalid_client)" in why


async def test_a_cluster_that_is_away(
    secured_kafka: SecuredKafka, tmp_path: Path, unused_tcp_port: int
) -> None:
    options = secured_kafka.connection(tmp_path, secured_kafka.login("SASL_SSL", "PLAIN")).options
    why = await refused(KafkaConnection(f"127.0.0.1:{unused_tcp_port}", options))
    assert "nobody listens there; check kafka.bootstrap" in why
