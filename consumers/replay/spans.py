"""From a selection to offsets, as they stand now."""

from collections.abc import Mapping
from datetime import datetime

from aiokafka import TopicPartition

from consumers.adapters.kafka_reader import Span, TopicReader
from consumers.errors import HaltError
from consumers.replay.selection import Selection
from consumers.router.route import RouteTable


def refuse_unrouted(topic: str, routes: RouteTable) -> None:
    """Refuse a topic of which nothing is ever worked.

    Raises:
        HaltError: it is the input of no route.
    """
    if routes.of_topic(topic) is None:
        known = ", ".join(sorted(routes.topics)) or "none"
        raise HaltError(f"{topic} is the input of no route: nothing is worked from it; inputs are {known}")


async def spans_of(reader: TopicReader, selection: Selection) -> Mapping[TopicPartition, Span]:
    """Return what a selection holds, partition by partition; those of which it holds nothing are left out.

    Raises:
        HaltError: the topic does not exist, or has no such partition.
    """
    whole = dict(await reader.spans([selection.topic]))
    if absent := sorted(selection.offsets.keys() - {tp.partition for tp in whole}):
        raise HaltError(f"{selection.topic} has {len(whole)} partitions, from 0 on, and no {absent[0]}")
    if selection.offsets:
        parts = {
            tp: Span(*selection.offsets[tp.partition]) for tp in whole if tp.partition in selection.offsets
        }
    else:
        since = await _at(reader, whole, selection.since, {tp: span.first for tp, span in whole.items()})
        until = await _at(reader, whole, selection.until, {tp: span.end for tp, span in whole.items()})
        parts = {tp: Span(since[tp], until[tp]) for tp in whole}
    within = {
        tp: Span(max(part.first, whole[tp].first), min(part.end, whole[tp].end)) for tp, part in parts.items()
    }
    return {tp: span for tp, span in within.items() if span.first < span.end}


async def _at(
    reader: TopicReader,
    whole: Mapping[TopicPartition, Span],
    at: datetime | None,
    otherwise: Mapping[TopicPartition, int],
) -> Mapping[TopicPartition, int]:
    if at is None:
        return otherwise
    found = await reader.offsets_at(whole, at)
    return {tp: found.get(tp, span.end) for tp, span in whole.items()}
