"""Which dead letters go back, in which order, and what the audit trail says of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.cli.redriving import Bounds, Standing, in_key_order, of_letter, places, planned, step_of
from consumers.cli.seen import Seen
from schemas.dead_letter import DeadLetter, dead_letter_headers, dead_letter_of, without_value
from schemas.envelope import Envelope
from schemas.record import Outgoing, Record
from schemas.step import StepKind

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BOUNDS = Bounds(frozenset({"orders"}), frozenset(), rounds=3)
EVENT = Envelope("e-1", "order.requested", "/erp", AT, "default", "C-1", {})


def dead(
    offset: int,
    *,
    topic: str = "orders",
    partition: int = 0,
    at: int = 7,
    key: str | None = "k",
    rounds: int = 0,
) -> Seen:
    record = Record("dead", 0, offset, 0, b"k", b"v")
    original = Record(topic, partition, at, 0, key.encode() if key is not None else None, b"v")
    return Seen(record, letter=DeadLetter(original, "unrouted", "no route", 1, AT, rounds))


def test_letters_go_that_may_and_the_others_say_why_not() -> None:
    was = dead(1, at=1)
    bounds = replace(BOUNDS, known=frozenset({of_letter(was)}))
    plans = planned(
        [was, dead(2, at=2), dead(3, at=3, rounds=3), dead(4, topic="payroll", at=9)], bounds, "ann"
    )
    assert [plan.standing for plan in plans] == [
        Standing.ALREADY,
        Standing.GOES,
        Standing.SPENT,
        Standing.REFUSED,
    ]
    assert places(plans, Standing.GOES) == ["orders[0]@2"]
    assert "--again" in plans[0].why
    assert "--rounds 4" in plans[2].why
    assert "payroll" in plans[3].why


def test_again_redrives_what_was_redriven_but_never_beyond_the_rounds() -> None:
    was, spent = dead(1, at=1), dead(2, at=2, rounds=3)
    bounds = replace(BOUNDS, known=frozenset({of_letter(was), of_letter(spent)}), again=True)
    assert [plan.standing for plan in planned([was, spent], bounds, "ann")] == [Standing.GOES, Standing.SPENT]


def test_letter_that_died_again_since_it_was_redriven_may_go_once_more() -> None:
    first, second = dead(1), dead(5, rounds=1)
    bounds = replace(BOUNDS, known=frozenset({of_letter(first)}))
    assert [plan.standing for plan in planned([second], bounds, "ann")] == [Standing.GOES]


def test_letter_without_its_value_is_refused() -> None:
    whole = dead(1)
    assert whole.letter is not None
    cut = without_value(Outgoing("dead", b"k", b"v" * 9, dead_letter_headers(whole.letter)))
    record = Record("dead", 0, 1, 0, cut.key, cut.value, cut.headers)
    (plan,) = planned([Seen(record, letter=dead_letter_of(record))], BOUNDS, "ann")
    assert plan.standing is Standing.REFUSED
    assert "without its value" in plan.why


def test_one_that_died_again_goes_before_younger_ones_of_its_key() -> None:
    younger, other, older = dead(1, at=8), dead(2, at=1, key="other"), dead(3, at=4, rounds=1)
    assert in_key_order([younger, other, older]) == [older, other, younger]


@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from([None, "a", "b", "c"]), st.integers(0, 50)), max_size=30
    )
)
def test_each_key_goes_in_the_order_in_which_it_was_published_and_none_is_lost(
    originals: list[tuple[int, str | None, int]],
) -> None:
    letters = [dead(n, partition=p, key=k, at=at) for n, (p, k, at) in enumerate(originals)]
    ordered = in_key_order(letters)
    assert sorted(map(id, ordered)) == sorted(map(id, letters))
    lanes: dict[tuple[int, bytes], list[int]] = {}
    for seen in ordered:
        assert seen.letter is not None
        record = seen.letter.record
        if record.key is not None:
            lanes.setdefault((record.partition, record.key), []).append(record.offset)
    assert all(offsets == sorted(offsets) for offsets in lanes.values())


def test_audit_trail_says_who_redrove_what() -> None:
    (plan,) = planned([replace(dead(7, rounds=1), event=EVENT)], BOUNDS, "ann")
    step = step_of(plan, {"orders"}, AT)
    assert step is not None
    assert (step.kind, step.run_id, step.session_id) == (StepKind.REPLAY, EVENT.run_id, "C-1")
    assert step.body == {
        "operator": "ann",
        "letter": "0:7",
        "from": "orders[0]@7",
        "round": 2,
        "at": AT.isoformat(),
    }
    again = step_of(plan, {"orders"}, AT + timedelta(seconds=1))
    assert again is not None
    assert again.id != step.id


@pytest.mark.parametrize("event", [None, EVENT])
def test_what_is_no_event_of_a_route_has_no_run_that_the_audit_trail_could_speak_of(
    event: Envelope | None,
) -> None:
    (plan,) = planned([replace(dead(7), event=event)], BOUNDS, "ann")
    assert step_of(plan, {"cases"} if event else {"orders"}, AT) is None
