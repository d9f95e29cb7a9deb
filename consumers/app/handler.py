"""What the runtime calls for a record: decode, route, work, and sort errors by who must act."""

from consumers.errors import DeadLetterError, UnavailableError
from consumers.router.route import RouteTable
from consumers.run.engine import Engine
from consumers.telemetry.metrics import EVENTS, Metrics
from schemas.approval import DECIDED_TYPE, REQUESTED_TYPE, ApprovalRequest
from schemas.codec.outgoing import approval_decision_of
from schemas.codec.records import RecordCodec
from schemas.envelope import Envelope
from schemas.errors import RegistryError, UnknownSchemaError, UnreadableError
from schemas.outcome import Outcome
from schemas.record import Record

OWN_TENANT = "pointsman"
"""Tenant of our own messages; the tenant an approval is for is inside it, bound by its digest."""


class RecordHandler:
    """Works one record to its end."""

    def __init__(
        self,
        *,
        codec: RecordCodec,
        routes: RouteTable,
        engine: Engine,
        approvals_topic: str,
        metrics: Metrics,
    ) -> None:
        self._codec = codec
        self._routes = routes
        self._engine = engine
        self._approvals_topic = approvals_topic
        self._metrics = metrics

    async def __call__(self, record: Record) -> None:
        """Work a record; when it returns, its outcome or approval request is acknowledged by the broker.

        Raises:
            RetryError: it may work later.
            DeadLetterError: it never will.
            HaltError: we must not go on.
        """
        if record.topic == self._approvals_topic:
            await self._approval(record)
            return
        event = await self._decode(record)
        route = self._routes.find(record.topic, event.type)
        if route is None:
            raise DeadLetterError(f"no route for {event.type} on {record.topic}", reason="unrouted")
        self._count(await self._engine.work(event, route))

    async def _approval(self, record: Record) -> None:
        event = await self._decode(record)
        if event.type == REQUESTED_TYPE:
            return  # our own question, for people
        if event.type != DECIDED_TYPE:
            raise DeadLetterError(f"{event.type} does not belong on {record.topic}", reason="unrouted")
        try:
            decision = approval_decision_of(event)
        except UnreadableError as error:
            raise DeadLetterError(str(error), reason="unreadable") from error
        self._count(await self._engine.answer(decision))

    async def _decode(self, record: Record) -> Envelope:
        route = self._routes.of_topic(record.topic)
        try:
            return await self._codec.decode(
                record,
                tenant=route.tenant if route else OWN_TENANT,
                default_type=route.event if route else None,
                session_field=route.session_field if route else None,
            )
        except UnreadableError as error:
            raise DeadLetterError(str(error), reason="unreadable") from error
        except UnknownSchemaError as error:
            raise DeadLetterError(str(error), reason="unknown_schema") from error
        except RegistryError as error:
            raise UnavailableError(str(error)) from error

    def _count(self, end: Outcome | ApprovalRequest) -> None:
        status = str(end.status) if isinstance(end, Outcome) else "requires_approval"
        self._metrics.add(EVENTS, end.route, status)
