"""A worker's ways to Kafka, as the configuration asks for them."""

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_group import KafkaGroup
from consumers.adapters.kafka_transactions import KafkaTransactionsOpener
from consumers.app import connections
from consumers.app.config import Config, Kafka
from consumers.ports.clock import SystemClock
from consumers.ports.consumer_group import ConsumerGroup
from consumers.runtime.letters import Letters
from consumers.runtime.limits import RuntimeLimits
from consumers.runtime.transactional import TransactionalPublisher
from consumers.telemetry.metrics import Metrics


def group(config: Config) -> KafkaGroup:
    """Return the membership in the consumer group, not started."""
    kafka = config.kafka
    consumer = kafka_clients.group_consumer(
        connections.kafka_connection(kafka),
        group=kafka.group,
        instance_id=kafka.instance_id,
        session_timeout_s=kafka.session_timeout_s,
    )
    # What was redriven before the first worker came is meant for it.
    return KafkaGroup(
        consumer, from_end=kafka.auto_offset_reset == "latest", whole=frozenset({kafka.redrive_topic})
    )


def transactional(
    config: Config, membership: ConsumerGroup, made: Letters, limits: RuntimeLimits, metrics: Metrics
) -> TransactionalPublisher:
    """Return what publishes outputs and offsets in transactions."""
    opener = KafkaTransactionsOpener(connections.kafka_connection(config.kafka), group=config.kafka.group)
    return TransactionalPublisher(
        opener, membership, rewrite=made.rewrite, linger_s=limits.transaction_s, metrics=metrics
    )


def letters(kafka: Kafka) -> Letters:
    """Return what makes dead letters and parked ones."""
    convention = None if kafka.dead_letter_headers == "own" else kafka.dead_letter_headers
    return Letters(
        kafka.dead_letters_topic, kafka.parked_topic, SystemClock(), convention, kafka.redrive_topic
    )
