from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from connectors.errors import BusyError, FailedError, InDoubtError, UnusableResultError
from connectors.http_answer import read_answer, retry_after_s

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
NONE: Mapping[str, str] = {}


def test_a_success_is_its_body_and_an_empty_one_is_none() -> None:
    assert read_answer(200, NONE, b'{"a":1}') == {"a": 1}
    assert read_answer(201, NONE, b"[]") == []
    assert read_answer(204, NONE, b"") is None


@pytest.mark.parametrize("status", [500, 501, 502, 504, 599])
def test_a_server_error_leaves_the_effect_in_doubt(status: int) -> None:
    with pytest.raises(InDoubtError, match=str(status)):
        read_answer(status, NONE, b'{"detail":"whatever"}')


def test_a_success_that_is_no_json_leaves_the_effect_in_doubt() -> None:
    with pytest.raises(InDoubtError, match="no JSON"):
        read_answer(200, NONE, b"<html>")


@pytest.mark.parametrize("status", [429, 503])
def test_busy_systems_say_how_long_to_wait(status: int) -> None:
    with pytest.raises(BusyError) as raised:
        read_answer(status, {"Retry-After": "7"}, b"")

    assert raised.value.retry_after_s == 7.0


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        (None, None),
        ("0", 0.0),
        ("120", 120.0),
        (" 5 ", 5.0),
        ("Wed, 01 May 2024 12:01:30 GMT", 90.0),
        ("Wed, 01 May 2024 11:00:00 GMT", 0.0),
        ("Wed, 01 May 2024 12:01:30 -0000", 90.0),
        ("soon", None),
        ("-5", None),
        ("nan", None),
        ("1e9", None),
        ("", None),
        ("9" * 30, None),
        ("Wed, 99 May 2024 12:01:30 GMT", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str | None, wait_s: float | None) -> None:
    assert retry_after_s(header, now=NOON) == wait_s


@pytest.mark.parametrize(
    ("status", "body", "code", "message"),
    [
        (409, b'{"code":"out_of_stock","detail":"None left."}', "out_of_stock", "None left."),
        (422, b'{"title":"Bad quantity"}', "http_422", "Bad quantity"),
        (404, b"<html>", "http_404", "HTTP 404"),
        (400, b"[1]", "http_400", "HTTP 400"),
        (400, b'{"code":"Not A Code!","detail":7}', "http_400", "HTTP 400"),
        (302, b"", "http_302", "HTTP 302"),
    ],
)
def test_a_refusal_carries_the_codes_and_words_of_its_problem_document(
    status: int, body: bytes, code: str, message: str
) -> None:
    with pytest.raises(FailedError) as raised:
        read_answer(status, NONE, body)

    assert (raised.value.code, str(raised.value)) == (code, message)


def test_a_long_refusal_is_cut_before_it_reaches_the_model() -> None:
    with pytest.raises(FailedError) as raised:
        read_answer(400, NONE, b'{"detail":"' + b"x" * 10_000 + b'"}')

    assert len(str(raised.value)) == 500


JSON = {"Content-Type": "application/json; charset=utf-8"}


@pytest.mark.parametrize(
    "body",
    [
        b'{"order_id": "O-1"',
        b'{"price": NaN}',
        b'{"rate": 1e400}',
        b'{"id": 18446744073709551616}',
        b'{"id": -9223372036854775809}',
        b'"\\ud800"',
        b"[" * 2000 + b"]" * 2000,
        b"\xff",
    ],
    ids=["cut", "nan", "infinite", "huge", "huge negative", "surrogate", "deep", "bytes"],
)
@pytest.mark.parametrize("changes", [True, False])
def test_an_answer_that_says_it_is_json_and_cannot_be_used_is_known_to_be_executed(
    body: bytes, changes: bool
) -> None:
    with pytest.raises(UnusableResultError) as raised:
        read_answer(201, JSON, body, changes=changes)
    assert raised.value.executed is changes
    assert raised.value.code == "result_unreadable"


@pytest.mark.parametrize(
    "body", [b"18446744073709551615", b"-9223372036854775808", b'"123456789012345678901234"']
)
def test_long_digits_that_are_whole_pass(body: bytes) -> None:
    assert str(read_answer(200, JSON, body)) == body.decode().strip('"')


def test_a_page_of_a_proxy_leaves_the_effect_in_doubt() -> None:
    with pytest.raises(InDoubtError) as raised:
        read_answer(200, {"Content-Type": "text/html"}, b"<html>Sign in</html>", changes=True)
    assert not isinstance(raised.value, UnusableResultError)


def test_a_date_to_wait_for_is_reckoned_by_the_servers_own_clock() -> None:
    headers = {"Date": "Wed, 01 May 2024 12:00:00 GMT", "Retry-After": "Wed, 01 May 2024 12:01:30 GMT"}
    with pytest.raises(BusyError) as raised:
        read_answer(503, headers, b"")
    assert raised.value.retry_after_s == 90.0
