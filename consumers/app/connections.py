"""Connections of a configuration: Kafka, Redis, the registry. What the command line needs without a model."""

from contextlib import AsyncExitStack

from aiokafka.errors import KafkaError

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_batches import bound_batches
from consumers.adapters.kafka_clients import KafkaConnection
from consumers.adapters.kafka_outbox import KafkaOutbox
from consumers.adapters.kafka_refusal import explained
from consumers.adapters.kafka_sender import KafkaSender
from consumers.adapters.own_messages import OwnMessages, OwnTopics
from consumers.adapters.redis_sessions import RedisSessions
from consumers.adapters.redis_trust import Trust
from consumers.app.config import Config, Kafka, Redis
from consumers.app.kafka_login import security_options
from consumers.app.redis_login import redis_client
from consumers.app.registry_login import endpoint_of
from consumers.app.topic_formats import topic_formats
from consumers.errors import UnavailableError
from consumers.telemetry.logs import clamp_kafka
from schemas.codec.limits import Limits as RecordLimits
from schemas.codec.records import RecordCodec
from schemas.registry.confluent import ConfluentRegistry
from schemas.registry.files import latest, schemas_in
from schemas.registry.folder import FolderRegistry
from schemas.registry.port import Registry


def kafka_connection(settings: Kafka) -> KafkaConnection:
    """Return how to reach the cluster, credentials included.

    Raises:
        ConfigurationError: a secret or a file is missing or wrong.
    """
    clamp_kafka()
    bound_batches(settings.batch_bytes)
    return KafkaConnection(settings.bootstrap, security_options(settings.security))


def registry(config: Config) -> Registry:
    """Return the schema registry of the configuration: a remote one, or the packaged folder.

    Raises:
        ConfigurationError: a secret or a file is missing or wrong.
        SchemaError: a schema file is wrong.
    """
    settings = config.registry
    if settings.url is None:
        return FolderRegistry(settings.folder)
    return ConfluentRegistry(endpoint_of(settings), pins=settings.pins)


async def record_codec(config: Config, stack: AsyncExitStack) -> RecordCodec:
    """Return a codec that is ready to encode: the registry has its schemas; its registry is closed with the stack."""
    codec = codec_of(config, stack)
    await codec.ready()
    return codec


def codec_of(config: Config, stack: AsyncExitStack) -> RecordCodec:
    """Return a codec that can decode; its registry is closed with the stack.

    Raises:
        ConfigurationError: a schema that is declared of a topic cannot be read.
    """
    topics = topic_formats(config)
    source = registry(config)
    stack.push_async_callback(source.close)
    folder = config.registry.folder
    return RecordCodec(
        source,
        limits=RecordLimits(record_bytes=config.limits.record_bytes),
        schemas=latest(schemas_in(folder)) if folder else None,
        topics=topics,
    )


async def sender(settings: Kafka, stack: AsyncExitStack) -> KafkaSender:
    """Return a producer that is connected, disconnected with the stack."""
    connection = kafka_connection(settings)
    made = KafkaSender(lambda: kafka_clients.producer(connection))
    stack.push_async_callback(made.stop)
    try:
        await made.start()
    except KafkaError as error:
        problem = UnavailableError(f"no Kafka broker answers at {connection.bootstrap}")
        raise await explained(problem, connection) from error
    return made


def own_messages(settings: Kafka, codec: RecordCodec) -> OwnMessages:
    """Return what encodes and addresses our own messages."""
    topics = OwnTopics(
        steps=settings.steps_topic,
        approvals=settings.approvals_topic,
        dead_letters=settings.dead_letters_topic,
        parked=settings.parked_topic,
    )
    return OwnMessages(codec, topics)


async def outbox(config: Config, codec: RecordCodec, stack: AsyncExitStack) -> KafkaOutbox:
    """Return an outbox that is connected, disconnected with the stack."""
    return KafkaOutbox(await sender(config.kafka, stack), own_messages(config.kafka, codec))


async def redis_sessions(
    settings: Redis, stack: AsyncExitStack, *, name: str = "pointsman", trust: Trust | None = None
) -> RedisSessions:
    """Return sessions on a Redis that is yet to be checked, disconnected with the stack."""
    client = await stack.enter_async_context(redis_client(settings, name=name, trust=trust))
    return RedisSessions(
        client,
        lease_s=settings.lease_s,
        ttl_s=settings.ttl_days * 86_400,
        durable=settings.durability == "required",
        trust=trust,
    )
