"""A whole run on the offline model, by either API and by both."""

from itertools import count
from typing import Any, cast

import pytest

from consumers.adapters.preferred_models import PreferredModels
from consumers.offline import script_file, server
from consumers.offline.faults import Behaviour
from consumers.session.key import SessionKey
from consumers.telemetry.metrics import Metrics
from schemas.outcome import Outcome, Status
from tests.consumers.adapters.openai_model.endpoint import Make
from tests.consumers.run.shop_world import World, finish, reply, turns

SCRIPT = """
name: shop
rules:
  - name: end
    when: '"shop.order" in results'
    finish: {status: completed, summary: '="Ordered " + results["shop.order"].order_id'}
  - name: order
    when: '"shop.stock" in results'
    say: There is enough.
    call:
      - action: shop.order
        arguments: {quantity: =event.payload.quantity}
  - name: look
    call:
      - action: shop.stock
        arguments: {product: P}
"""


@pytest.mark.parametrize("apis", [("chat",), ("responses",), ("chat", "responses")])
async def test_an_event_is_worked_to_its_outcome(make: Make, metrics: Metrics, apis: tuple[str, ...]) -> None:
    world = World(turns(reply(finish())))
    # The first of two asks to be left alone in the first turn; when the second comes, it is asked again.
    busy = Behaviour(rate_limit_first=len(apis) - 1, retry_after_s=60.0)
    times = count(0.0, 100.0)
    script = script_file.parse(SCRIPT, where="shop.yaml")
    async with await server.serve(script, behaviour=busy) as offline:
        models = [
            (api, make(base_url=offline.base_url, name="pointsman-offline", api=api, label=api))
            for api in apis
        ]
        world.model = cast("Any", PreferredModels(models, metrics, clock=lambda: next(times)))
        outcome = await world.work()
    assert isinstance(outcome, Outcome)
    assert (outcome.status, outcome.summary) == (Status.SUCCESS, "Ordered O-1")
    key = SessionKey(world.event.tenant, world.event.session_id)
    entries = await world.sessions.read(key, world.event.run_id)
    decided = [entries[f"t{turn}/decision"]["deployment"] for turn in (1, 2, 3)]
    assert set(decided) == set(apis), "each turn says whose it is"
