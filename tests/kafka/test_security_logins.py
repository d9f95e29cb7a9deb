"""Every way to log in, on a real Kafka: what the configuration says is what the clients do."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_clients import KafkaConnection
from consumers.adapters.kafka_refusal import refusal
from consumers.app.check import check_config
from tests.kafka.identity_provider import CLIENT_ID, CLIENT_SECRET, identity_provider
from tests.kafka.secured_cluster import SecuredKafka

PASSWORD_LOGINS = [
    (protocol, mechanism)
    for protocol in ("SASL_SSL", "SASL_PLAINTEXT")
    for mechanism in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
]


@asynccontextmanager
async def clients(connection: KafkaConnection, topic: str) -> AsyncGenerator[tuple[Any, Any]]:
    """A producer and a consumer of a group, both as a worker has them."""
    producer = kafka_clients.producer(connection)
    consumer = kafka_clients.group_consumer(
        connection, group=topic, instance_id=None, reset="earliest", session_timeout_s=10
    )
    consumer.subscribe([topic])
    try:
        await producer.start()
        await consumer.start()
        yield producer, consumer
    finally:
        await kafka_clients.stop(consumer)
        await kafka_clients.stop(producer)


async def works(secured: SecuredKafka, folder: Path, security: dict[str, Any]) -> None:
    """Fails where the file has a mistake, or where a record does not come back."""
    file = secured.read_config(folder, security)
    assert list(map(str, check_config(file).mistakes)) == []
    topic = secured.new_topic()
    connection = secured.connection(folder, security)
    async with asyncio.timeout(30), clients(connection, topic) as (producer, consumer):
        await producer.send_and_wait(topic, b"value", key=b"key")
        record = await consumer.getone()
    assert (record.key, record.value) == (b"key", b"value")
    assert await refusal(connection) is None


@pytest.mark.parametrize(("protocol", "mechanism"), PASSWORD_LOGINS)
async def test_a_password(secured_kafka: SecuredKafka, tmp_path: Path, protocol: str, mechanism: str) -> None:
    await works(secured_kafka, tmp_path, secured_kafka.login(protocol, mechanism))


@pytest.mark.parametrize("key", ["client.key", "client-encrypted.key"])
async def test_a_client_certificate(secured_kafka: SecuredKafka, tmp_path: Path, key: str) -> None:
    password = {"file": secured_kafka.file("key-password")} if "encrypted" in key else None
    security = secured_kafka.login("SSL", key_file=secured_kafka.file(key), key_password=password)
    await works(secured_kafka, tmp_path, security)


@pytest.mark.parametrize("protocol", ["SASL_SSL", "SASL_PLAINTEXT"])
async def test_a_mounted_token(secured_kafka: SecuredKafka, tmp_path: Path, protocol: str) -> None:
    mounted = tmp_path / "token"
    mounted.write_text(secured_kafka.token() + "\n")
    oauth = {"token": {"file": str(mounted)}, "extensions": {"logicalCluster": "lkc-1"}}
    await works(secured_kafka, tmp_path, secured_kafka.login(protocol, "OAUTHBEARER", oauth=oauth))


@pytest.mark.parametrize("client_auth", ["basic", "post"])
async def test_a_token_for_client_credentials(
    secured_kafka: SecuredKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client_auth: str
) -> None:
    monkeypatch.setenv("TEST_CLIENT_SECRET", CLIENT_SECRET)
    async with identity_provider(lambda: granted(secured_kafka, 300)) as provider:
        oauth = endpoint(provider.url) | {
            "client_auth": client_auth,
            "scope": "kafka",
            "parameters": {"audience": "kafka"},
        }
        await works(secured_kafka, tmp_path, secured_kafka.login("SASL_SSL", "OAUTHBEARER", oauth=oauth))
        assert len(provider.forms) == 1, "all connections share one token"
    assert provider.forms[0].items() >= {"scope": "kafka", "audience": "kafka"}.items()


async def test_when_tokens_end_the_clients_come_back_with_new_ones_and_lose_nothing(
    secured_kafka: SecuredKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The listener bounds sessions (KIP-368): the broker closes a connection whose token has ended."""
    monkeypatch.setenv("TEST_CLIENT_SECRET", CLIENT_SECRET)
    topic = secured_kafka.new_topic()
    sent: list[bytes] = []
    read: list[bytes] = []
    async with identity_provider(lambda: granted(secured_kafka, 2)) as provider:
        security = secured_kafka.login("SASL_SSL", "OAUTHBEARER", oauth=endpoint(provider.url))
        connection = secured_kafka.connection(tmp_path, security)
        async with asyncio.timeout(60), clients(connection, topic) as (producer, consumer):
            while len(provider.forms) < 4:
                sent.append(str(len(sent)).encode())
                await producer.send_and_wait(topic, sent[-1])
                for partition, records in (await consumer.getmany(timeout_ms=100)).items():
                    read += [record.value for record in records]
                    await consumer.commit({partition: records[-1].offset + 1})
            while len(read) < len(sent):
                read.append((await consumer.getone()).value)
    assert read == sent


def endpoint(url: str) -> dict[str, Any]:
    return {"token_url": url, "client_id": CLIENT_ID, "client_secret": {"env": "TEST_CLIENT_SECRET"}}


def granted(secured: SecuredKafka, lifetime_s: int) -> dict[str, Any]:
    return {
        "access_token": secured.token(lifetime_s=lifetime_s),
        "token_type": "Bearer",
        "expires_in": lifetime_s,
    }
