"""Records as coloured one-liners and as JSON. Pure functions."""

from datetime import UTC, datetime
from typing import Any, Final

import orjson
from rich.text import Text

from consumers.cli.screen import plain, styled
from consumers.cli.seen import Seen
from consumers.cli.session_timeline import says
from schemas.approval import ApprovalDecision, ApprovalRequest
from schemas.cancellation import Cancellation
from schemas.codec.outgoing import OwnMessage
from schemas.codec.values import iso
from schemas.difference import Difference, DifferenceVerdict
from schemas.expiry import Expiry
from schemas.outcome import Outcome, Status
from schemas.record import Record
from schemas.step import Step

STATUS_STYLES: Final = {
    Status.SUCCESS: "green",
    Status.REFUSED: "yellow",
    Status.COMPENSATED: "yellow",
    Status.REQUIRES_APPROVAL: "magenta",
}
"""Colours of statuses; all others are red."""
_CALENDAR_MS: Final = 253_402_214_400_000
"""The last day of the year 9999 begins; later times have no text, in some time zones."""


def status_style(status: str) -> str:
    """Return the colour of a run's status."""
    return STATUS_STYLES.get(Status(status), "red")


def line(seen: Seen) -> Text:
    """Return a record as one line: when, where, what, whose, and what it says."""
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{clock_time(seen.record)}  ", "dim")
    text.append(f"{plain(seen.record.place)}  ", "dim cyan")
    if seen.letter:
        text.append(f"{plain(seen.letter.reason)}  ", "bold red")
        text.append(f"{plain(seen.letter.record.place)}  {plain(seen.letter.error)}")
    elif seen.empty:
        text.append(f"no event  {plain(seen.problem)}", "dim")
    elif seen.event is None:
        text.append(f"unreadable  {plain(seen.problem)}", "red")
    else:
        text.append(f"{plain(seen.event.type)}  ", "bold")
        text.append(f"{plain(seen.event.session_id)}  ", "blue")
        text.append_text(_said(seen.message) if seen.message else styled(_json(seen.event.payload)))
    return text


def document(seen: Seen) -> dict[str, Any]:
    """Return a record as one JSON object; fields that say nothing are left out."""
    record, event, letter = seen.record, seen.event, seen.letter
    said: dict[str, Any] = {**_place(record), "timestamp": _timestamp(record), "key": _key(record)}
    if letter:
        said["dead_letter"] = {
            "reason": letter.reason,
            "error": letter.error,
            "attempts": letter.attempts,
            "rounds": letter.rounds,
            "at": iso(letter.at),
            "original": _place(letter.record),
        }
    if event:
        said |= {
            "id": event.id,
            "type": event.type,
            "source": event.source,
            "time": iso(event.time),
            "session": event.session_id,
            "subject": event.subject,
            "schema": event.schema,
            "payload": dict(event.payload),
        }
    if seen.problem:
        said["no_event" if seen.empty else "problem"] = seen.problem
    return {name: value for name, value in said.items() if value is not None}


def clock_time(record: Record) -> str:
    """Return the record's time of day on this machine's clock, to the millisecond."""
    at = _at(record)
    return "--:--:--.---" if at is None else at.astimezone().strftime("%H:%M:%S.%f")[:-3]


def _said(message: OwnMessage) -> Text:
    match message:
        case Outcome():
            return _outcome(message)
        case Step():
            return _step(message)
        case ApprovalRequest():
            asked = f"{message.action} {_json(message.arguments)}  {message.reason or message.rule}"
            return Text.assemble(
                ("held  " if message.kind == "approval" else "in doubt  ", "magenta"), plain(asked)
            )
        case ApprovalDecision():
            style = "red" if message.answer in {"reject", "compensate"} else "green"
            by = f"by {message.approver}  {message.comment}".rstrip()
            edited = f"  {_json(message.arguments)}" if message.arguments else ""
            signed = "" if message.signature else "  not signed"
            said = f"{by}{edited}  {message.request_id}{signed}"
            return Text.assemble((f"{message.answer}  ", style), plain(said))
        case Cancellation():
            why = f"by {message.operator}  {message.reason}".rstrip()
            return Text.assemble(("cancel  ", "red"), plain(f"{why}  {message.run_id}"))
        case Expiry():
            return Text.assemble(("expired  ", "red"), plain(f"{message.run_id}/{message.place}"))
        case Difference():
            return _difference(message)


def _difference(difference: Difference) -> Text:
    style = "green" if difference.verdict is DifferenceVerdict.SAME else "yellow"
    said = "; ".join(f"{each.kind}: {each.words}" for each in difference.differences)
    why = difference.reason or said
    return Text.assemble((f"{difference.verdict}  ", style), plain(f"{why}  {difference.run_id}".lstrip()))


def _outcome(outcome: Outcome) -> Text:
    took = (outcome.finished_at - outcome.started_at).total_seconds()
    writes = [a.action for a in outcome.actions if a.effect == "write"]
    figures = f"{outcome.turns} turns {took:.1f} s ${outcome.cost_usd:.4f}  "
    return Text.assemble(
        (f"{outcome.status}  ", status_style(outcome.status)),
        (figures, "dim"),
        plain(f"{', '.join(writes)}  " if writes else ""),
        plain(outcome.summary),
    )


def _step(step: Step) -> Text:
    failed = step.body.get("status", "done") not in {"done", "success"}
    return Text.assemble(
        (f"{step.place}  ", "dim"),
        (f"{step.kind}  ", "red" if failed else "cyan"),
        plain(f"{step.action}  " if step.action else ""),
        plain(_step_says(step)),
    )


def _step_says(step: Step) -> str:
    try:
        return says(step.place, step.body)
    except (KeyError, TypeError, ValueError):
        return _json(step.body)  # not written by this version


def _place(record: Record) -> dict[str, Any]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}


def _key(record: Record) -> str | None:
    """Return a key as text; of one that is no UTF-8, such as Avro, the other bytes are escaped."""
    return None if record.key is None else record.key.decode(errors="backslashreplace")


def _timestamp(record: Record) -> str | None:
    at = _at(record)
    return None if at is None else iso(at)


def _at(record: Record) -> datetime | None:
    """Return a record's timestamp; None where there is none, or one that no calendar has: producers set what they like."""
    known = 0 <= record.timestamp_ms < _CALENDAR_MS
    return datetime.fromtimestamp(record.timestamp_ms / 1000, UTC) if known else None


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()
