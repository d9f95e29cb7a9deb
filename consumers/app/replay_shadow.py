"""Composition of a replay in shadow mode: finished runs decided afresh, with nothing that could have an effect.

The engine of each trial has sessions, deadlines and steps of its own in memory. Of the connectors it can reach reads at most;
what publishes here publishes differences to one topic that is none of the others.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaConsumer

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_spans import KafkaSpans
from consumers.adapters.kafka_steps import KafkaSteps
from consumers.adapters.own_messages import OWN_TENANT
from consumers.adapters.private_actions import PrivateActions
from consumers.adapters.private_model import PrivateModel
from consumers.adapters.private_sessions import PrivateSessions
from consumers.adapters.read_only_actions import ReadOnlyActions
from consumers.adapters.redis_spending import RedisSpending
from consumers.adapters.remembered_spool import RememberedSpool
from consumers.app import compose, connections
from consumers.app.config import Config
from consumers.app.config_file import ConfigFile
from consumers.app.evaluating import refuse_unknown_argument
from consumers.app.models import first_model
from consumers.app.privacy_keys import register
from consumers.app.redis_login import redis_client
from consumers.app.replay_figures import JobFigures
from consumers.app.resolve import Resolved, resolve
from consumers.app.shadow_deciding import DecidesAfresh
from consumers.app.shadow_topic import JobDifferences, Publishes, differences_topic
from consumers.errors import HaltError
from consumers.evaluation.difference import ReadsFrom
from consumers.evaluation.evaluate import TRIAL_S
from consumers.evaluation.trial import Candidate
from consumers.ports.actions import Actions
from consumers.ports.clock import SystemClock
from consumers.ports.consumer_group import PartitionId
from consumers.ports.jobs import Jobs
from consumers.ports.model import Model
from consumers.privacy.register import Register
from consumers.replay.bounded import BoundedModel, BoundReachedError
from consumers.replay.differences import Differences
from consumers.replay.job import Job
from consumers.replay.pace import Pace
from consumers.replay.shadow import AT_ONCE, Shadow
from consumers.router.route import RouteTable
from consumers.telemetry.logs import hidden
from consumers.telemetry.metrics import Metrics
from schemas.codec.records import RecordCodec

_BATCH: Final = 500
_NOTHING: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Shadowed:
    """What a job in shadow mode came to, over all its runs.

    Attributes:
        tally: how many records ended how: verdicts, and `skipped: …`.
        found: what it published, added up.
        bound: in words, the bound by which it ended; empty where none was reached.
    """

    tally: Counter[str]
    found: Differences
    bound: str = ""


async def run_shadow(
    file: ConfigFile,
    job: Job,
    *,
    progress: Callable[[int, int], None],
    stop: asyncio.Event,
    pace: Pace,
    jobs: Jobs | None = None,
    reads: ReadsFrom = "record",
    ignored: frozenset[str] = _NOTHING,
    at_once: int = AT_ONCE,
    trial_s: float = TRIAL_S,
    figures: JobFigures | None = None,
) -> Shadowed:
    """Decide the finished runs of a job afresh, and publish how each differs, `same` included.

    Args:
        file: the configuration that decides: its model, routes, rules and actions.
        job: what was ordered. Its `output` is the topic of the differences; `kafka.differences_topic` where it has none.
        progress: told records done and records in all, counting what earlier runs of the job did.
        stop: set it to end in order; a later run of the same job goes on there.
        pace: says when more may be decided.
        jobs: counts what the job has spent; needed where it has a bound of dollars.
        reads: whether reads are answered by the record, or performed now by the configured connectors.
        ignored: `<action>.<argument>` of those whose values do not count, such as free text.
        at_once: events in hand at once.
        trial_s: how long deciding one of them may take.
        figures: what it shows of itself.

    Raises:
        ConfigurationError: with every mistake in the configuration; nothing was started.
        HaltError: the differences would go to a topic of something else, a bound has nobody who counts, or the
            cluster or the model refuses us.
        RetryError: something stayed away; what is finished is committed, and a later run goes on there.
    """
    resolved, config, figures = resolve(file), file.config, figures or JobFigures(job)
    topic = differences_topic(config, job)
    for each in sorted(ignored):
        refuse_unknown_argument(each, resolved.catalog)
    if job.bounds.usd is not None and jobs is None:
        raise HaltError(f"replay {job.id}: there is a bound of dollars, and nothing that counts them")
    async with AsyncExitStack() as stack:
        codec = await connections.record_codec(config, stack)
        known = register(config.privacy)
        if known is not None:
            stack.enter_context(hidden(known.hide))
        candidate = await _candidate(file, resolved, job, jobs, known, reads, ignored, figures.metrics, stack)
        producer = await connections.sender(config.kafka, stack)
        sessions = await connections.redis_sessions(config.redis, stack, name="pointsman-shadow")
        remembered = stack.enter_context(RememberedSpool({r.event for r in resolved.routes.values()}))
        await _remember(config, codec, remembered)
        shadow = Shadow(
            job,
            group=_group(config, job),
            codec=codec,
            routes=RouteTable(resolved.routes.values()),
            decides=DecidesAfresh(
                job,
                candidate,
                sessions if known is None else PrivateSessions(sessions, known),
                remembered,
                known,
                reads,
                SystemClock(),
                trial_s,
            ),
            publish=Publishes(producer, connections.own_messages(config.kafka, codec), topic).publish,
            ready=pace.ready,
            at_once=at_once,
            patience_s=config.limits.retry_total_s,
            drain_s=config.limits.shutdown_s,
        )
        published = JobDifferences(config, codec, job, topic)
        async for each in published.read():
            shadow.remember(each)
        bound, found = "", Differences(job.id)

        def told(done: int, in_all: int) -> None:
            figures.tell(done, shadow.tally)
            progress(done, in_all)

        try:
            await shadow.run(told, stop)
        except BoundReachedError as error:
            bound = str(error)
        async for each in published.read():
            found.take(each)
        return Shadowed(shadow.tally, found, bound)


async def _candidate(
    file: ConfigFile,
    resolved: Resolved,
    job: Job,
    jobs: Jobs | None,
    known: Register | None,
    reads: ReadsFrom,
    ignored: frozenset[str],
    metrics: Metrics,
    stack: AsyncExitStack,
) -> Candidate:
    """Compose who decides. Connectors are opened only where reads are live, and then only reads can be reached."""
    config = file.config
    performs: Actions | None = None
    if reads == "live":
        opened = await compose.actions(resolved.connectors, config.limits, metrics, stack)
        performs = ReadOnlyActions(opened, resolved.catalog.actions.values())
    # Alone: answers of another model that stood in would say nothing of this one.
    first = first_model(config.model, metrics)
    stack.push_async_callback(first.aclose)
    redis = await stack.enter_async_context(redis_client(config.redis, name="pointsman-shadow-spending"))
    model: Model = compose.rationed(first, config.limits, RedisSpending(redis), metrics)
    if jobs is not None:
        model = BoundedModel(model, job, jobs)
    return Candidate(
        config.model.name if config.model else "no model",
        resolved.routes,
        resolved.catalog,
        model if known is None else PrivateModel(model, known),
        ignored=ignored,
        reads=performs,
        watched=(lambda actions: actions) if known is None else (lambda a: PrivateActions(a, known)),
    )


async def _remember(config: Config, codec: RecordCodec, remembered: RememberedSpool) -> None:
    """Read what sessions learnt, from the whole audit trail."""
    log = KafkaSteps(connections.kafka_connection(config.kafka), config.kafka.steps_topic, codec, OWN_TENANT)
    if not (extents := await log.extents()):
        return
    batch = []
    async for found in log.read(extents):
        if found.step is not None:
            batch.append(found.step)
        if len(batch) >= _BATCH:
            remembered.add(batch)
            batch.clear()
    remembered.add(batch)


def _group(config: Config, job: Job) -> KafkaSpans:
    connection = connections.kafka_connection(config.kafka)

    def consumer() -> AIOKafkaConsumer:
        return kafka_clients.group_consumer(
            connection,
            group=f"{config.kafka.group}.replay.{job.id}",
            instance_id=None,
            session_timeout_s=config.kafka.session_timeout_s,
        )

    spans = {PartitionId(job.topic, number): span for number, span in job.spans.items()}
    return KafkaSpans(consumer, spans, lease_s=config.kafka.session_timeout_s)
