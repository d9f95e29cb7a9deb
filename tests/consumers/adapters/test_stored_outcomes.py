"""What a journal has of an outcome becomes the very record that was published, and what is not sound is no outcome."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.adapters.own_messages import OwnMessages, OwnTopics
from consumers.run import ending
from consumers.session.shapes import checked, problem_by_shape
from consumers.session.sound_outcome import is_sound
from schemas.canonical import canonical_json
from schemas.codec.records import RecordCodec
from schemas.errors import SchemaError
from schemas.outcome import ActionRecord, Outcome, Status
from schemas.registry.folder import FolderRegistry

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["ä" * 40, "x" * 5000]
)
MAYBE = st.none() | TEXT
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=3))])
TIME = st.datetimes(datetime(1960, 1, 2), datetime(2200, 1, 1), timezones=ZONES)  # noqa: DTZ001 - the zone is beside it
COUNT = st.integers(-3, 2**31 - 1) | st.integers(0, 5_000)
STATUSES = sorted(status for status in Status if status.terminal)
ACTION_STATUSES = ["done", "failed", "denied", "skipped", "compensated", "compensation_failed", "in_doubt"]
ACTION = st.builds(
    ActionRecord,
    action=TEXT,
    effect=st.sampled_from(["read", "write"]),
    status=st.sampled_from(ACTION_STATUSES),
    arguments=st.dictionaries(TEXT, JSON, max_size=3),
    result=JSON,
    error=MAYBE,
)
OUTCOME = st.builds(
    Outcome,
    id=TEXT, run_id=TEXT, event_id=TEXT, event_type=TEXT, event_source=TEXT, tenant=TEXT, session_id=TEXT,
    route=TEXT, status=st.sampled_from(STATUSES), summary=TEXT, actions=st.lists(ACTION, max_size=3).map(tuple),
    turns=COUNT, input_tokens=COUNT, output_tokens=COUNT, cost_usd=st.floats(0, 1e6), started_at=TIME,
    finished_at=TIME, model=MAYBE, prompt=MAYBE,
)  # fmt: skip
AT = datetime(2026, 3, 2, 9, 15, 0, 999_999, tzinfo=UTC)
ONE = Outcome(
    "o-1", "r-1", "e-1", "order.requested", "/shop", "acme", "C-1", "orders", Status.SUCCESS, "Done.",
    (ActionRecord("erp.find", "read", "done", {"id": 7}, {"found": True}, None),), 1, 10, 2, 0.01, AT, AT,
)  # fmt: skip


def stored(outcome: Outcome) -> dict[str, Any]:
    """Return what a journal gives back."""
    return orjson.loads(canonical_json(ending.body_of(outcome)))


ANYTHING = JSON | st.sampled_from(["success", "no status", AT.isoformat(), "2026-03-02T09:15:00", 1, 1.0])


@pytest.fixture(scope="module")
def messages() -> OwnMessages:
    codec = RecordCodec(FolderRegistry())
    asyncio.run(codec.ready())
    return OwnMessages(codec, OwnTopics("steps", "approvals", "dead-letters", "parked", "redrive"))


@given(outcome=OUTCOME)
def test_a_stored_outcome_gives_the_bytes_that_were_published(
    messages: OwnMessages, outcome: Outcome
) -> None:
    again = messages.stored_outcome(checked({"outcome": stored(outcome)})["outcome"], "outcomes")
    assert again == messages.outcome(outcome, "outcomes")


@given(outcome=OUTCOME)
def test_every_outcome_that_we_wrote_is_sound_at_once(outcome: Outcome) -> None:
    assert is_sound(stored(outcome))


def test_what_is_usual_does_not_take_the_long_way(messages: OwnMessages) -> None:
    assert messages.codec.encode_stored(stored(ONE)) == messages.codec.encode(ONE)


@pytest.mark.parametrize(
    "wrong", [{"status": "in_progress"}, {"actions": [{**stored(ONE)["actions"][0], "effect": "?"}]}]
)
def test_what_the_schema_cannot_say_is_refused_as_ever(
    messages: OwnMessages, wrong: Mapping[str, Any]
) -> None:
    with pytest.raises(SchemaError):
        messages.stored_outcome({**stored(ONE), **wrong}, "outcomes")


@given(outcome=OUTCOME, data=st.data())
def test_what_is_sound_at_once_is_sound_by_its_shape(outcome: Outcome, data: st.DataObject) -> None:
    body = stored(outcome)
    hurt = data.draw(st.sampled_from([body, *body["actions"]]))
    for _ in range(data.draw(st.integers(1, 2))):
        name = data.draw(st.sampled_from([*hurt, "new"]))
        if data.draw(st.booleans()):
            hurt[name] = data.draw(ANYTHING)
        else:
            hurt.pop(name, None)
    if is_sound(body):
        ending.of_body(body)
        assert problem_by_shape("outcome", body) is None


@pytest.mark.parametrize("name", [*stored(ONE)])
@pytest.mark.parametrize("value", [None, 1, True, 1.5, "", "2026-03-02T09:15:00", [1], {}, ["x"]])
def test_one_wrong_value_is_never_sound(name: str, value: Any) -> None:
    body = {**stored(ONE), name: value}
    assert is_sound(body) <= (problem_by_shape("outcome", body) is None)
