"""Records on the topics, and the event that stands for an order."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from plan import Order
from servers import customer

from schemas.codec.outgoing import outcome_of
from schemas.codec.records import RecordCodec
from schemas.envelope import Envelope
from schemas.outcome import Outcome
from schemas.record import Record
from schemas.topics import OUTCOMES

_EVENT: Final = "chaos-"


@dataclass(frozen=True, slots=True)
class Place:
    """Of a record in its topic."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class OutcomeRecord:
    """An outcome as it lies on its topic; `at_ms` is the broker's time."""

    place: Place
    at_ms: int
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]

    @property
    def id(self) -> bytes:
        return dict(self.headers)["ce_id"]


async def outcome_in(record: OutcomeRecord, codec: RecordCodec) -> tuple[int, Outcome]:
    """Decode an outcome; returns the number of its event with it."""
    place = record.place
    raw = Record(
        topic=OUTCOMES.name,
        partition=place.partition,
        offset=place.offset,
        timestamp_ms=record.at_ms,
        key=record.key,
        value=record.value,
        headers=record.headers,
    )
    outcome = outcome_of(await codec.decode(raw, tenant="chaos"))
    return int(outcome.event_id.removeprefix(_EVENT)), outcome


def event_of(order: Order) -> Envelope:
    """Return the event to publish."""
    return Envelope(
        id=f"{_EVENT}{order.number}",
        type="order.requested",
        source="/chaos/shop",
        time=datetime.now(UTC),
        tenant="default",
        session_id=customer(order.key),
        payload={
            "order_ref": f"R-{order.number}",
            "customer_id": customer(order.key),
            "product_id": "P-100",
            "quantity": order.quantity,
            "priority": "standard",
            "note": None,
        },
    )
