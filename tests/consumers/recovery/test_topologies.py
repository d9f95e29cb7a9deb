"""The keeper behind Sentinel and on a cluster: servers that change or start anew are checked, whichever they are."""

from pathlib import Path

import pytest

from consumers.errors import UnavailableError
from tests.consumers.adapters.sessions.redis_servers import admin, cluster, server, until, watched
from tests.consumers.recovery.store_world import DECISION, INTENT, KEY, Topic, Worker, worker

PATIENCE = pytest.mark.timeout(90)
BOTH = {DECISION.place, INTENT.place}


async def refused(one: Worker) -> bool:
    """Whether the store is refused as one that nobody has checked."""
    try:
        await one.sessions.open(KEY, "another")
    except UnavailableError as error:
        return "started anew" in str(error)
    return False


@PATIENCE
async def test_a_replica_that_becomes_the_primary_is_given_what_it_had_not_yet(tmp_path: Path) -> None:
    topic = Topic()
    async with watched(tmp_path) as servers, worker(servers.settings, topic) as one:
        await one.settle()
        lease = await one.write(topic, DECISION, INTENT)
        async with admin(servers.replica) as replica:

            async def arrived() -> bool:
                return bool(await replica.exists(KEY.meta))

            await until(arrived)
            await replica.config_set("replica-read-only", "no")
            await replica.delete(KEY.meta, KEY.journal("run-1"))  # as one that lags behind
        servers.primary.kill()
        await until(lambda: refused(one), within_s=60)
        await one.settle()
        assert await one.found() == BOTH
        assert (await one.sessions.open(KEY, "run-1")).lease.epoch > lease.epoch


@PATIENCE
async def test_a_node_of_a_cluster_that_starts_anew_is_checked_from_the_beginning(tmp_path: Path) -> None:
    topic = Topic()
    async with cluster(tmp_path) as servers, worker(servers.settings, topic) as one:
        await one.settle()
        await one.write(topic, DECISION, INTENT)
        assert one.trust.token
        await one.guard.note(one.trust.token, {0: 2})
        holds = servers.primaries[2]  # which has no replica, and not the guard
        async with admin(holds) as node:
            assert await node.exists(KEY.meta), "the session has moved to another node; name another one"
        holds.kill()
        for file in holds.folder.rglob("appendonlydir/*"):
            file.unlink()
        settings = {"cluster_enabled": "yes", "cluster_node_timeout": 1000}
        async with server(holds.folder, port=holds.port, **settings):
            await until(lambda: refused(one), within_s=60)
            await one.settle()
            assert set(topic.read_from) == {0}, "no checkpoint is trusted"
            assert await one.found() == BOTH
