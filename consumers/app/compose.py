"""Composition: from a configuration to running parts. Every other module takes what it needs as arguments."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Final

from consumers.adapters.cassette_model import refuse_cassette
from consumers.adapters.cell_trial import CellTrial
from consumers.adapters.connector_actions import ConnectorActions
from consumers.adapters.connector_results import ResultLimits
from consumers.adapters.kafka_outbox import KafkaOutbox
from consumers.adapters.kafka_parked import KafkaParkedLog
from consumers.adapters.private_actions import PrivateActions
from consumers.adapters.private_model import PrivateModel
from consumers.adapters.private_outbox import PrivateOutbox
from consumers.adapters.private_sessions import PrivateSessions
from consumers.adapters.rationed_model import RationedModel
from consumers.app import cell, connections, kafka_parts
from consumers.app.config import Config, Limits
from consumers.app.config_file import ConfigFile
from consumers.app.handler import RecordHandler
from consumers.app.inputs import read_topics
from consumers.app.models import preferred_models
from consumers.app.personal_data import PersonalData
from consumers.app.privacy_keys import register
from consumers.app.resolve import OpenableConnector, Resolved
from consumers.app.store import Store, open_store
from consumers.ports.actions import Actions
from consumers.ports.allowance import Allowance
from consumers.ports.attempts import Trial
from consumers.ports.clock import SystemClock
from consumers.ports.consumer_group import ConsumerGroup
from consumers.ports.deadlines import Deadlines
from consumers.ports.model import Model
from consumers.ports.outbox import Outbox
from consumers.ports.parked_log import ParkedLog
from consumers.ports.producing import Producer
from consumers.ports.sessions import Sessions
from consumers.ports.spending import Spending
from consumers.privacy.register import Register
from consumers.recovery.expiring import Expiring
from consumers.router.route import RouteTable
from consumers.run.engine import Engine
from consumers.runtime.limits import RuntimeLimits
from consumers.runtime.loop import ConsumerLoop
from consumers.runtime.publishing import DirectPublisher
from consumers.runtime.suspects import Suspects
from consumers.runtime.working import Handler
from consumers.telemetry.logs import hidden
from consumers.telemetry.metrics import Metrics
from schemas.codec.records import RecordCodec

_DRAINING: Final = 0.6
_LEAVING: Final = 0.1
"""Shares of the shutdown time: for work to end its step; for the last commit, and again for leaving the group."""


async def actions(
    connectors: Sequence[OpenableConnector], limits: Limits, metrics: Metrics, stack: AsyncExitStack
) -> ConnectorActions:
    """Open all connectors; they are closed with the stack."""
    opening = ConnectorActions.open(
        [(c.connector, c.settings) for c in connectors],
        metrics=metrics,
        timeout_s=limits.action_s,
        calls={c.connector.name: c.calls for c in connectors},
        results=result_limits(limits),
    )
    return await stack.enter_async_context(opening)


def result_limits(limits: Limits) -> ResultLimits:
    """Return the bounds on what an action returns."""
    return ResultLimits(bytes=limits.result_bytes, depth=limits.result_depth)


def rationed(llm: Model, limits: Limits, spending: Spending, metrics: Metrics) -> Model:
    """Return a model with the limit on what a tenant may spend a day, if there is one."""
    if limits.tenant_usd_per_day is None:
        return llm
    return RationedModel(llm, spending, SystemClock(), metrics, usd_per_day=limits.tenant_usd_per_day)


def runtime_limits(limits: Limits) -> RuntimeLimits:
    """Return the runtime's part of the limits; what is left of the shutdown time is for closing connections."""
    return RuntimeLimits(
        in_flight=limits.in_flight,
        partition_records=limits.partition_records,
        partition_bytes=limits.partition_bytes,
        total_bytes=limits.total_bytes,
        key_records=limits.key_records,
        drain_s=limits.shutdown_s * _DRAINING,
        leave_s=limits.shutdown_s * _LEAVING,
        retry_total_s=limits.retry_total_s,
        parked_keys=limits.parked_keys,
        dead_letters_in_a_row=limits.dead_letters_in_a_row,
        dead_letter_ratio=limits.dead_letter_ratio,
        stalled_s=limits.stalled_s,
    )


@dataclass(frozen=True, slots=True)
class Parts:
    """What a worker reaches the world by, and within which limits."""

    sessions: Sessions
    model: Model
    actions: Actions
    outbox: Outbox
    deadlines: Deadlines
    producer: Producer
    """Publishes what ends a record, unless that is done in transactions."""
    group: ConsumerGroup
    limits: RuntimeLimits
    codec: RecordCodec
    """Decodes what arrives."""
    trial: Trial
    """Decodes what may have killed a worker before."""
    topics: frozenset[str]
    """What is consumed."""
    parked: ParkedLog
    allowance: Allowance | None = None
    """Says whether one more write may begin; None where nobody does."""
    lease_s: float = 45.0
    """For how long a confirmed membership is certain."""


Adapt = Callable[[Parts], Parts]
"""Puts other parts in place of those that were made, such as ones that somebody watches."""


def as_made(parts: Parts) -> Parts:
    """Leave all parts in place."""
    return parts


Wrap = Callable[[RecordHandler, Store], Handler]
"""Puts something between the loop and what works records."""


def unwrapped(handler: RecordHandler, store: Store) -> Handler:
    """Put nothing there."""
    del store
    return handler


def private(parts: Parts, known: Register) -> Parts:
    """Put in place what replaces personal data by tokens, between the engine and all that is written."""
    return replace(
        parts,
        sessions=PrivateSessions(parts.sessions, known),
        model=PrivateModel(parts.model, known),
        actions=PrivateActions(parts.actions, known),
        outbox=PrivateOutbox(parts.outbox, known),
    )


class Worker:
    """All parts of one worker, composed and open. See `consumers.app.worker` for how it runs."""

    def __init__(
        self,
        file: ConfigFile,
        resolved: Resolved,
        metrics: Metrics,
        store: Store,
        loop: ConsumerLoop,
        expiring: Expiring,
    ) -> None:
        self.config = file.config
        self.resolved = resolved
        self.metrics = metrics
        self.store = store
        self.loop = loop
        self.expiring = expiring


async def worker(
    file: ConfigFile,
    resolved: Resolved,
    stack: AsyncExitStack,
    adapt: Adapt = as_made,
    wrap: Wrap = unwrapped,
    membership: Callable[[Config], ConsumerGroup] = kafka_parts.group,
    *,
    metrics: Metrics | None = None,
) -> Worker:
    """Compose a worker; what it opened is closed with the stack.

    Args:
        file: the configuration.
        resolved: what it names.
        stack: closes what is opened.
        adapt: puts other parts in place of those that the configuration asks for.
        wrap: puts something between the loop and what works records.
        membership: makes what records come from.
        metrics: where it is counted; None makes some of its own.

    Raises:
        ConfigurationError: a secret is missing or Redis is set up to lose data.
        KafkaError, RegistryError: a server that must be there is not.
    """
    config = file.config
    metrics = metrics or Metrics(version=version("pointsman"))
    codec = await connections.record_codec(config, stack)
    sender = await connections.sender(config.kafka, stack)
    messages = connections.own_messages(config.kafka, codec)
    outbox = KafkaOutbox(sender, messages)
    store = await open_store(config, codec, outbox, metrics, stack)
    llm = preferred_models(config.model, metrics)
    stack.push_async_callback(llm.aclose)
    routes = RouteTable(resolved.routes.values())
    parts = adapt(
        Parts(
            sessions=store.sessions,
            model=rationed(llm, config.limits, store.spending, metrics),
            actions=await actions(resolved.connectors, config.limits, metrics, stack),
            outbox=outbox,
            deadlines=store.deadlines,
            producer=sender,
            group=membership(config),
            limits=runtime_limits(config.limits),
            codec=codec,
            trial=cell_trial(file, stack),
            topics=read_topics(config),
            parked=KafkaParkedLog(connections.kafka_connection(config.kafka), config.kafka.parked_topic),
            lease_s=config.kafka.session_timeout_s,
        )
    )
    refuse_cassette(parts.model)
    known = register(config.privacy)
    if known is not None:
        parts = private(parts, known)
        stack.enter_context(hidden(known.hide))
    engine = Engine(
        routes=resolved.routes,
        catalog=resolved.catalog,
        sessions=parts.sessions,
        model=parts.model,
        actions=parts.actions,
        outbox=parts.outbox,
        deadlines=parts.deadlines,
        clock=SystemClock(),
        metrics=metrics,
        settle_s=2 * config.limits.action_s,
        undo_s=config.limits.undo_s,
        allowance=parts.allowance,
    )
    made = kafka_parts.letters(config.kafka)
    loop = ConsumerLoop(
        group=parts.group,
        topics=parts.topics,
        handler=wrap(
            RecordHandler(
                codec=parts.codec,
                routes=routes,
                engine=engine,
                messages=messages,
                approvers=resolved.approvers,
                metrics=metrics,
                personal=PersonalData(known),
            ),
            store,
        ),
        publisher=DirectPublisher(parts.producer, parts.group, metrics)
        if config.kafka.delivery == "at-least-once"
        else kafka_parts.transactional(config, parts.group, made, parts.limits, metrics),
        parked=parts.parked,
        letters=made,
        limits=parts.limits,
        lease_s=parts.lease_s,
        metrics=metrics,
        suspects=Suspects(store.attempts, parts.trial, metrics),
    )
    expiring = Expiring(store.deadlines, outbox, SystemClock(), metrics)
    return Worker(file, resolved, metrics, store, loop, expiring)


def cell_trial(file: ConfigFile, stack: AsyncExitStack) -> CellTrial:
    """Return what tries records in a process of its own, which ends with the stack."""
    # The cell ends by itself a little earlier, if it can.
    trial = CellTrial(cell.command(file.path), record_s=file.config.limits.decode_s + 5)
    stack.push_async_callback(trial.close)
    return trial
