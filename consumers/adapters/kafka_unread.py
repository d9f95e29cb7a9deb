"""What it means when a group's records cannot be read, for who must act."""

import logging

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError, RecordTooLargeError

from consumers.adapters import kafka_internals
from consumers.adapters.kafka_clients import REFUSALS
from consumers.errors import HaltError, PointsmanError, UnavailableError

_log = logging.getLogger(__name__)


async def out_of_range(consumer: AIOKafkaConsumer, error: OffsetOutOfRangeError) -> None:
    """Go on at the beginning of a partition whose next records were deleted before anybody read them.

    aiokafka would do so by itself, and quietly, and would begin all over where the log has lost its end.

    Raises:
        HaltError: the log ends before where we are.
    """
    for tp, offset in _places(error).items():
        begins = (await consumer.beginning_offsets([tp]))[tp]
        if offset > begins:
            raise HaltError(
                f"{tp.topic}[{tp.partition}] ends before offset {offset}, where the group is: the topic was made anew, "
                "or the broker has lost records; set the group's offset to where it shall go on"
            ) from error
        _log.error(
            "records were deleted before they were read: retention is shorter than the lag",
            extra={"topic": tp.topic, "partition": tp.partition, "from": offset, "to": begins},
        )
        if tp in consumer.assignment():
            consumer.seek(tp, begins)


def poll_failure(consumer: AIOKafkaConsumer, error: Exception) -> PointsmanError:
    """Return the error to raise instead of what came out of a poll."""
    if isinstance(error, REFUSALS):
        return HaltError(f"the cluster refuses us: {error!r}; check the group's and the topics' ACLs")
    if isinstance(error, RecordTooLargeError):
        return HaltError(f"a record is larger than a fetch may be, and would be skipped: {error}")
    # A batch that cannot be unpacked fails each time anew: its checksum is wrong, or its compression. aiokafka names
    # the partition at best. The batch is the next one of a partition that has some.
    if place := _unreadable(consumer):
        return HaltError(
            f"the batch at {place} cannot be read, now or later: {error!r}; set the group's offset past it"
        )
    if not isinstance(error, KafkaError):
        return HaltError(f"records cannot be read: {error!r}")
    if kafka_internals.has_ended(consumer):
        return HaltError(f"the membership has ended by itself: {error!r}")
    return UnavailableError(f"the broker does not give records: {error!r}")


def _unreadable(consumer: AIOKafkaConsumer) -> str | None:
    for tp in consumer.assignment():
        at = kafka_internals.unreadable_at(consumer, tp)
        if at is not None:
            return f"{tp.topic}[{tp.partition}]@{at}"
    return None


def _places(error: OffsetOutOfRangeError) -> dict[TopicPartition, int]:
    (places,) = error.args
    return places
