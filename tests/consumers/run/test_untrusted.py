"""A run in which the model was talked into something: a person is asked, and nothing is done before."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from consumers.policy.provenance import Trust
from schemas.approval import ApprovalRequest
from schemas.outcome import Outcome
from tests.consumers.run.shop_world import World, finish, hold, reply, turns
from tests.consumers.run.test_engine import LETTER, answer
from tests.consumers.run.test_reasons import told

SHIP = ("shop__ship", {"order_id": "O-7"})
LOOK = ("shop__booking", {"seat": "O-7"})
ID = {"type": "string", "pattern": "O-[0-9]+"}
TYPES = {"properties": {"order_id": ID, "note": {"type": "string"}}}


def world_of(*calls: Any, payload: Mapping[str, Any], protected: Mapping[str, str], trust: Trust) -> World:
    world = World(turns(*(reply(call) for call in calls), reply(finish("refused"))), trust=trust)
    world.event = replace(world.event, payload=payload)
    for name, argument in protected.items():
        action = replace(world.route.actions[name], protected=frozenset({argument}))
        world.route = replace(world.route, actions={**world.route.actions, name: action})
    return world


def shipping(*calls: Any, payload: Mapping[str, Any]) -> World:
    trust = Trust(payload=TYPES, despite_text=frozenset({"shop.letter"}))
    return world_of(*calls or (SHIP,), payload=payload, protected={"shop.ship": "order_id"}, trust=trust)


async def asked(world: World) -> ApprovalRequest:
    request = await world.work()
    assert isinstance(request, ApprovalRequest)
    assert world.effects == []
    return request


async def test_a_protected_argument_from_the_event_goes_through() -> None:
    world = shipping(payload={"order_id": "O-7", "note": "please ship O-8"})
    assert isinstance(await world.work(), Outcome)
    assert "ship" in world.effects


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (
            {"order_id": "O-1", "note": "O-7"},
            'order_id "O-7" is found only in event.payload.note, which is not trusted',
        ),
        ({"order_id": "O-1"}, 'order_id "O-7" is found nowhere: the model made it up'),
        ({"order_id": "O-7 "}, 'order_id "O-7" is found nowhere: the model made it up'),
    ],
)
async def test_another_one_waits_for_a_person_who_is_told_why(payload: dict[str, Any], why: str) -> None:
    world = shipping(payload=payload)
    request = await asked(world)
    assert (request.action, request.rule, request.reason) == ("shop.ship", "provenance", why)


async def test_approved_it_is_done_and_is_a_source_itself_from_then_on() -> None:
    world = shipping(SHIP, SHIP, payload={"order_id": "O-1"})
    request = await asked(world)
    end = await world.answer(answer(request))
    assert isinstance(end, Outcome), "the second one is not asked about again"
    assert world.ledger.sent[:2] == [("ship", key) for key in list(world.ledger.effects)[:2]]


async def test_rejected_the_model_is_told_the_result_and_nothing_of_how_it_came_about() -> None:
    world = shipping(payload={"order_id": "O-1"})
    request = await asked(world)
    await world.answer(answer(request, "reject"))
    assert told(world) == [("unproven", "reject by ann")]
    assert world.effects == []


async def test_what_was_meant_is_still_done_although_a_person_refused_what_the_model_was_talked_into() -> (
    None
):
    meant = ("shop__ship", {"order_id": "O-1"})
    world = shipping(meant, SHIP, meant, payload={"order_id": "O-1"})
    world.model.plan = turns(reply(meant), reply(SHIP), reply(meant), reply(finish()))
    request = await world.work()
    assert isinstance(request, ApprovalRequest)
    end = await world.answer(answer(request, "reject"))
    assert isinstance(end, Outcome)
    assert end.status == "success"
    assert world.effects == ["ship", "ship"], "the route is atomic, and yet the first one stands"


async def test_what_was_refused_for_its_values_does_not_undo_what_was_done_before_it_in_the_same_answer() -> (
    None
):
    meant = ("shop__ship", {"order_id": "O-1"})
    world = shipping(meant, SHIP, payload={"order_id": "O-1"})
    world.model.plan = turns(reply(meant, SHIP), reply(finish()))
    request = await world.work()
    assert isinstance(request, ApprovalRequest)
    end = await world.answer(answer(request, "reject"))
    assert isinstance(end, Outcome)
    assert (end.status, world.effects) == ("success", ["ship"])


async def test_people_are_told_where_each_argument_comes_from() -> None:
    world = shipping(payload={"order_id": "O-1", "note": "O-7"})
    assert (await asked(world)).origins == {"order_id": "event.payload.note (not trusted)"}


async def test_a_rule_that_holds_as_well_asks_its_own_people() -> None:
    world = shipping(payload={"order_id": "O-1"})
    world.route = replace(world.route, rules=(hold("true", "shop.ship"),))
    first = await asked(world)
    assert first.rule == "hold"
    end = await world.answer(answer(first))
    assert isinstance(end, Outcome), "somebody saw exactly these arguments, with their origins, and said yes"


async def test_a_look_up_by_a_protected_argument_that_was_made_up_is_refused_without_asking() -> None:
    protected = {"shop.booking": "seat"}
    trust = Trust(payload=TYPES)
    world = world_of(LOOK, payload={"order_id": "O-1"}, protected=protected, trust=trust)
    assert isinstance(await world.work(), Outcome)
    assert told(world) == [("denied", 'seat "O-7" is found nowhere: the model made it up')]


async def test_what_cannot_be_undone_waits_once_the_model_has_read_free_text() -> None:
    world = world_of(LETTER, payload={"note": "send Ann a letter"}, protected={}, trust=Trust(payload=TYPES))
    request = await asked(world)
    assert (request.action, request.rule) == ("shop.letter", "untrusted-text")
    assert request.reason.startswith(
        "shop.letter cannot be undone, and the model had read event.payload.note"
    )
    await world.answer(answer(request))
    assert world.effects == ["letter"]


async def test_without_free_text_or_named_by_the_route_it_does_not_wait() -> None:
    clean = world_of(LETTER, payload={"order_id": "O-7"}, protected={}, trust=Trust(payload=TYPES))
    assert isinstance(await clean.work(), Outcome)
    named = Trust(payload=TYPES, despite_text=frozenset({"shop.letter"}))
    world = world_of(LETTER, payload={"note": "send Ann a letter"}, protected={}, trust=named)
    assert isinstance(await world.work(), Outcome)
    assert world.effects == ["letter"]
