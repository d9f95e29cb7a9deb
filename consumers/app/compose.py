"""Composition: from a configuration to running parts. Every other module takes what it needs as arguments."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from importlib.metadata import version
from typing import Any

from pydantic import SecretStr

from consumers.adapters import kafka_clients
from consumers.adapters.connector_actions import ConnectorActions
from consumers.adapters.kafka_clients import KafkaConnection
from consumers.adapters.kafka_outbox import KafkaDeadLetters, KafkaOutbox, OwnTopics
from consumers.adapters.openai_model import OpenAIModel
from consumers.adapters.redis_connection import connect
from consumers.adapters.redis_sessions import RedisSessions
from consumers.app.config import Config, Kafka, Limits, Redis, SecretRef
from consumers.app.config_file import ConfigFile
from consumers.app.handler import RecordHandler
from consumers.app.resolve import OpenableConnector, Resolved
from consumers.errors import ConfigurationError
from consumers.ports.clock import SystemClock
from consumers.router.route import RouteTable
from consumers.run.engine import Engine
from consumers.runtime.limits import RuntimeLimits
from consumers.runtime.loop import ConsumerLoop
from consumers.telemetry.metrics import Metrics
from schemas.codec.limits import Limits as RecordLimits
from schemas.codec.records import RecordCodec
from schemas.registry.confluent import ConfluentRegistry
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
    codec = RecordCodec(source, limits=RecordLimits(record_bytes=config.limits.record_bytes))
    await codec.ready()
    return codec


async def outbox(config: Config, codec: RecordCodec, stack: AsyncExitStack) -> KafkaOutbox:
    """Return an outbox on a started producer, stopped with the stack."""
    producer = kafka_clients.producer(kafka_connection(config.kafka))
    await producer.start()
    stack.push_async_callback(kafka_clients.stop, producer)
    kafka = config.kafka
    return KafkaOutbox(
        producer, codec, OwnTopics(kafka.steps_topic, kafka.approvals_topic, kafka.dead_letters_topic)
    )


async def redis_sessions(settings: Redis, stack: AsyncExitStack) -> RedisSessions:
    """Return sessions on a Redis that was checked, disconnected with the stack."""
    password = secret(settings.password, "redis.password").get_secret_value()
    client = connect(settings.url, password=password or None)
    stack.push_async_callback(client.aclose)
    return RedisSessions(client, lease_s=settings.lease_s, ttl_s=settings.ttl_days * 86_400)


async def actions(
    connectors: Sequence[OpenableConnector], limits: Limits, metrics: Metrics, stack: AsyncExitStack
) -> ConnectorActions:
    """Open all connectors; they are closed with the stack."""
    opening = ConnectorActions.open(
        [(c.connector, c.settings) for c in connectors],
        metrics=metrics,
        timeout_s=limits.action_s,
        slots=limits.connector_calls,
    )
    return await stack.enter_async_context(opening)


def model(config: Config, metrics: Metrics) -> OpenAIModel:
    """Return the model's client."""
    # The client wants a key even for endpoints that have none, such as a model on the same machine.
    key = secret(config.model.api_key, "model.api_key") or SecretStr("none")
    return OpenAIModel(config.model.settings(key), metrics=metrics)


def runtime_limits(limits: Limits) -> RuntimeLimits:
    """Return the runtime's part of the limits; two thirds of the shutdown time are for draining."""
    return RuntimeLimits(
        in_flight=limits.in_flight,
        partition_records=limits.partition_records,
        drain_s=limits.shutdown_s * 2 / 3,
        retry_total_s=limits.retry_total_s,
    )


class Worker:
    """All parts of one worker, composed and open. See `consumers.app.worker` for how it runs."""

    def __init__(
        self,
        file: ConfigFile,
        resolved: Resolved,
        metrics: Metrics,
        sessions: RedisSessions,
        loop: ConsumerLoop,
    ) -> None:
        self.config = file.config
        self.resolved = resolved
        self.metrics = metrics
        self.sessions = sessions
        self.loop = loop


async def worker(file: ConfigFile, resolved: Resolved, stack: AsyncExitStack) -> Worker:
    """Compose a worker; what it opened is closed with the stack.

    Raises:
        ConfigurationError: a secret is missing or Redis is set up to lose data.
        KafkaError, RegistryError: a server that must be there is not.
    """
    config = file.config
    metrics = Metrics(version=version("pointsman"))
    codec = await record_codec(config, stack)
    sessions = await redis_sessions(config.redis, stack)
    out = await outbox(config, codec, stack)
    llm = model(config, metrics)
    stack.push_async_callback(llm.aclose)
    engine = Engine(
        routes=resolved.routes,
        catalog=resolved.catalog,
        sessions=sessions,
        model=llm,
        actions=await actions(resolved.connectors, config.limits, metrics, stack),
        outbox=out,
        clock=SystemClock(),
        metrics=metrics,
    )
    routes = RouteTable(resolved.routes.values())
    handler = RecordHandler(
        codec=codec,
        routes=routes,
        engine=engine,
        approvals_topic=config.kafka.approvals_topic,
        metrics=metrics,
    )
    consumer = kafka_clients.group_consumer(
        kafka_connection(config.kafka),
        group=config.kafka.group,
        instance_id=config.kafka.instance_id,
        reset=config.kafka.auto_offset_reset,
        session_timeout_s=config.kafka.session_timeout_s,
    )
    topics = routes.topics | {config.kafka.approvals_topic}
    loop = ConsumerLoop(
        consumer, topics, handler, KafkaDeadLetters(out), runtime_limits(config.limits), metrics
    )
    return Worker(file, resolved, metrics, sessions, loop)
