"""A record as the command line sees it: decoded as far as that goes, never an error."""

from dataclasses import dataclass

from consumers.app.config import Config
from schemas.codec.outgoing import OwnMessage, own_message_of
from schemas.codec.records import RecordCodec
from schemas.dead_letter import DeadLetter, dead_letter_of
from schemas.envelope import Envelope
from schemas.errors import NoEventError, SchemaError, UnreadableError
from schemas.record import Record
from schemas.redriven import redriven_of


@dataclass(frozen=True, slots=True)
class Seen:
    """One record and what could be made of it.

    Attributes:
        record: as fetched.
        event: the decoded event; for a dead letter or a redriven one the original; None where it cannot be decoded.
        message: the message of Pointsman's own that the event is, or None.
        letter: why it died, where it is a dead letter.
        problem: why there is no event, or None.
        empty: whether that is as is declared of the topic: nothing is wrong then.
    """

    record: Record
    event: Envelope | None = None
    message: OwnMessage | None = None
    letter: DeadLetter | None = None
    problem: str | None = None
    empty: bool = False


class Reader:
    """Makes sense of records with the routes of a configuration."""

    def __init__(self, codec: RecordCodec, config: Config) -> None:
        self._codec = codec
        self._routes = {route.topic: route for route in reversed(config.routes)}
        self._dead_letters = config.kafka.dead_letters_topic
        self._redrive = config.kafka.redrive_topic

    async def see(self, record: Record) -> Seen:
        """Decode a record; the registry may be asked for its schema."""
        letter = None
        if record.topic == self._dead_letters:
            try:
                letter = dead_letter_of(record)
            except UnreadableError as error:
                return Seen(record, problem=str(error))
        try:
            original = redriven_of(record).record if record.topic == self._redrive else record
            event = await self._decode(letter.record if letter else original)
            return Seen(record, event, _own(event), letter)
        except NoEventError as error:
            return Seen(record, letter=letter, problem=str(error), empty=True)
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
    try:
        return own_message_of(event)
    except UnreadableError:
        return None
