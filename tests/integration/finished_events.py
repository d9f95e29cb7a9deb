"""Finished events without the work: their journals as a worker leaves them, their records, and their first outcomes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from consumers.adapters.own_messages import OwnMessages
from consumers.adapters.redis_connection import connect
from consumers.adapters.redis_sessions import RedisSessions
from consumers.app.config_file import read_config
from consumers.app.connections import own_messages
from consumers.ports.sessions import Entry
from consumers.replay.chosen import Chosen
from consumers.replay.job import Job
from consumers.replay.mode import Mode
from consumers.run import ending
from consumers.session import place
from consumers.session.context import Context
from consumers.session.key import SessionKey
from schemas.canonical import digest
from schemas.envelope import Envelope
from schemas.outcome import ActionRecord, Outcome, Status
from schemas.record import Outgoing
from tests.integration.stage import OUTCOMES, Stage, order

AT = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
ORDERS = "erp.orders"
ByKey = Mapping[bytes | None, Sequence[tuple[bytes | None, tuple[tuple[str, bytes], ...]]]]
"""Values and headers of each key, in order."""


@dataclass(frozen=True)
class Finished:
    """An event, how it ended, and what was published of it for the first time."""

    event: Envelope
    outcome: Outcome
    first: Outgoing


def outcome_of(event: Envelope, number: int) -> Outcome:
    acted = ActionRecord(
        "erp.create_order", "write", "done", {"quantity": number}, {"order_id": f"O-{number}"}, None
    )
    return Outcome(
        id=digest(["outcome", event.run_id])[:32],
        run_id=event.run_id,
        event_id=event.id,
        event_type=event.type,
        event_source=event.source,
        tenant=event.tenant,
        session_id=event.session_id,
        route="order.requested",
        status=Status.SUCCESS if number % 5 else Status.REFUSED,
        summary=f"Number {number}.",
        actions=(acted,),
        turns=2,
        input_tokens=100 + number,
        output_tokens=20,
        cost_usd=0.001,
        started_at=AT,
        finished_at=AT,
    )


async def finish(played: Stage, count: int, *, sessions: int, prefix: str = "e") -> list[Finished]:
    """Leave so many finished events behind, in so many sessions, and publish their records."""
    messages = own_messages_of(played)
    made: list[Finished] = []
    async with connect(read_config(played.config).config.redis.url) as redis:
        store = RedisSessions(redis)
        for number in range(count):
            event = replace(order(f"{prefix}-{number}"), session_id=f"session-{number % sessions}")
            outcome = outcome_of(event, number)
            lease = (await store.open(SessionKey(event.tenant, event.session_id), event.run_id)).lease
            await store.close(lease, [Entry(place.OUTCOME, ending.body_of(outcome))], Context())
            made.append(Finished(event, outcome, messages.outcome(outcome, OUTCOMES)))
    await publish(played, [each.event for each in made])
    return made


async def publish(played: Stage, events: Sequence[Envelope]) -> None:
    encoded = [played.codec.encode(event) for event in events]
    for first in range(0, len(encoded), 500):
        some = encoded[first : first + 500]
        await played.sender.send([Outgoing(ORDERS, each.key, each.value, each.headers) for each in some])


def own_messages_of(played: Stage) -> OwnMessages:
    return own_messages(read_config(played.config).config.kafka, played.codec)


def job(name: str, spans: Mapping[int, tuple[int, int]], output: str | None = None, **more: Any) -> Job:
    """Return a job in rebuild mode."""
    wanted: dict[str, Any] = {"chosen": Chosen(), "operator": "maria", **more}
    return Job(id=name, mode=Mode.REBUILD, topic=ORDERS, spans=spans, output=output, ordered_at=AT, **wanted)


def by_key(messages: Sequence[Any]) -> ByKey:
    """Sort records or messages by key."""
    found: dict[bytes | None, list[Any]] = {}
    for each in messages:
        found.setdefault(each.key, []).append((each.value, tuple(each.headers)))
    return found
