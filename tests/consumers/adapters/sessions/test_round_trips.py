"""How often a whole run asks Redis: counted on the wire, with the real engine."""

from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
from redis.asyncio import Connection, Redis

from consumers.adapters.redis_connection import connect
from consumers.adapters.redis_sessions import RedisSessions
from consumers.run.engine import Engine
from consumers.session.context import Context
from consumers.session.key import SessionKey
from consumers.telemetry.metrics import Metrics
from schemas.outcome import Outcome, Status
from tests.consumers.run.shop_world import Plan, ShopActions, World, finish, reply, turns

MOST = 10
ORDER = ("shop__order", {"quantity": 2})
SHIP = ("shop__ship", {"order_id": "O-1"})
LETTER = ("shop__letter", {"to": "Ann"})
READ = ("shop__stock", {"product": "P"})
OTHER_READ = ("shop__stock", {"product": "Q"})


class CountedConnection(Connection):
    """Counts what is sent: the client waits for the answer each time, pipelines included."""

    sent = 0

    async def send_packed_command(
        self, command: bytes | str | Iterable[bytes], *args: Any, **more: Any
    ) -> None:
        CountedConnection.sent += 1
        await super().send_packed_command(command, *args, **more)


@pytest.fixture
async def counted(redis_url: str, redis: Redis) -> AsyncIterator[Redis]:
    async with connect(redis_url) as client:
        client.connection_pool.connection_class = CountedConnection
        yield client


@pytest.mark.parametrize(
    ("plan", "round_trips"),
    [
        pytest.param(turns(reply(READ, OTHER_READ, ORDER), reply(finish())), 5, id="two reads and a write"),
        pytest.param(turns(reply(READ, OTHER_READ), reply(ORDER, finish())), 5, id="two reads, then a write"),
        pytest.param(turns(reply(ORDER, SHIP, LETTER), reply(finish())), 8, id="three writes"),
        pytest.param(turns(reply(ORDER), reply(SHIP, LETTER, finish())), 8, id="three writes in both turns"),
    ],
)
async def test_a_run_of_two_turns_and_three_actions_asks_redis_at_most_ten_times(
    plan: Plan, round_trips: int, counted: Redis
) -> None:
    sessions = RedisSessions(counted)
    await sessions.check()
    world = World(plan)
    engine = Engine(
        routes={world.route.name: world.route},
        catalog=world.catalog,
        sessions=sessions,
        model=world.model,
        actions=ShopActions(world.ledger, world.fuse),
        outbox=world.outbox,
        deadlines=world.deadlines,
        clock=world.clock,
        metrics=Metrics(),
    )
    # A server that knows no script yet is sent each one once, whole.
    warm = await sessions.open(SessionKey("acme", "warm"), "run-1")
    await sessions.append(warm.lease, [])
    await sessions.close(warm.lease, [], Context())
    before = CountedConnection.sent
    outcome = await engine.work(world.event, world.route, world.claim)
    asked = CountedConnection.sent - before

    assert isinstance(outcome, Outcome)
    assert (outcome.status, outcome.turns, len(outcome.actions)) == (Status.SUCCESS, 2, 3)
    assert asked <= MOST
    assert asked == round_trips, "this is the figure: mend it here, and say why, where it changes"
