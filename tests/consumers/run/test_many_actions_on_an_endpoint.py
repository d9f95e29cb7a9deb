"""A route with 200 actions from end to end: the real model client, an endpoint on loopback, real connectors."""

from consumers.adapters.connector_actions import ConnectorActions
from consumers.adapters.openai_model import OpenAIModel
from consumers.adapters.openai_settings import ModelSettings
from consumers.offline.reply import MODEL
from consumers.offline.script_file import parse
from consumers.offline.server import serve
from consumers.run.engine import Engine
from consumers.telemetry.metrics import Metrics
from schemas.outcome import Outcome, Status
from tests.consumers.run.office_world import office, office_world
from tests.consumers.run.shop_world import finish, reply, turns

SCRIPT = """
name: office
about: Looks for what it is not shown.
rules:
  - name: nothing more to do
    when: '"crm.print_badge" in results'
    finish: {status: completed, summary: '="Printed " + results["crm.print_badge"].reference'}
  - name: found
    when: '"crm.print_badge" in tools'
    call: [{action: crm.print_badge, arguments: {reference: B-1}}]
  - name: look for it
    when: '!("find_actions" in results)'
    call: [{action: find_actions, arguments: {query: print a badge, namespace: crm}}]
"""


async def test_a_model_on_an_endpoint_finds_an_action_among_two_hundred_and_performs_it() -> None:
    world = office_world(turns(reply(finish())), text="Please cancel the invoice I-7 for me.")
    assert len(world.route.actions) == 200
    metrics = Metrics()
    async with await serve(parse(SCRIPT, where="office.yaml")) as endpoint:
        model = OpenAIModel(ModelSettings(base_url=endpoint.base_url, name=MODEL), metrics=metrics)
        opened = [(connector, connector.settings()) for connector in office()]
        async with ConnectorActions.open(opened, metrics=metrics) as actions:
            engine = Engine(
                routes={world.route.name: world.route},
                catalog=world.catalog,
                sessions=world.sessions,
                model=model,
                actions=actions,
                outbox=world.outbox,
                deadlines=world.deadlines,
                clock=world.clock,
                metrics=metrics,
            )
            try:
                end = await engine.work(world.event, world.route, world.claim)
            finally:
                await model.aclose()
        stats = endpoint.stats
    assert isinstance(end, Outcome)
    assert (end.status, end.summary) == (Status.SUCCESS, "Printed B-1")
    assert [(a.action, a.status) for a in end.actions] == [("crm.print_badge", "done")]
    assert (stats.answers, stats.unmatched, stats.rejected) == (3, 0, 0)
