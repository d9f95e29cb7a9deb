"""Events as people write them."""

import pytest

from consumers.cli.event_lines import SOURCE, EventLineError, parse_event, parse_events


def test_short_form_needs_no_more_than_a_type() -> None:
    event = parse_event(b'{"type": "order.requested"}', where="x")
    assert (event.type, event.source, event.payload) == ("order.requested", SOURCE, {})
    assert event.session_id == event.id


def test_structured_cloudevent_is_read_as_well() -> None:
    body = b'{"specversion": "1.0", "id": "1", "type": "t", "source": "/shop", "sessionid": "C-1", "data": {"a": 1}}'
    event = parse_event(body, where="x")
    assert (event.id, event.source, event.session_id, event.payload) == ("1", "/shop", "C-1", {"a": 1})


def test_subject_is_the_session_where_none_is_named() -> None:
    assert parse_event(b'{"type": "t", "subject": "SO-1"}', where="x").session_id == "SO-1"


def test_two_events_without_id_are_two_events() -> None:
    first, second = parse_events(['{"type": "t"}', "", '{"type": "t"}'], name="f")
    assert first.id != second.id


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{}", "type: Field required"),
        (b"[]", "no object"),
        (b'{"type": "t", "paylaod": {}}', "paylaod"),
        (b'{"type": "t", "type": "u"}', "twice"),
        (b'{"type": "t", "time": "2026-01-01T00:00:00"}', "time"),
        (b'{"type": "t", "payload": 3}', "payload"),
        (b'{"type": ""}', "type"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(body: bytes, said: str) -> None:
    with pytest.raises(EventLineError, match=r"^file:7: ") as raised:
        parse_event(body, where="file:7")
    assert said in str(raised.value)


def test_line_numbers_count_empty_lines() -> None:
    events = parse_events(["", '{"type": "t"}', "nonsense"], name="file")
    assert next(events).type == "t"
    with pytest.raises(EventLineError, match=r"^file:3: "):
        next(events)


def test_a_line_that_is_no_text_is_named() -> None:
    with pytest.raises(EventLineError, match=r"^file:1: is no text in UTF-8"):
        next(parse_events([b"\xff\n".decode(errors="surrogateescape")], name="file"))
