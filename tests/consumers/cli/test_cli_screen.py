"""What commands print is safe for terminals and machines."""

from datetime import UTC, datetime

from consumers.cli.lines import document, line
from consumers.cli.screen import plain
from consumers.cli.seen import Seen
from schemas.envelope import Envelope
from schemas.record import Record


def test_control_characters_of_an_event_do_not_reach_the_terminal() -> None:
    assert plain("a\x1b[2Jb\x07\u202e") == "a·[2Jb··"


def test_markup_in_an_event_is_shown_as_it_is() -> None:
    record = Record("t", 0, 1, -1, None, b"")
    event = Envelope(
        "1",
        "t",
        "s",
        datetime(2026, 1, 1, tzinfo=UTC),
        "",
        "[red]C-1[/red]",
        {"note": "[bold]x[/bold]\x1b[31m"},
    )
    shown = line(Seen(record, event)).plain
    assert "[red]C-1[/red]" in shown
    assert "[bold]x[/bold]" in shown
    assert "\x1b" not in shown


def test_undecodable_record_is_a_line_too() -> None:
    shown = line(Seen(Record("t", 0, 1, 0, None, b""), problem="no JSON")).plain
    assert "t[0]@1" in shown
    assert "unreadable  no JSON" in shown


def test_a_record_whose_time_is_no_date_is_shown_without_one() -> None:
    in_microseconds = Seen(Record("t", 0, 1, 1_772_442_900_123_000, None, b""), problem="no JSON")
    assert line(in_microseconds).plain.startswith("--:--:--.---  t[0]@1")
    assert "timestamp" not in document(in_microseconds)
