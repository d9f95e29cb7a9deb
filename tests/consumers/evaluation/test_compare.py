"""Effects compared: each kind of difference by an example, and what holds for all of them."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.evaluation.case import Effect
from consumers.evaluation.compare import PENALTIES, Comparison, Kind, compare

ORDER = Effect("erp.create_order", {"product_id": "P-1", "quantity": 2})
SHIP = Effect("erp.schedule_shipment", {"order_id": "O-1"})
NOTE = Effect("crm.add_case_note", {"text": "hello"})

effects = st.lists(
    st.builds(
        Effect,
        st.sampled_from(["erp.a", "erp.b", "erp.c"]),
        st.dictionaries(st.sampled_from(["x", "y"]), st.integers(0, 2), max_size=2),
        st.sampled_from(["done", "held", "undone"]),
    ),
    max_size=5,
)


def compared(
    expected: Sequence[Effect],
    found: Sequence[Effect],
    status: tuple[str | None, str] = ("success", "success"),
) -> Comparison:
    return compare(expected, found, status=status, weight=lambda name: 2.0 if name.startswith("crm") else 1.0)


def kinds(comparison: Comparison) -> Counter[Kind]:
    return Counter(each.kind for each in comparison.differences)


@pytest.mark.parametrize(
    ("expected", "found", "kind", "words"),
    [
        ([ORDER, SHIP], [ORDER], Kind.MISSED, 'erp.schedule_shipment("order_id":"O-1")'),
        ([ORDER], [ORDER, SHIP], Kind.EXTRA, 'erp.schedule_shipment("order_id":"O-1")'),
        (
            [ORDER, SHIP],
            [SHIP, ORDER],
            Kind.OTHER_ORDER,
            "in the order erp.schedule_shipment, erp.create_order",
        ),
        (
            [ORDER],
            [Effect("erp.create_order", {"product_id": "P-1", "quantity": 3, "note": None})],
            Kind.OTHER_ARGUMENTS,
            "erp.create_order: quantity 3, not 2, note null, not missing",
        ),
        (
            [ORDER],
            [Effect("erp.create_backorder", {})],
            Kind.OTHER_ACTION,
            'erp.create_backorder() instead of erp.create_order("product_id":"P-1","quantity":2)',
        ),
        (
            [ORDER],
            [Effect("erp.create_order", ORDER.arguments, "held")],
            Kind.OTHER_STATE,
            "erp.create_order held, not done",
        ),
    ],
)
def test_each_kind_has_its_name_and_says_what_differs(
    expected: list[Effect], found: list[Effect], kind: Kind, words: str
) -> None:
    (difference,) = compared(expected, found).differences
    assert (difference.kind, difference.words) == (kind, words)


def test_how_it_ends_counts_unless_the_case_leaves_it_open() -> None:
    assert kinds(compared([], [], ("refused", "failed"))) == {Kind.OTHER_STATUS: 1}
    assert compared([], [], (None, "failed")).score == 1.0


def test_what_cannot_be_undone_weighs_more() -> None:
    light = compared([ORDER, SHIP], [ORDER, SHIP, ORDER]).score
    heavy = compared([ORDER, SHIP], [ORDER, SHIP, NOTE]).score
    assert heavy < light < 1


def test_a_wrong_effect_is_worse_than_a_missing_one() -> None:
    missing = compared([ORDER, SHIP], [ORDER]).score
    wrong = compared([ORDER, SHIP], [ORDER, Effect("erp.schedule_shipment", {"order_id": "O-2"})]).score
    other = compared([ORDER, SHIP], [ORDER, Effect("erp.create_invoice", {})]).score
    assert missing > wrong > other


def test_a_run_that_should_do_nothing_and_does_something_scores_nothing() -> None:
    assert compared([], [ORDER]).score == 0.0


@given(effects)
def test_the_same_effects_score_one(some: list[Effect]) -> None:
    assert compared(some, some) == Comparison((), 1.0)


@given(effects, effects)
def test_a_score_is_one_exactly_if_nothing_differs(one: list[Effect], other: list[Effect]) -> None:
    comparison = compared(one, other)
    assert 0.0 <= comparison.score <= 1.0
    assert (comparison.score == 1.0) == (not comparison.differences) == (one == other)


@given(effects, effects)
def test_what_one_misses_is_extra_for_the_other(one: list[Effect], other: list[Effect]) -> None:
    there, back = kinds(compared(one, other)), kinds(compared(other, one))
    assert (there[Kind.MISSED], there[Kind.EXTRA]) == (back[Kind.EXTRA], back[Kind.MISSED])
    for kind in (Kind.OTHER_ACTION, Kind.OTHER_ARGUMENTS, Kind.OTHER_STATE):
        assert there[kind] == back[kind]


@given(st.data(), effects)
def test_another_order_is_nothing_but_another_order(data: st.DataObject, some: list[Effect]) -> None:
    mixed = data.draw(st.permutations(some))
    assert set(kinds(compared(some, mixed))) <= {Kind.OTHER_ORDER}


@given(effects, effects)
def test_every_effect_is_told_of_once(one: list[Effect], other: list[Effect]) -> None:
    found = kinds(compared(one, other))
    assert len(other) - len(one) == found[Kind.EXTRA] - found[Kind.MISSED]
    assert min(found[Kind.EXTRA], found[Kind.MISSED]) == 0


def test_every_kind_of_difference_has_its_price() -> None:
    assert set(PENALTIES) == set(Kind) - {Kind.SAME}
