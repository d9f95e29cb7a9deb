"""Who an event is by its headers alone: what decoding says, or nothing."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec.identity import identity_in_headers
from schemas.codec.records import RecordCodec
from schemas.errors import UnreadableError
from schemas.record import Headers, Record
from schemas.registry.folder import FolderRegistry

CODEC = RecordCodec(FolderRegistry())
WHOLE: Headers = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"e-1"),
    ("ce_source", b"/shop"),
    ("ce_type", b"order.requested"),
    ("ce_sessionid", b"s-1"),
)
NAMES = st.sampled_from(
    [
        "ce_specversion",
        "ce_id",
        "ce_source",
        "ce_sessionid",
        "ce_session",
        "CE_ID",
        "content-type",
        "id",
        "other",
    ]
)
VALUES = st.sampled_from(
    [b"1.0", b"0.3", b"e-2", b"", b"\xff", b"application/json", b"Application/CloudEvents+json", "é".encode()]
)


def record(headers: Headers, value: bytes = b'{"id": "in the payload", "order": "s-9"}') -> Record:
    at = int(datetime(2026, 11, 28, tzinfo=UTC).timestamp() * 1000)
    return Record("erp.orders", 3, 17, at, b"the key", value, headers)


def test_a_whole_event_says_who_it_is() -> None:
    who = identity_in_headers(record(WHOLE), "acme")
    assert who is not None
    assert (who.tenant, who.session_id) == ("acme", "s-1")
    assert who == identity_in_headers(record((*WHOLE, ("other", b"x")), value=b"another"), "acme")


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(WHOLE[:-1], id="the session may be the key, or in the payload"),
        pytest.param(WHOLE[1:], id="no version"),
        pytest.param((*WHOLE, ("ce_id", b"e-2")), id="two ids"),
        pytest.param((*WHOLE, ("CE_ID", b"e-2")), id="two ids, one in capitals"),
        pytest.param((*WHOLE, ("content-type", b"application/cloudevents+json")), id="structured"),
        pytest.param((), id="no headers"),
    ],
)
def test_what_headers_do_not_say_for_sure_is_left_to_decoding(headers: Headers) -> None:
    assert identity_in_headers(record(headers), "acme") is None


@given(
    st.lists(st.tuples(NAMES, VALUES), max_size=3),
    st.lists(st.integers(0, len(WHOLE) - 1), max_size=2),
    st.sampled_from([None, "order"]),
)
async def test_it_is_what_decoding_says(
    more: list[tuple[str, bytes]], without: list[int], session_field: str | None
) -> None:
    headers = (*(each for number, each in enumerate(WHOLE) if number not in without), *more)
    who = identity_in_headers(record(headers), "acme")
    if who is None:
        return
    try:
        event = await CODEC.decode(
            record(headers), tenant="acme", default_type="order.requested", session_field=session_field
        )
    except UnreadableError:
        return  # it was never worked, so nothing is found under that name
    assert (who.tenant, who.session_id, who.run_id) == (event.tenant, event.session_id, event.run_id)
