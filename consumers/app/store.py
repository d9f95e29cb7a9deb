"""The session store of a worker: sessions that are worked only while Redis is known to have what it acknowledged."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from consumers.adapters.kafka_steps import KafkaSteps
from consumers.adapters.own_messages import OWN_TENANT
from consumers.adapters.redis_attempts import RedisAttempts
from consumers.adapters.redis_deadlines import RedisDeadlines
from consumers.adapters.redis_guard import RedisGuard
from consumers.adapters.redis_restoring import RedisRestoring
from consumers.adapters.redis_sessions import RedisSessions
from consumers.adapters.redis_spending import RedisSpending
from consumers.adapters.redis_trust import Trust, guard_of
from consumers.app import connections
from consumers.app.config import Config
from consumers.app.redis_login import redis_client
from consumers.ports.clock import SystemClock
from consumers.ports.deadlines import Deadlines
from consumers.ports.outbox import Outbox
from consumers.ports.spending import Spending
from consumers.recovery.keeper import Keeper
from consumers.recovery.rebuilding import Rebuilding
from consumers.telemetry.metrics import Metrics
from schemas.codec.records import RecordCodec


@dataclass(frozen=True, slots=True)
class Store:
    """Sessions, and who looks after them.

    Attributes:
        sessions: speak to servers that were checked, and to no others.
        unchecked: the same on connections that speak to any, for `check`.
        keeper: checks.
        deadlines: of questions that wait.
        spending: of tenants on the model.
        attempts: marks of what is being decoded.
        trust: what the keeper has checked.
    """

    sessions: RedisSessions
    unchecked: RedisSessions
    keeper: Keeper
    deadlines: Deadlines
    spending: Spending
    attempts: RedisAttempts
    trust: Trust


async def open_store(
    config: Config, codec: RecordCodec, outbox: Outbox, metrics: Metrics, stack: AsyncExitStack
) -> Store:
    """Return the store of a configuration, disconnected with the stack.

    Raises:
        ConfigurationError: a secret or a file is missing or wrong.
    """
    settings, clock, trust = config.redis, SystemClock(), Trust(guard_of(config.kafka.steps_topic))
    sessions = await connections.redis_sessions(settings, stack, trust=trust)
    client = await stack.enter_async_context(redis_client(settings, name="pointsman-keeper"))
    log = KafkaSteps(connections.kafka_connection(config.kafka), config.kafka.steps_topic, codec, OWN_TENANT)
    ttl_s = settings.ttl_days * 86_400
    deadlines = RedisDeadlines(client, f"pointsman:{{store}}:deadlines:{config.kafka.approvals_topic}")
    rebuilding = Rebuilding(log, RedisRestoring(client, ttl_s), deadlines, outbox, clock, ttl_s)
    keeper = Keeper(
        RedisGuard(client, trust.guard),
        trust,
        rebuilding if settings.rebuild == "auto" else None,
        log,
        clock,
        metrics,
        sessions.ping,
    )
    unchecked = RedisSessions(client, durable=settings.durability == "required")
    return Store(
        sessions,
        unchecked,
        keeper,
        deadlines,
        RedisSpending(client),
        RedisAttempts(client, config.kafka.group),
        trust,
    )
