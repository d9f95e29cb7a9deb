"""Events as people write them: a JSON object on each line, short or as a structured CloudEvent. Pure."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from pydantic import AliasChoices, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from schemas.codec.json import read_object
from schemas.envelope import Envelope
from schemas.errors import UnreadableError

SOURCE: Final = "pointsman-cli"
"""CloudEvents source of events that name none."""


class EventLineError(ValueError):
    """A line that is no event; the message has its place and what is wrong."""


class EventLine(BaseModel):
    """One event to publish. Only `type` is required; the long names are those of CloudEvents."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str = Field(min_length=1)
    id: str = Field(default_factory=lambda: str(uuid4()), min_length=1)
    payload: dict[str, Any] = Field(default_factory=dict, validation_alias=AliasChoices("payload", "data"))
    session: str | None = Field(None, validation_alias=AliasChoices("session", "sessionid"))
    source: str = SOURCE
    subject: str | None = None
    time: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    traceparent: str | None = None
    specversion: str = "1.0"
    datacontenttype: str = "application/json"

    def envelope(self) -> Envelope:
        """Return the event; where no session is named, the subject or the event itself is one."""
        return Envelope(
            id=self.id,
            type=self.type,
            source=self.source,
            time=self.time,
            tenant="",  # never published: the topic says whose event it is
            session_id=self.session or self.subject or self.id,
            payload=self.payload,
            subject=self.subject,
            traceparent=self.traceparent,
        )


def parse_event(body: bytes, *, where: str) -> Envelope:
    """Read one event; `where` is for the message.

    Raises:
        EventLineError: it is no JSON object, or a field is missing, unknown or of the wrong kind.
    """
    try:
        return EventLine.model_validate(read_object(body)).envelope()
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise EventLineError(f"{where}: {wrong}") from None
    except UnreadableError as error:
        raise EventLineError(f"{where}: {error}") from None


def parse_events(lines: Iterable[str], *, name: str) -> Iterator[Envelope]:
    """Yield the event of each line that is not empty, as the lines come; raises like `parse_event`."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            where = f"{name}:{number}"
            try:
                body = line.encode()
            except UnicodeEncodeError:  # bytes that were no UTF-8
                raise EventLineError(f"{where}: is no text in UTF-8") from None
            yield parse_event(body, where=where)
