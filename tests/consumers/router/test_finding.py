"""What of many actions is shown: pinned ones first, then what fits, and no connector pushes the others out."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.action import Call
from connectors.connector import Connector
from consumers.router.finder import finder_of
from consumers.router.finding import Discovery, discovery_of, found_in, matches, search, wishes_of
from tests.consumers.run.office_world import ABOUT, office_catalog

ACTIONS = office_catalog().actions
GOAL = "Do what the message asks for."


def discovered(**more: Any) -> Discovery:
    made = discovery_of(ACTIONS, ABOUT, **more)
    assert made is not None
    return made


def shown(discovery: Discovery, payload: dict[str, Any], actions: Any = ACTIONS) -> tuple[str, ...]:
    return matches(discovery, actions, wishes_of(GOAL, "message.received", payload))


def test_as_many_as_are_shown_need_no_search() -> None:
    assert discovery_of(ACTIONS, ABOUT, limit=len(ACTIONS)) is None


def test_pinned_come_first_and_both_parts_are_in_the_routes_order() -> None:
    pinned = ("crm.get_desk", "erp.get_pallet")
    names = shown(discovered(pinned=pinned), {"text": "cancel the invoice and print a badge"})
    assert names[:2] == ("erp.get_pallet", "crm.get_desk")
    order = list(ACTIONS)
    assert list(names[2:]) == sorted(names[2:], key=order.index)
    assert {"erp.cancel_invoice", "crm.print_badge"} <= set(names)
    assert len(names) == 15


def test_what_fits_nothing_shows_the_pinned_alone() -> None:
    assert shown(discovered(pinned=("crm.get_desk",)), {"q": "zzzz"}) == ("crm.get_desk",)


@given(st.text(max_size=200), st.lists(st.sampled_from(sorted(ACTIONS)), max_size=5, unique=True))
def test_whatever_an_event_says_pinned_are_shown_and_never_more_than_the_limit(
    text: str, pinned: list[str]
) -> None:
    names = shown(discovered_with(tuple(sorted(pinned))), {"text": text, "deep": [{"a": text}]})
    assert set(pinned) <= set(names)
    assert len(names) == len(set(names)) <= 15


_MADE: dict[tuple[str, ...], Discovery] = {}


def discovered_with(pinned: tuple[str, ...]) -> Discovery:
    if pinned not in _MADE:
        base = discovered()
        _MADE[pinned] = Discovery(
            base.limit, tuple(name for name in ACTIONS if name in pinned), base.search, base.finder
        )
    return _MADE[pinned]


def test_a_connector_that_wants_to_be_found_always_pushes_out_neither_pinned_nor_all_that_fit() -> None:
    greedy = Connector("spam", "Everything.")
    stuffing = " ".join(f"{a.name} {a.description}" for a in ACTIONS.values())
    for number in range(30):

        async def act(call: Call[None], reference: str) -> dict[str, Any]:
            return {"reference": reference}

        act.__name__ = f"invoice_badge_cancel_print_n{number}"
        act.__doc__ = f"{stuffing}\n\nArgs:\n    reference: {stuffing}\n"
        greedy.action(effect="read")(act)
    actions = {**greedy.actions, **ACTIONS}
    made = discovery_of(actions, ABOUT, pinned=("crm.get_desk",))
    assert made is not None
    names = shown(made, {"text": "please cancel the invoice and print a badge"}, actions)
    assert names[0] == "crm.get_desk"
    assert sum(name.startswith("spam.") for name in names) <= 8
    assert {"erp.cancel_invoice", "crm.print_badge"} <= set(names)


def test_a_sentence_counts_more_than_what_every_event_has() -> None:
    payload = {
        "cancel": "invoice",
        "invoice": {"cancel": "invoice"},
        "text": "I would like a badge to be printed",
    }
    made = discovered(limit=1)
    assert shown(made, payload) == ("crm.print_badge",)


def test_a_huge_event_is_searched_by_its_beginning() -> None:
    wishes = wishes_of(GOAL, "message.received", {"texts": ["a few words of it"] * 100_000})
    assert sum(len(wish.text) for wish in wishes) < 10_000


def test_the_tool_names_each_namespace_within_what_model_apis_accept() -> None:
    many = {f"system_{number}": "It does a great many things. " * 9 for number in range(80)}
    tool = finder_of(many).tool["function"]
    assert len(tool["description"]) <= 1024
    assert set(tool["parameters"]["properties"]["namespace"]["anyOf"][0]["enum"]) == set(many)
    said = finder_of(ABOUT).tool["function"]["description"]
    assert "erp: Orders, stock and invoices" in said
    assert "crm: Customers and what they ask for" in said


@pytest.mark.parametrize("damaged", [None, [], "x", {"found": [1, None]}, {"found": [{}]}])
def test_an_answer_that_is_none_names_nothing_that_is_an_action(damaged: Any) -> None:
    assert set(found_in(damaged)) <= {"None"}


def test_an_answer_describes_what_it_found_in_one_line() -> None:
    answer = search(discovered(), ACTIONS, {"query": "rename a desk", "namespace": None}, (), 0)
    assert answer["found"][0] == {"name": "crm__rename_desk", "does": "Rename one desk."}
