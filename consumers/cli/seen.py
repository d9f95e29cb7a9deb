"""A record as the command line sees it: decoded as far as that goes, never an error."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from consumers.app.config import Config
from schemas.approval import DECIDED_TYPE, REQUESTED_TYPE
from schemas.codec.outgoing import (
    OwnMessage,
    approval_decision_of,
    approval_request_of,
    outcome_of,
    step_of,
)
from schemas.codec.records import RecordCodec
from schemas.dead_letter import DeadLetter, dead_letter_of
from schemas.envelope import Envelope
from schemas.errors import SchemaError, UnreadableError
from schemas.outcome import OUTCOME_TYPE
from schemas.record import Record
from schemas.step import STEP_TYPE

_OWN: Final[Mapping[str, Callable[[Envelope], OwnMessage]]] = {
    OUTCOME_TYPE: outcome_of,
    STEP_TYPE: step_of,
    REQUESTED_TYPE: approval_request_of,
    DECIDED_TYPE: approval_decision_of,
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One record and what could be made of it.

    Attributes:
        record: as fetched.
        event: the decoded event; for a dead letter the original one; None where it cannot be decoded.
        message: the message of Pointsman's own that the event is, or None.
        letter: why it died, where it is a dead letter.
        problem: why there is no event, or None.
    """

    record: Record
    event: Envelope | None = None
    message: OwnMessage | None = None
    letter: DeadLetter | None = None
    problem: str | None = None


class Reader:
    """Makes sense of records with the routes of a configuration."""

    def __init__(self, codec: RecordCodec, config: Config) -> None:
        self._codec = codec
        self._routes = {route.topic: route for route in reversed(config.routes)}
        self._dead_letters = config.kafka.dead_letters_topic

    async def see(self, record: Record) -> Seen:
        """Decode a record; the registry may be asked for its schema."""
        letter = None
        if record.topic == self._dead_letters:
            try:
                letter = dead_letter_of(record)
            except UnreadableError as error:
                return Seen(record, problem=str(error))
        try:
            event = await self._decode(letter.record if letter else record)
            return Seen(record, event, _own(event), letter)
        except SchemaError as error:
            return Seen(record, letter=letter, problem=str(error))

    async def _decode(self, record: Record) -> Envelope:
        route = self._routes.get(record.topic)
        return await self._codec.decode(
            record,
            tenant=route.tenant if route else "",
            default_type=route.event if route else None,
            session_field=route.session_field if route else None,
        )


def _own(event: Envelope) -> OwnMessage | None:
    """Return the message of ours that an event is; others may use our types for something else."""
    read = _OWN.get(event.type)
    try:
        return read(event) if read else None
    except UnreadableError:
        return None
