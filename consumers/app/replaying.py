"""Composition of a replay: the same parts as a worker's, without a model and without connectors."""

from collections.abc import Callable
from contextlib import AsyncExitStack

from consumers.adapters import kafka_clients
from consumers.app import connections
from consumers.app.config_file import ConfigFile
from consumers.app.resolve import resolve
from consumers.ports.clock import SystemClock
from consumers.replay.rebuild import Rebuild, ReplayReport
from consumers.replay.selection import Selection
from consumers.router.route import RouteTable


async def run_replay(
    file: ConfigFile,
    selection: Selection,
    *,
    output: str | None = None,
    operator: str = "",
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> ReplayReport:
    """Replay a selection in rebuild mode, in the consumer group `<group>.replay`.

    Args:
        file: the configuration.
        selection: which records.
        output: topic for the outcomes; None for the routes' own.
        operator: who replays, for the audit trail.
        progress: told records done and records in all.

    Raises:
        HaltError: the configuration is wrong, the topic is no route's input, or the broker stopped answering.
        UnavailableError: Redis or Kafka is away.
    """
    config = file.config
    async with AsyncExitStack() as stack:
        codec = await connections.record_codec(config, stack)
        sessions = await connections.redis_sessions(config.redis, stack)
        outbox = await connections.outbox(config, codec, stack)
        consumer = kafka_clients.group_consumer(
            connections.kafka_connection(config.kafka),
            group=f"{config.kafka.group}.replay",
            instance_id=None,
            reset="earliest",
            session_timeout_s=config.kafka.session_timeout_s,
        )
        await consumer.start()
        stack.push_async_callback(kafka_clients.stop, consumer)
        routes = RouteTable(resolve(file).routes.values())
        rebuild = Rebuild(consumer, codec, routes, sessions, outbox, SystemClock(), output, operator)
        return await rebuild.run(selection, progress)
