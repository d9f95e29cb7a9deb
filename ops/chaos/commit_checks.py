"""The promises about what is committed, each as a function of the facts."""

from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter

from facts import Check, Facts
from records import OutcomeRecord
from servers import PARTITIONS

from schemas.topics import OUTCOMES


def never_ahead_as_sampled(facts: Facts) -> Check:
    """Outcome partitions are judged one by one: an event below the commit lies before each one's end of that moment."""

    def offset(record: OutcomeRecord, partition: int) -> int:
        return record.place.offset if record.place.partition == partition else -1

    latest = {
        (source, target): _running(facts, source, partial(offset, partition=target))
        for source in range(PARTITIONS)
        for target in range(OUTCOMES.partitions)
    }
    wrong = [
        f"sample {number}: committed {source}@{committed}, but outcomes {target} ended at {end}"
        for number, sample in enumerate(facts.samples)
        for source, committed in sample.committed.items()
        for target, end in sample.ends.items()
        if _below(latest[source, target], committed) >= end
    ]
    return Check("sampled commits never pass an event without outcome", len(facts.samples), wrong)


def never_ahead_as_logged(facts: Facts) -> Check:
    latest = {source: _running(facts, source, attrgetter("at_ms")) for source in range(PARTITIONS)}
    wrong = [
        f"committed {commit.partition}@{commit.offset} at t={commit.at_ms}, but below it an outcome came only at"
        f" t={_below(latest[commit.partition], commit.offset)}"
        for commit in facts.commits
        if _below(latest[commit.partition], commit.offset) > commit.at_ms
    ]
    return Check("no commit ever passed an event without outcome", len(facts.commits), wrong)


def no_lag(facts: Facts) -> Check:
    wrong = [
        f"partition {partition} ends at {end}, committed is {facts.committed.get(partition)}"
        for partition, end in facts.input_ends.items()
        if end != facts.committed.get(partition, 0)
    ]
    return Check("at the end everything is committed", len(facts.input_ends), wrong)


def _running(facts: Facts, partition: int, measure: Callable[[OutcomeRecord], int]) -> list[float]:
    """Return, for each offset of an input partition, the largest measure of the first outcomes of all events below it.

    An event without outcome counts as one that comes at the end of days.
    """
    here = sorted(
        (place.offset, number) for number, place in facts.accepted.items() if place.partition == partition
    )
    largest: list[float] = [-1]
    for offset, number in here:
        first = facts.first(number)
        largest += [largest[-1]] * (offset + 1 - len(largest))
        largest.append(max(largest[-1], float("inf") if first is None else measure(first)))
    return largest


def _below(running: Sequence[float], offset: int) -> float:
    return running[min(offset, len(running) - 1)]
