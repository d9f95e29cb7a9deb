"""An office of 200 actions: ten verbs on ten things each, in two connectors, and a world whose route allows them all."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import cache
from typing import Any

from connectors.action import Call
from connectors.catalog import Catalog
from connectors.connector import Connector, NoSettings
from consumers.policy.provenance import Trust
from consumers.policy.rules import Rule
from consumers.router.exchange import Reply
from consumers.router.finding import Discovery, discovery_of
from consumers.router.route import Budget
from tests.consumers.run.shop_world import Ledger, Plan, World, finish, reply

READS = ("get", "list", "count", "check")
WRITES = ("create", "cancel", "archive", "approve", "print", "rename")
THINGS = {
    "erp": (
        *("invoice", "order", "shipment", "pallet", "supplier"),
        *("contract", "budget", "warehouse", "tariff", "voucher"),
    ),
    "crm": (
        "lead",
        "case",
        "campaign",
        "meeting",
        "survey",
        "newsletter",
        "badge",
        "visitor",
        "parcel",
        "desk",
    ),
}
ABOUT = {"erp": "Orders, stock and invoices.", "crm": "Customers and what they ask for."}
GOAL = "Do what the message asks for."


def office() -> list[Connector[Ledger]]:
    made: list[Connector[Ledger]] = []
    for name, things in THINGS.items():
        connector = Connector[Ledger](
            name, ABOUT[name], settings=NoSettings, open=lambda _: nullcontext(Ledger())
        )
        for thing in things:
            for verb in (*READS, *WRITES):
                _declare(connector, verb, thing)
        made.append(connector)
    return made


def _declare(connector: Connector[Ledger], verb: str, thing: str) -> None:
    async def act(call: Call[Ledger], reference: str) -> dict[str, Any]:
        if verb in WRITES:
            call.client.write(call.key, f"{verb} {thing}")
        return {"reference": reference}

    act.__name__ = f"{verb}_{thing}"
    act.__doc__ = f"{verb.capitalize()} one {thing}.\n\nArgs:\n    reference: names the {thing}.\n"
    if verb in WRITES:
        connector.action(effect="write", idempotency="natural")(act)
    else:
        connector.action(effect="read")(act)


@cache
def office_catalog() -> Catalog:
    """Return the one catalog of all worlds: making it takes longer than most runs."""
    return Catalog(office())


@cache
def office_discovery(limit: int, pinned: tuple[str, ...]) -> Discovery | None:
    """Return how the office's actions are found; made once, like the catalog."""
    return discovery_of(office_catalog().actions, ABOUT, limit=limit, pinned=pinned)


def office_world(
    plan: Plan,
    *,
    limit: int = 15,
    pinned: Sequence[str] = ("crm.get_case",),
    text: str = "Please cancel the invoice I-7 for me.",
    rules: Sequence[Rule] = (),
    budget: Budget | None = None,
    trust: Trust | None = None,
    atomic: bool = False,
) -> World:
    """Return a world whose route allows all actions of the office."""
    world = World(plan, atomic=atomic, rules=rules, budget=budget)
    world.catalog = office_catalog()
    actions = world.catalog.actions
    world.route = replace(
        world.route,
        goal=GOAL,
        actions=actions,
        trust=trust or Trust(despite_text=frozenset(actions)),
        tools=tuple(action.tool for action in actions.values()),
        discovery=office_discovery(limit, tuple(pinned)),
    )
    world.event = replace(
        world.event,
        type="message.received",
        payload={"text": text, "channel": "mail"},
    )
    return world


def searching(query: str, namespace: str | None = None) -> tuple[str, dict[str, Any]]:
    return ("find_actions", {"query": query, "namespace": namespace})


def done(*calls: tuple[str, dict[str, Any] | str]) -> list[Reply]:
    """Return answers that make one call each, and then end."""
    return [*(reply(call) for call in calls), reply(finish())]
