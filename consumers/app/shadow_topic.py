"""The topic of a shadow replay: which one it is, what goes there, and what a job has published on it so far."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from consumers.adapters.kafka_reader import Span, topic_reader
from consumers.adapters.own_messages import OWN_TENANT, OwnMessages
from consumers.app import connections
from consumers.app.config import Config
from consumers.app.replay_output import refuse_output
from consumers.errors import DeadLetterError
from consumers.evaluation.difference import without_values
from consumers.ports.producing import Producer
from consumers.ports.sessions import CLOCKS
from consumers.replay.job import Job
from schemas.codec.outgoing import own_message_of
from schemas.codec.records import RecordCodec
from schemas.difference import Difference
from schemas.errors import SchemaError


def differences_topic(config: Config, job: Job) -> str:
    """Return where the differences of a job go.

    Raises:
        HaltError: something else is published there, or read from there.
    """
    topic = job.output or config.kafka.differences_topic
    refuse_output(config, job.mode, topic)
    return topic


@dataclass(frozen=True, slots=True)
class Publishes:
    """Publishes differences to one topic, and can publish nothing else."""

    producer: Producer
    messages: OwnMessages
    topic: str

    async def publish(self, difference: Difference) -> None:
        """Return once every replica in sync has it; one that the topic does not take goes without its values.

        Raises:
            RetryError: it was not acknowledged in time.
            HaltError: the cluster refuses us.
        """
        try:
            await self.producer.send([self.messages.difference(difference, self.topic)])
        except DeadLetterError:
            await self.producer.send([self.messages.difference(without_values(difference), self.topic)])


@dataclass(frozen=True, slots=True)
class JobDifferences:
    """What a job has published, read back; the topic is the only place that has it."""

    config: Config
    codec: RecordCodec
    job: Job
    topic: str

    async def read(self) -> AsyncGenerator[Difference]:
        """Yield it in the order of each partition, from the job's order on; one may come twice.

        Raises:
            HaltError: there is no such topic.
            UnavailableError: the broker stopped answering.
        """
        async with topic_reader(connections.kafka_connection(self.config.kafka)) as reader:
            spans = await reader.spans([self.topic])
            begins = await reader.offsets_at(spans, self.job.ordered_at - CLOCKS)
            left = {tp: Span(begins[tp], spans[tp].end) for tp in begins if begins[tp] < spans[tp].end}
            async for record in reader.between(left):
                try:
                    message = own_message_of(await self.codec.decode(record, tenant=OWN_TENANT))
                except SchemaError:
                    continue  # somebody else's
                if isinstance(message, Difference) and message.job_id == self.job.id:
                    yield message
