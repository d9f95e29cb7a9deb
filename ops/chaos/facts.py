"""What is known after a run. Everything that is checked is computed from this, and nothing here asks anybody."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from commits import Commit, Sample
from effects import Books
from plan import Order
from records import OutcomeRecord, Place
from servers import customer

from schemas.outcome import Outcome


@dataclass(frozen=True)
class Facts:
    """What is known.

    Attributes:
        transactional: how outcomes were delivered.
        orders: what was to be published, in order.
        accepted: where the broker has each event, by its number.
        refused: what it did not take, in words.
        input_ends: where the input partitions end.
        outcomes: every outcome record, in the order of reading.
        said: the number of the event and the outcome of each of these records.
        strays: number of records on topics that must stay empty, by topic.
        books: the sandbox's.
        samples, commits: what was committed when.
        committed: what is committed at the end.
        faults: what workers did that they were not told.
        ends: how many workers were told to end, or were killed.
    """

    transactional: bool
    orders: Sequence[Order]
    accepted: Mapping[int, Place]
    refused: Sequence[str]
    input_ends: Mapping[int, int]
    outcomes: Sequence[OutcomeRecord]
    said: Sequence[tuple[int, Outcome]]
    strays: Mapping[str, int]
    books: Books
    samples: Sequence[Sample]
    commits: Sequence[Commit]
    committed: Mapping[int, int]
    faults: Sequence[str]
    ends: int

    @cached_property
    def of_event(self) -> Mapping[int, Sequence[tuple[OutcomeRecord, Outcome]]]:
        """Outcome records by the event's number, the first one first."""
        found: dict[int, list[tuple[OutcomeRecord, Outcome]]] = defaultdict(list)
        for record, (number, outcome) in zip(self.outcomes, self.said, strict=True):
            found[number].append((record, outcome))
        for records in found.values():
            records.sort(key=lambda one: one[0].place.offset)
        return found

    @cached_property
    def wanted(self) -> Mapping[tuple[str, int], Order]:
        """Accepted events by customer and quantity, as the sandbox knows them."""
        return {(customer(o.key), o.quantity): o for o in self.orders if o.number in self.accepted}

    def first(self, number: int) -> OutcomeRecord | None:
        """Return the first outcome record of an event."""
        return self.of_event[number][0][0] if number in self.of_event else None

    def told(self, number: int) -> str:
        """Return all that is known of an event."""
        order, place = self.orders[number], self.accepted.get(number)
        where = f"at {place.partition}@{place.offset}" if place else "not accepted"
        outcomes = ", ".join(
            f"{outcome.status} {record.id.decode()[:8]} at {record.place.partition}@{record.place.offset} t={record.at_ms}"
            for record, outcome in self.of_event.get(number, ())
        )
        effects = ", ".join(
            f"{place}: {effect.action}, asked for {effect.attempts} times"
            for place, effect in enumerate(self.books.effects)
            if (effect.customer_id, effect.quantity) == (customer(order.key), order.quantity)
        )
        return (
            f"event {number} ({customer(order.key)}, its {order.quantity}.), {where};"
            f" outcomes: {outcomes or 'none'}; effects: {effects or 'none'}"
        )


@dataclass
class Check:
    """One promise.

    Attributes:
        name: what has to hold.
        looked_at: how many things were looked at.
        violations: what does not hold, each with all that is known.
    """

    name: str
    looked_at: int
    violations: list[str] = field(default_factory=list[str])
