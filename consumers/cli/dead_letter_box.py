"""Dead letters: choosing some of them. Pure."""

from dataclasses import dataclass
from datetime import datetime

from consumers.cli.seen import Seen
from consumers.policy.expressions import Expression, ExpressionError, compiled, facts_for, value_of
from consumers.run.record import envelope_facts
from schemas.record import Record
from schemas.redriven import Place


@dataclass(frozen=True, slots=True)
class Choice:
    """Which dead letters are meant; a letter must fit everything that is given.

    Attributes:
        reason: why it died, such as `unreadable`; None is any.
        topic: the topic it came from; None is any.
        places: where it lies on the dead-letter topic; empty is anywhere.
        since: those that died then or later.
        until: those that died before then.
        key: the record's key as `show` prints it.
        type: the event's type, where it can be decoded.
        session: the event's session, where it can be decoded.
        where: an expression that is true of it; one that has no value on a letter does not fit it.
    """

    reason: str | None = None
    topic: str | None = None
    places: frozenset[Place] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    key: str | None = None
    type: str | None = None
    session: str | None = None
    where: Expression | None = None

    @property
    def is_everything(self) -> bool:
        """Whether nothing was chosen at all."""
        return self == Choice()

    def fits(self, seen: Seen) -> bool:
        """Return whether a record is a dead letter that is meant."""
        letter, event = seen.letter, seen.event
        if letter is None:
            return False
        pairs = (
            (self.reason, letter.reason),
            (self.topic, letter.record.topic),
            (self.key, shown_value(letter.record.key)),
            (self.type, event and event.type),
            (self.session, event and event.session_id),
        )
        if any(wanted is not None and wanted != there for wanted, there in pairs):
            return False
        if (self.since and letter.at < self.since) or (self.until and letter.at >= self.until):
            return False
        if self.places and (seen.record.partition, seen.record.offset) not in self.places:
            return False
        return self.where is None or _holds(self.where, seen)


def parse_where(source: str) -> Expression:
    """Read an expression over `event`, as rules have it, and `letter`.

    Raises:
        ExpressionError: it does not parse, or uses another name.
    """
    return compiled(source, frozenset({"event", "letter"}))


def parse_place(text: str) -> Place:
    """Read `PARTITION:OFFSET`, as `list` shows it.

    Raises:
        ValueError: it is something else.
    """
    partition, _, offset = text.partition(":")
    if not (partition.isdecimal() and offset.isdecimal()):
        raise ValueError(f"{text!r}: write PARTITION:OFFSET, such as 0:42, as `dead-letters list` shows it")
    return int(partition), int(offset)


def place_of(record: Record) -> str:
    """Return what `parse_place` reads."""
    return f"{record.partition}:{record.offset}"


def shown_value(value: bytes | None) -> str:
    """Return a record's value or key as text, or as hex where it is none."""
    if value is None:
        return ""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return f"hex {value.hex()}"
    return text if text.isprintable() or text.strip() else f"hex {value.hex()}"


def _holds(where: Expression, seen: Seen) -> bool:
    letter = seen.letter
    assert letter is not None
    facts = {
        "letter": {
            "reason": letter.reason,
            "error": letter.error,
            "attempts": letter.attempts,
            "rounds": letter.rounds,
            "at": letter.at,
            "topic": letter.record.topic,
            "partition": letter.record.partition,
            "offset": letter.record.offset,
            "key": shown_value(letter.record.key),
        }
    }
    if seen.event:
        facts["event"] = envelope_facts(seen.event)
    try:
        return value_of(where, facts_for([where], facts)) is True
    except ExpressionError:
        return False
