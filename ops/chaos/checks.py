"""The promises, each as a function of the facts."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise

from commit_checks import never_ahead_as_logged, never_ahead_as_sampled, no_lag
from facts import Check, Facts

from schemas.outcome import Status

STEPS = ("create_order", "schedule_shipment")
"""What is done for each event, in this order."""


def all_checks(facts: Facts) -> list[Check]:
    """Return every check, done."""
    checks: Sequence[Callable[[Facts], Check]] = (
        published,
        finished,
        alike,
        successful,
        unstrayed,
        done_once,
        effects_in_order,
        outcomes_in_order,
        never_ahead_as_sampled,
        never_ahead_as_logged,
        no_lag,
        as_told,
    )
    return [check(facts) for check in checks]


def published(facts: Facts) -> Check:
    """The premise: without it the other checks say nothing."""
    surplus = sum(facts.input_ends.values()) - len(facts.accepted)
    twice = [f"the input topic holds {surplus} records more than were acknowledged"] if surplus else []
    return Check("every event is on the input topic, once", len(facts.orders), [*facts.refused, *twice])


def finished(facts: Facts) -> Check:
    missing = [facts.told(number) for number in facts.accepted if number not in facts.of_event]
    return Check("every accepted event has an outcome", len(facts.accepted), missing)


def alike(facts: Facts) -> Check:
    """At least once: what comes again is the same; in transactions, nothing comes again."""
    name = (
        "every event has exactly one outcome"
        if facts.transactional
        else "outcomes of one event are the same bytes"
    )
    wrong = [
        facts.told(number)
        for number, records in facts.of_event.items()
        if len(records if facts.transactional else {(r.id, r.key, r.value, r.headers) for r, _ in records})
        > 1
    ]
    return Check(name, len(facts.outcomes), wrong)


def successful(facts: Facts) -> Check:
    wrong = [
        f"{outcome.summary!r}: {facts.told(number)}"
        for number, outcome in facts.said
        if outcome.status is not Status.SUCCESS
    ]
    return Check("every outcome is a success", len(facts.said), wrong)


def unstrayed(facts: Facts) -> Check:
    wrong = [f"{topic} holds {count}" for topic, count in facts.strays.items() if count]
    return Check("no dead letter, nothing parked, nobody asked", len(facts.strays), wrong)


def done_once(facts: Facts) -> Check:
    """One order and one shipment for each event, each by one effect, and nothing else."""
    effects = Counter((e.customer_id, e.quantity, e.action) for e in facts.books.effects)
    wanted = Counter((*event, step) for event in facts.wanted for step in STEPS)
    wrong = [
        f"{effects[one]} times {one[2]}, not {wanted[one]}: {_event(facts, one[0], one[1])}"
        for one in effects.keys() | wanted.keys()
        if effects[one] != wanted[one]
    ]
    wrong += [f"no idempotency key: {e}" for e in facts.books.effects if e.key.startswith("unkeyed")]
    wrong += [
        f"{one.status} with {one.shipments} shipments: {_event(facts, one.customer_id, one.quantity)}"
        for one in facts.books.orders
        if one.status != "confirmed" or one.shipments != 1
    ]
    return Check("every effect happened, and once", len(facts.books.effects), wrong)


def effects_in_order(facts: Facts) -> Check:
    """All that is done for an event of a key is done before anything is for its next one."""
    done: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for effect in facts.books.effects:
        step = STEPS.index(effect.action) if effect.action in STEPS else len(STEPS)
        done[effect.customer_id].append((effect.quantity, step))
    wrong = [
        f"{effect} after {before}: {_event(facts, customer_id, effect[0])}; {_event(facts, customer_id, before[0])}"
        for customer_id, steps in done.items()
        for before, effect in pairwise(steps)
        if effect < before
    ]
    return Check("effects of a key are in the order of its events", len(done), wrong)


def outcomes_in_order(facts: Facts) -> Check:
    of_key: dict[int, list[int]] = defaultdict(list)
    for number in sorted(facts.of_event):
        of_key[facts.orders[number].key].append(number)
    wrong: list[str] = []
    for numbers in of_key.values():
        for before, number in pairwise(numbers):
            earlier, later = facts.first(before), facts.first(number)
            assert earlier is not None
            assert later is not None
            same = earlier.place.partition == later.place.partition
            if not same or later.place.offset < earlier.place.offset:
                wrong.append(f"{facts.told(number)}; before it: {facts.told(before)}")
    return Check("first outcomes of a key are in the order of its events", len(of_key), wrong)


def as_told(facts: Facts) -> Check:
    return Check("no worker ended by itself, late or with an error", facts.ends, list(facts.faults))


def _event(facts: Facts, customer_id: str, quantity: int) -> str:
    order = facts.wanted.get((customer_id, quantity))
    return facts.told(order.number) if order else f"no event of ours: {customer_id}, {quantity} pieces"
