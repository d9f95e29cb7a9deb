"""Connections of a configuration: Kafka, Redis, the registry. What the command line needs without a model."""

from contextlib import AsyncExitStack
from typing import Any

from pydantic import SecretStr

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_clients import KafkaConnection
from consumers.adapters.kafka_outbox import KafkaOutbox, OwnTopics
from consumers.adapters.kafka_sender import KafkaSender
from consumers.adapters.redis_connection import connect
from consumers.adapters.redis_sessions import RedisSessions
from consumers.app.config import Config, Kafka, Redis, SecretRef
from consumers.errors import ConfigurationError
from schemas.codec.limits import Limits as RecordLimits
from schemas.codec.records import RecordCodec
from schemas.registry.confluent import ConfluentRegistry
from schemas.registry.files import latest, schemas_in
from schemas.registry.folder import FolderRegistry
from schemas.registry.port import Registry


def kafka_connection(settings: Kafka) -> KafkaConnection:
    """Return how to reach the cluster, credentials included.

    Raises:
        ConfigurationError: a secret is missing.
    """
    security = settings.security
    options: dict[str, Any] = {"security_protocol": security.protocol}
    if security.protocol.endswith("SSL"):
        files = (security.ca_file, security.cert_file, security.key_file)
        options["ssl_context"] = kafka_clients.tls_context(*(str(file) if file else None for file in files))
    if security.protocol.startswith("SASL"):
        options |= {
            "sasl_mechanism": security.mechanism or "PLAIN",
            "sasl_plain_username": security.username,
            "sasl_plain_password": secret(security.password, "kafka.security.password").get_secret_value(),
        }
    return KafkaConnection(settings.bootstrap, options)


def secret(reference: SecretRef | None, name: str) -> SecretStr:
    """Read a secret; an empty one where the configuration has none.

    Raises:
        ConfigurationError: it is referred to and not there.
    """
    if reference is None:
        return SecretStr("")
    try:
        return reference.read()
    except LookupError as error:
        raise ConfigurationError(f"{name}: {error}") from error


def registry(config: Config) -> Registry:
    """Return the schema registry of the configuration: a remote one, or the packaged folder."""
    settings = config.registry
    if settings.url is None:
        return FolderRegistry(settings.folder)
    password = secret(settings.password, "registry.password").get_secret_value()
    return ConfluentRegistry(settings.url, username=settings.username, password=password or None)


async def record_codec(config: Config, stack: AsyncExitStack) -> RecordCodec:
    """Return a codec that is ready to encode; its registry is closed with the stack."""
    source = registry(config)
    stack.push_async_callback(source.close)
    folder = config.registry.folder
    codec = RecordCodec(
        source,
        limits=RecordLimits(record_bytes=config.limits.record_bytes),
        schemas=latest(schemas_in(folder)) if folder else None,
    )
    await codec.ready()
    return codec


async def outbox(config: Config, codec: RecordCodec, stack: AsyncExitStack) -> KafkaOutbox:
    """Return an outbox that is connected, disconnected with the stack."""
    connection = kafka_connection(config.kafka)
    sender = KafkaSender(lambda: kafka_clients.producer(connection))
    stack.push_async_callback(sender.stop)
    await sender.start()
    kafka = config.kafka
    return KafkaOutbox(
        sender, codec, OwnTopics(kafka.steps_topic, kafka.approvals_topic, kafka.dead_letters_topic)
    )


async def redis_sessions(settings: Redis, stack: AsyncExitStack) -> RedisSessions:
    """Return sessions on a Redis that was checked, disconnected with the stack."""
    password = secret(settings.password, "redis.password").get_secret_value()
    client = connect(settings.url, password=password or None)
    stack.push_async_callback(client.aclose)
    return RedisSessions(client, lease_s=settings.lease_s, ttl_s=settings.ttl_days * 86_400)
