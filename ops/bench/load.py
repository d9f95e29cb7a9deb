"""The load: orders of many customers, each of which the sandbox's database can tell from all others."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from consumers.adapters.kafka_clients import record_of
from schemas.codec.outgoing import outcome_of
from schemas.codec.records import RecordCodec
from schemas.envelope import Envelope

ORDERS = "erp.orders"
OUTCOMES = "pointsman.outcomes"
POLL_MS = 100
PAUSE_S = 0.02
"""After an empty poll: the embedded broker answers those at once."""
MOST_PIECES = 400
"""Above 499 a rule of the demo asks a person."""


@dataclass(frozen=True, slots=True)
class Finished:
    """An outcome as a subscriber sees it."""

    event_id: str
    success: bool
    at_ms: int


def customer(number: int) -> str:
    return f"C-BENCH-{number}"


def orders(count: int, customers: int) -> list[Envelope]:
    """Return orders, no two of which have both the same customer and the same quantity."""
    if count > customers * MOST_PIECES:
        raise ValueError(f"{count} orders of {customers} customers cannot all be different")
    return [_order(number, customer(number % customers), 1 + number // customers) for number in range(count)]


def _order(number: int, customer_id: str, quantity: int) -> Envelope:
    return Envelope(
        id=f"bench-{number}",
        type="order.requested",
        source="/bench/shop",
        time=datetime.now(UTC),
        tenant="default",
        session_id=customer_id,
        payload={
            "order_ref": f"R-{number}",
            "customer_id": customer_id,
            "product_id": "P-100",
            "quantity": quantity,
            "priority": "standard",
            "note": None,
        },
    )


class Shop:
    """Publishes orders and collects outcomes."""

    def __init__(self, producer: AIOKafkaProducer, outcomes: AIOKafkaConsumer, codec: RecordCodec) -> None:
        self._producer = producer
        self._outcomes = outcomes
        self._codec = codec
        self._records: dict[bytes, Any] = {}
        self.published_ms: dict[str, float] = {}
        self.copies = 0
        """Outcomes that came once more."""

    async def publish(self, events: Iterable[Envelope]) -> None:
        """Publish events and wait until the broker has them all."""
        sent = [await self._send(event) for event in events]
        async with asyncio.timeout(60):
            await asyncio.gather(*sent)

    async def publish_at(self, events: Sequence[Envelope], rate: float) -> None:
        """Publish events evenly, so many a second."""
        clock = asyncio.get_running_loop().time
        start = clock()
        for number, event in enumerate(events):
            await asyncio.sleep(max(0.0, start + number / rate - clock()))
            await (await self._send(event))

    async def _send(self, event: Envelope) -> asyncio.Future[Any]:
        now = datetime.now(UTC)
        self.published_ms[event.id] = now.timestamp() * 1000
        message = self._codec.encode(replace(event, time=now))
        headers = list(message.headers)
        return await self._producer.send(ORDERS, key=message.key, value=message.value, headers=headers)

    async def collect(
        self, count: int, *, seen: Callable[[int], None], alive: Callable[[], None], within_s: float
    ) -> None:
        """Wait until there are so many different outcomes, or raise TimeoutError."""
        async with asyncio.timeout(within_s):
            while len(self._records) < count:
                batches = await self._outcomes.getmany(timeout_ms=POLL_MS)
                for record in (one for batch in batches.values() for one in batch):
                    self._keep(record)
                seen(len(self._records))
                if not batches:
                    alive()
                    await asyncio.sleep(PAUSE_S)

    def _keep(self, record: Any) -> None:
        outcome_id = dict(record.headers)["ce_id"]
        self.copies += outcome_id in self._records
        self._records.setdefault(outcome_id, record)

    async def finished(self) -> list[Finished]:
        """Decode what was collected: only now, so as not to take CPU from what is measured."""
        return [await self._finished(record) for record in self._records.values()]

    async def _finished(self, record: Any) -> Finished:
        if record.value[:1] == b"{":  # the plain loop's
            said: Mapping[str, Any] = orjson.loads(record.value)
            return Finished(said["event_id"], said["status"] == "completed", record.timestamp)
        outcome = outcome_of(await self._codec.decode(record_of(record), tenant="bench"))
        return Finished(outcome.event_id, outcome.status == "success", record.timestamp)
