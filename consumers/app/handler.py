"""What the runtime calls for a record: decode, route, work, and sort errors by who must act."""

from collections.abc import Sequence

from consumers.adapters.own_messages import OWN_TENANT, OwnMessages
from consumers.app.personal_data import PersonalData
from consumers.errors import DeadLetterError, UnavailableError
from consumers.policy.approvers import Approvers
from consumers.ports.claim import Claim
from consumers.router.route import Route, RouteTable
from consumers.run.engine import Engine, Said
from consumers.telemetry.metrics import EVENTS, RECORDS_IGNORED, Metrics
from schemas.approval import DOUBT_TYPE, REQUESTED_TYPE, ApprovalDecision, ApprovalRequest
from schemas.cancellation import Cancellation
from schemas.codec.outgoing import own_message_of
from schemas.codec.records import RecordCodec
from schemas.envelope import Envelope
from schemas.errors import (
    ChangedSchemaError,
    NoEventError,
    RegistryError,
    SchemaError,
    UnknownSchemaError,
    UnreadableError,
)
from schemas.expiry import Expiry
from schemas.outcome import Status
from schemas.record import Outgoing, Record
from schemas.redriven import redriven_of


class RecordHandler:
    """Works one record to its end."""

    def __init__(
        self,
        *,
        codec: RecordCodec,
        routes: RouteTable,
        engine: Engine,
        messages: OwnMessages,
        approvers: Approvers,
        metrics: Metrics,
        personal: PersonalData,
    ) -> None:
        self._codec = codec
        self._routes = routes
        self._engine = engine
        self._messages = messages
        self._approvers = approvers
        self._metrics = metrics
        self._personal = personal

    async def __call__(self, record: Record, claim: Claim) -> Sequence[Outgoing]:
        """Work a record and return what is to be published for it: its outcome, or a request to a person.

        Raises:
            RetryError: it may work later.
            DeadLetterError: it never will.
            HaltError: we must not go on.
        """
        if record.topic == self._messages.topics.redrive:
            record = self._original(record)
        if record.topic == self._messages.topics.approvals:
            return await self._approval(record, claim)
        try:
            event = await self.decode(record)
        except NoEventError:
            self._metrics.add(RECORDS_IGNORED, record.topic)
            return ()
        route = self._routes.find(record.topic, event.type)
        if route is None:
            raise DeadLetterError(f"no route for {event.type} on {record.topic}", reason="unrouted")
        _, published = await self.work(event, route, claim)
        return published

    async def work(
        self, event: Envelope, route: Route, claim: Claim
    ) -> tuple[Said | None, Sequence[Outgoing]]:
        """Work an event of a route; return what its run has to say, and what is to be published of it.

        Raises:
            RetryError, DeadLetterError, HaltError: as for a record.
        """
        with self._personal.of_event(event, route):
            said = await self._engine.work(event, route, claim)
            return said, self._published(said)

    def _original(self, record: Record) -> Record:
        """Return what a redriven record was where it died; what it says of that opens no way that is not there anyhow."""
        try:
            original = redriven_of(record).record
        except UnreadableError as error:
            raise DeadLetterError(str(error), reason="redrive_malformed") from error
        if original.topic not in self._routes.topics | {self._messages.topics.approvals}:
            why = f"{original.topic} is no input of this configuration"
            raise DeadLetterError(why, reason="redrive_foreign")
        return original

    async def _approval(self, record: Record, claim: Claim) -> Sequence[Outgoing]:
        event = await self.decode(record)
        if event.type in {REQUESTED_TYPE, DOUBT_TYPE}:
            return ()  # our own question, for people
        try:
            said = own_message_of(event)
        except UnreadableError as error:
            raise DeadLetterError(str(error), reason="unreadable") from error
        match said:
            case ApprovalDecision():
                # Here, at the edge: what goes further in believes who it was.
                by = self._approvers.who(said)
                with self._personal.of_decision(said, by) as answer:
                    return self._published(await self._engine.answer(answer, by, claim))
            case Cancellation():
                with self._personal.of_cancellation(said):
                    return self._published(await self._engine.cancel(said, claim))
            case Expiry():
                with self._personal.of_expiry(said):
                    return self._published(await self._engine.expire(said, claim))
            case _:
                raise DeadLetterError(f"{event.type} does not belong on {record.topic}", reason="unrouted")

    async def decode(self, record: Record) -> Envelope:
        """Return the event that a record of an input topic is.

        Raises:
            NoEventError: it carries none, as is declared of its topic.
            DeadLetterError: it can never be read.
            UnavailableError: the registry of schemas is away.
        """
        route = self._routes.of_topic(record.topic)
        try:
            return await self._codec.decode(
                record,
                tenant=route.tenant if route else OWN_TENANT,
                default_type=route.event if route else None,
                session_field=route.session_field if route else None,
            )
        except NoEventError:
            raise
        except UnreadableError as error:
            raise DeadLetterError(str(error), reason="unreadable") from error
        except UnknownSchemaError as error:
            raise DeadLetterError(str(error), reason="unknown_schema") from error
        except ChangedSchemaError as error:
            raise DeadLetterError(str(error), reason="schema_changed") from error
        except RegistryError as error:
            raise UnavailableError(str(error)) from error
        except SchemaError as error:  # the registry refuses us, or this schema
            raise DeadLetterError(str(error), reason="unknown_schema") from error

    def _published(self, end: Said | None) -> Sequence[Outgoing]:
        if end is None:
            return ()
        end = self._personal.published(end)
        if isinstance(end, ApprovalRequest):
            status = Status.IN_DOUBT if end.kind == "doubt" else Status.REQUIRES_APPROVAL
            self._metrics.add(EVENTS, end.route, str(status))
            return [self._messages.approval_request(end)]
        self._metrics.add(EVENTS, end.route, str(end.status))
        return [self._messages.outcome(end, self._routes.named(end.route).output)]
