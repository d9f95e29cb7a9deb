"""A route with many actions: what the model is shown, what it finds, and what it may call."""

import contextlib
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.policy.provenance import Trust
from consumers.router.finding import FOUND_AT_MOST, FOUND_AT_ONCE, discovery_of
from consumers.router.route import Budget
from consumers.session.key import SessionKey
from schemas.outcome import Outcome, Status
from tests.consumers.run.office_world import ABOUT, THINGS, done, office_catalog, office_world, searching
from tests.consumers.run.shop_world import Crash, World, deny, finish, reply, turns

CANCEL = ("erp__cancel_invoice", {"reference": "I-7"})
PRINT = ("crm__print_badge", {"reference": "B-1"})
BADGE = searching("print a badge for a visitor")


async def outcome_of(world: World) -> Outcome:
    end = await world.work()
    assert isinstance(end, Outcome)
    return end


def decisions(world: World) -> list[dict[str, Any]]:
    """Return the published bodies of the decisions."""
    return [dict(step.body) for step in world.outbox.step_log if step.place.endswith("/decision")]


def answers(world: World) -> list[dict[str, Any]]:
    """Return the published results of the searches."""
    return [
        dict(step.body)
        for step in world.outbox.step_log
        if step.action == "find_actions" and step.place.endswith("/result")
    ]


async def test_few_actions_are_all_shown_and_nothing_is_said_of_it() -> None:
    world = World(turns(*done(("shop__stock", {"product": "P"}))))
    await outcome_of(world)
    assert "find_actions" not in world.model.offered[0]
    assert all("shown" not in body for body in decisions(world))


async def test_of_many_the_pinned_and_those_that_fit_the_event_are_shown() -> None:
    world = office_world(turns(*done(CANCEL)))
    outcome = await outcome_of(world)
    assert world.effects == ["cancel invoice"]
    assert [a.action for a in outcome.actions] == ["erp.cancel_invoice"]
    first = world.model.offered[0]
    assert first[:3] == ["crm__get_case", "find_actions", "finish"]
    assert "erp__cancel_invoice" in first
    assert len(first) == 15 + 2


async def test_what_was_shown_is_in_the_journal_and_on_the_trail() -> None:
    world = office_world(turns(*done(BADGE, PRINT)))
    await outcome_of(world)
    ours = {"find_actions", "finish"}
    for body, offered in zip(decisions(world), world.model.offered, strict=True):
        assert [name.replace(".", "__") for name in body["shown"]] == [n for n in offered if n not in ours]
    entries = await world.sessions.read(SessionKey("acme", "s-1"), world.event.run_id)
    assert entries["t2/decision"]["shown"] == decisions(world)[1]["shown"]


async def test_what_is_found_can_be_called_from_the_next_turn_on_and_what_came_before_it_stays_in_place() -> (
    None
):
    world = office_world(turns(*done(BADGE, PRINT)))
    outcome = await outcome_of(world)
    assert outcome.status is Status.SUCCESS
    assert world.effects == ["print badge"]
    first, second, third = world.model.offered
    assert "crm__print_badge" not in first
    assert second[: len(first)] == first, "a prompt cache goes by what begins alike"
    assert second[len(first)] == "crm__print_badge", "the best one first"
    assert len(second) == len(first) + FOUND_AT_ONCE
    assert third == second


async def test_a_search_is_told_to_nobody_outside() -> None:
    rule = deny('"find_actions" in session.results')
    world = office_world(turns(*done(BADGE, PRINT)), rules=[rule])
    outcome = await outcome_of(world)
    assert [a.action for a in outcome.actions] == ["crm.print_badge"]
    assert world.effects == ["print badge"]
    opened = await world.sessions.open(SessionKey("acme", "s-1"), "another-run")
    assert "find_actions" not in orjson.dumps(orjson.loads(opened.context.dump())).decode()


async def test_a_search_is_nothing_to_undo_where_an_atomic_run_fails() -> None:
    world = office_world(turns(reply(BADGE), reply(finish("failed", "No such badge."))), atomic=True)
    outcome = await outcome_of(world)
    assert (outcome.status, outcome.summary) == (Status.FAILED, "No such badge.")


async def test_what_a_search_says_is_no_text_from_outside() -> None:
    # Nothing but what the catalog says was read: an irreversible write is not held because of it.
    world = office_world(turns(*done(BADGE, PRINT)), trust=Trust(fields=frozenset({"text", "channel"})))
    world.event = replace(world.event, source="shop", type="message")
    assert (await outcome_of(world)).status is Status.SUCCESS


async def test_a_search_counts_as_a_call() -> None:
    world = office_world(
        turns(reply(BADGE), reply(BADGE), reply(PRINT), reply(finish())), budget=Budget(calls=2)
    )
    assert (await outcome_of(world)).status is Status.BUDGET_SPENT
    assert world.effects == []


async def test_a_hidden_action_that_is_guessed_is_not_performed_until_it_is_found() -> None:
    world = office_world(turns(reply(PRINT), reply(BADGE), reply(PRINT), reply(finish())))
    outcome = await outcome_of(world)
    assert outcome.status is Status.SUCCESS
    assert world.effects == ["print badge"]
    guessed = decisions(world)[0]["calls"][0]
    assert (
        guessed["problem"]
        == "crm__print_badge was not shown to you; look for it with find_actions, then call it"
    )


async def test_finding_and_calling_in_one_answer_is_mended() -> None:
    world = office_world(turns(reply(BADGE, PRINT), reply(BADGE), reply(PRINT), reply(finish())))
    assert (await outcome_of(world)).status is Status.SUCCESS
    assert world.effects == ["print badge"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("erp__cancel_invoices", "the nearest are erp__cancel_invoice"),
        ("qqqqqqqq", "call one that you were shown, or look for one with find_actions"),
        ("x" * 10_000, "look for one with find_actions"),
    ],
)
async def test_a_name_outside_of_the_list_is_unknown_and_only_the_nearest_are_named(
    name: str, says: str
) -> None:
    world = office_world(turns(reply((name, {})), reply(finish("failed"))))
    await outcome_of(world)
    problem = decisions(world)[0]["calls"][0]["problem"]
    assert says in problem
    assert len(problem) < 300


async def test_where_many_are_all_shown_nobody_is_sent_to_look_for_one() -> None:
    world = office_world(turns(reply(("qqqqqqqq", {})), reply(finish("failed"))), limit=200)
    await outcome_of(world)
    assert len(world.model.offered[0]) == 200 + 1
    problem = decisions(world)[0]["calls"][0]["problem"]
    assert problem == "there is no action 'qqqqqqqq'; call one that you were shown"


async def test_what_does_not_fit_any_action_is_said_so() -> None:
    world = office_world(turns(*done(searching("zzzz"))))
    await outcome_of(world)
    (answer,) = answers(world)
    assert answer["result"]["found"] == []
    assert "Nothing fits" in answer["result"]["note"]


async def test_a_search_keeps_to_its_namespace_and_an_unknown_one_is_mended() -> None:
    world = office_world(turns(*done(searching("cancel", "moon"), searching("cancel", "crm"))))
    await outcome_of(world)
    assert "namespace" in decisions(world)[0]["calls"][0]["problem"]
    (answer,) = answers(world)
    assert answer["result"]["found"]
    assert all(each["name"].startswith("crm__") for each in answer["result"]["found"])


async def test_what_is_shown_already_is_not_found_again() -> None:
    world = office_world(turns(*done(searching("cancel an invoice"))))
    await outcome_of(world)
    (answer,) = answers(world)
    assert answer["result"]["shown_already"][0] == "erp__cancel_invoice"
    shown = set(world.model.offered[0])
    assert not shown & {each["name"] for each in answer["result"]["found"]}


async def test_searches_of_one_answer_add_to_each_other_up_to_a_bound() -> None:
    queries = [searching(f"create {thing}") for things in THINGS.values() for thing in things][:16]
    world = office_world(turns(reply(*queries[:8]), reply(*queries[8:]), reply(finish())), limit=1, pinned=())
    await outcome_of(world)
    found = [each["name"] for answer in answers(world) for each in answer["result"]["found"]]
    assert len(found) == len(set(found)) == FOUND_AT_MOST
    assert len(world.model.offered[-1]) == 1 + 2 + FOUND_AT_MOST
    assert f"{FOUND_AT_MOST} actions were found" in answers(world)[-1]["result"]["note"]


@pytest.mark.parametrize("after", [False, True])
async def test_whoever_takes_a_run_over_offers_the_same(after: bool) -> None:
    plan = turns(*done(BADGE, searching("rename a desk"), PRINT))
    calm = office_world(plan)
    await outcome_of(calm)
    for crash_at in range(1, calm.fuse.calls + 1):
        world = office_world(plan)
        world.fuse.crash_at, world.fuse.after = crash_at, after
        with contextlib.suppress(Crash):
            await world.work()
        world.fuse.crash_at = None
        outcome = await outcome_of(world)
        assert outcome.status is Status.SUCCESS
        assert world.effects == ["print badge"]
        once = [o for at, o in enumerate(world.model.offered) if o not in world.model.offered[:at]]
        assert once == [o for at, o in enumerate(calm.model.offered) if o not in calm.model.offered[:at]]


async def test_a_successor_that_searches_in_another_way_keeps_to_what_was_shown() -> None:
    world = office_world(turns(*done(("erp__check_invoice", {"reference": "I-7"}), CANCEL)))
    actions = world.route.actions
    read, world.fuse.crash_at = world.route, 3  # opened, asked, and dead when the first decision is written
    world.fuse.after = True
    with pytest.raises(Crash):
        await world.work()
    world.fuse.crash_at = None
    other = discovery_of(actions, ABOUT, limit=2, pinned=())
    world.route = replace(read, discovery=other)
    assert (await outcome_of(world)).status is Status.SUCCESS
    assert world.model.offered[1][:1] == ["find_actions"]
    assert set(world.model.offered[0]) == set(world.model.offered[1])


async def test_an_action_that_has_left_the_route_is_shown_no_more() -> None:
    world = office_world(turns(*done(("erp__check_invoice", {"reference": "I-7"}), BADGE)))
    world.fuse.crash_at, world.fuse.after = 3, True  # the first decision is written
    with contextlib.suppress(Crash):
        await world.work()
    world.fuse.crash_at = None
    (before,) = world.model.offered
    left = {name: action for name, action in world.route.actions.items() if name != "erp.cancel_invoice"}
    world.route = replace(world.route, actions=left, discovery=discovery_of(left, ABOUT))
    await outcome_of(world)
    assert set(before) - set(world.model.offered[1]) >= {"erp__cancel_invoice"}
    assert all("erp__cancel_invoice" not in offered for offered in world.model.offered[1:])


async def test_a_search_of_a_route_that_shrank_since_is_answered() -> None:
    plan = turns(reply(BADGE), reply(finish("failed", "No.")))
    world = office_world(plan)
    world.claim.hand_over_at = 3  # the search is chosen and written, not answered
    with contextlib.suppress(Exception):
        await world.work()
    world.claim.hand_over_at = None
    few = {name: world.route.actions[name] for name in list(world.route.actions)[:3]}
    world.route = replace(world.route, actions=few, discovery=discovery_of(few, ABOUT))
    await outcome_of(world)
    assert answers(world)[-1]["code"] == "delisted"


any_call = st.one_of(
    st.sampled_from([action.tool_name for action in office_catalog().actions.values()]).map(
        lambda name: (name, {"reference": "R-1"})
    ),
    st.builds(
        searching,
        st.sampled_from(
            ["print a badge", "cancel", "rename desk", "zzz", "erp.archive_budget", "", "x" * 400]
        ),
        st.sampled_from([None, "erp", "crm", "moon"]),
    ),
    st.sampled_from([("find_actions", "{"), ("find_actions", {}), ("shell__exec", {}), ("", {})]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(any_call, min_size=1, max_size=5), max_size=6))
async def test_whatever_a_model_answers_nothing_is_done_that_it_was_not_shown(answered: list[Any]) -> None:
    world = office_world(
        turns(*(reply(*calls) for calls in answered), reply(finish())), budget=Budget(repairs=9)
    )
    outcome = await outcome_of(world)
    allowed = {action.tool_name for action in world.route.actions.values()} | {"find_actions", "finish"}
    for offered in world.model.offered:
        assert set(offered) <= allowed
        assert len(offered) == len(set(offered)) <= 15 + FOUND_AT_MOST + 2
        assert offered[0] == "crm__get_case"
    shown = [set(body["shown"]) for body in decisions(world)]
    for step in world.outbox.step_log:
        if step.place.endswith("/intent") or (
            step.place.endswith("/result") and step.action != "find_actions"
        ):
            turn = int(step.place[1 : step.place.index("/")])
            assert step.action in shown[turn - 1]
    assert all(action.action != "find_actions" for action in outcome.actions)
