"""A plan: which part of a selection is looked at, and what is expected of what was found."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.replay.history import Expected, History, by_connector
from consumers.replay.mode import Mode
from consumers.replay.plan import Plan, RoutePlan, Standing, is_meant, windows
from schemas.outcome import ActionRecord, Outcome, Status

AT = datetime(2026, 11, 28, tzinfo=UTC)

spans = st.dictionaries(
    st.integers(0, 5),
    st.tuples(st.integers(0, 1_000), st.integers(0, 1_000)).map(lambda pair: (pair[0], sum(pair))),
    min_size=1,
    max_size=4,
)


def outcome(*actions: tuple[str, str, str], turns: int = 3, usd: float = 0.01) -> Outcome:
    done = tuple(ActionRecord(name, effect, status, {}, None, None) for name, effect, status in actions)
    status = Status.SUCCESS
    who = ("o", "r", "e", "order.requested", "erp", "acme", "s", "orders")
    return Outcome(*who, status, "", done, turns, 100, 10, usd, AT, AT)


@given(spans=spans, most=st.integers(0, 3_000))
def test_windows_are_apart_inside_the_spans_and_about_as_many_as_asked(
    spans: dict[int, tuple[int, int]], most: int
) -> None:
    looked_at: dict[int, list[int]] = {}
    for part in windows(spans, most):
        for partition, (first, end) in part.items():
            looked_at.setdefault(partition, []).extend(range(first, end))
    for partition, offsets in looked_at.items():
        assert len(set(offsets)) == len(offsets)
        assert set(offsets) <= set(range(*spans[partition]))
    total = sum(end - first for first, end in spans.values())
    found = sum(map(len, looked_at.values()))
    if most in range(1, total):
        assert min(most, total) - 20 * len(spans) <= found <= most + 20 * len(spans)
    else:
        assert found == total


def test_of_a_long_partition_all_parts_are_looked_at() -> None:
    firsts = [first for part in windows({0: (0, 1_000_000)}, 10_000) for first, _ in part.values()]
    assert firsts[0] == 0
    assert firsts[-1] == 950_000


def test_more_runs_use_as_much_as_those_before_did() -> None:
    history = History()
    history.take(outcome(("crm.find", "read", "done"), ("erp.create_order", "write", "done")))
    history.take(outcome(("erp.create_order", "write", "failed"), turns=5, usd=0.03))
    history.take(
        outcome(("erp.create_order", "write", "compensated"), ("mail.send", "write", "denied"), turns=1)
    )
    expected = history.expected(30)
    assert expected.model_calls == 90
    assert expected.usd == pytest.approx(0.5)  # pyright: ignore[reportUnknownMemberType]
    assert expected.effects == {"erp.create_order": 20}
    assert expected.of_runs == 3


def test_without_history_nothing_is_claimed() -> None:
    assert History().expected(1_000) == Expected()


def test_effects_are_added_up_by_connector() -> None:
    effects = {"erp.create_order": 2.0, "erp.cancel_order": 1.5, "crm.note": 1.0}
    assert by_connector(effects) == {"crm": 1.0, "erp": 3.5}


def test_a_plan_rests_on_the_route_of_which_least_is_known() -> None:
    known = RoutePlan(10, Expected(30, 0.5, {"erp.create_order": 10}, of_runs=7))
    unknown = RoutePlan(5, Expected())
    plan = Plan(1_000, 100, {"new": 15}, {"orders": known, "returns": unknown})
    assert plan.events == 15
    assert plan.expected == Expected(30, 0.5, {"erp.create_order": 10}, of_runs=0)


@pytest.mark.parametrize(
    ("mode", "standings"),
    [
        (Mode.REBUILD, {Standing.ENDED}),
        (Mode.SHADOW, {Standing.ENDED}),
        (Mode.RESUME, {Standing.NEW, Standing.BEGUN, Standing.FAILED}),
        (Mode.BACKFILL, {Standing.NEW}),
    ],
)
def test_each_mode_means_other_events(mode: Mode, standings: set[Standing]) -> None:
    assert {each for each in Standing if is_meant(mode, each)} == standings
