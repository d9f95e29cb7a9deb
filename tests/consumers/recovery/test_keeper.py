"""A Redis that was emptied, restarted or set back: nobody works with it until it has been given back what it lost."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis as Client

from consumers.app.redis_settings import Redis
from consumers.errors import UnavailableError
from consumers.local.redis_server import local_redis
from consumers.ports.sessions import FencedError, SessionLostError
from consumers.recovery import keeper
from consumers.telemetry.metrics import REBUILDS, REBUILT_RUNS, REDIS_CHECKED
from tests.consumers.recovery.store_world import DECISION, INTENT, KEY, Topic, Worker, worker

BOTH = {DECISION.place, INTENT.place}


def silent(what: str, done: int, total: int) -> None:
    del what, done, total


class Server:
    """One Redis, killed and started again on the same folder and port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._exits = AsyncExitStack()
        self._port: int | None = None

    async def start(self) -> None:
        url = await self._exits.enter_async_context(local_redis(self.folder, port=self._port))
        self._port = int(url.rsplit(":", 1)[1].partition("/")[0])
        self.settings = Redis(url=url)

    async def stop(self) -> None:
        await self._exits.aclose()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def command(self, *words: Any) -> Any:
        async with Client.from_url(self.settings.url, protocol=2) as client:
            return await client.execute_command(*words)

    def saved(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.folder.rglob("appendonlydir/*")}


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    made = Server(tmp_path)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def topic() -> Topic:
    return Topic()


@pytest_asyncio.fixture
async def one(server: Server, topic: Topic) -> AsyncIterator[Worker]:
    async with worker(server.settings, topic) as made:
        yield made


async def test_nothing_is_worked_before_the_store_is_checked(one: Worker) -> None:
    with pytest.raises(UnavailableError):
        await one.sessions.open(KEY, "run-1")
    await one.settle()
    await one.sessions.open(KEY, "run-1")
    assert one.told[-1] is None
    assert one.metrics.value(REDIS_CHECKED) == 1


async def test_a_store_that_was_checked_is_not_checked_by_the_next_worker(
    server: Server, topic: Topic, one: Worker
) -> None:
    await one.settle()
    await one.write(topic, DECISION)
    async with worker(server.settings, topic) as other:
        await other.settle()
        assert await other.found() == {DECISION.place}
        assert other.metrics.value(REBUILDS, "complete") == 0
    assert topic.read_from == [0]


async def test_a_store_that_is_emptied_refuses_whoever_comes_and_is_given_back_what_it_had(
    server: Server, topic: Topic, one: Worker
) -> None:
    await one.settle()
    await one.write(topic, DECISION, INTENT)
    await server.command("FLUSHALL")
    for ask in (one.sessions.open(KEY, "run-1"), one.sessions.read(KEY, "run-1")):
        with pytest.raises(UnavailableError, match="emptied"):
            await ask
    with pytest.raises(UnavailableError, match="emptied"):
        await one.sessions.cancel(KEY, "run-1", {"operator": "ann"})
    assert one.trust.doubted.is_set()
    await one.settle()
    assert await one.found() == BOTH
    assert one.metrics.value(REBUILT_RUNS) == 1


async def test_a_lease_ends_with_the_store_that_gave_it(server: Server, topic: Topic, one: Worker) -> None:
    await one.settle()
    lease = await one.write(topic, DECISION)
    other = (await one.sessions.open(KEY, "run-1")).lease
    assert other.epoch > lease.epoch
    await server.command("FLUSHALL")
    await one.settle()
    with pytest.raises(FencedError, match="another one now"):
        await one.sessions.append(other, [INTENT])


async def test_a_lease_in_hand_notices_a_store_that_was_emptied(
    server: Server, topic: Topic, one: Worker
) -> None:
    await one.settle()
    lease = await one.write(topic, DECISION)
    await server.command("FLUSHALL")
    with pytest.raises(SessionLostError):
        await one.sessions.append(lease, [INTENT])
    assert one.trust.doubted.is_set()


async def test_a_server_that_starts_anew_is_not_spoken_to_until_it_is_checked(
    server: Server, topic: Topic, one: Worker
) -> None:
    await one.settle()
    await one.write(topic, DECISION)
    await server.restart()
    with pytest.raises(UnavailableError, match="started anew"):
        await one.sessions.open(KEY, "run-1")
    await one.settle()
    assert await one.found() == {DECISION.place}
    assert topic.read_from == [0, 0], "from where it was sure the first time"


async def test_a_store_that_went_back_in_time_is_given_back_what_came_after(
    server: Server, topic: Topic, one: Worker
) -> None:
    await one.settle()
    await one.write(topic, DECISION)
    await server.command("CONFIG", "SET", "appendfsync", "always")
    before = server.saved()
    lease = (await one.sessions.open(KEY, "run-1")).lease
    topic.publish(lease, DECISION, INTENT)
    await one.sessions.append(lease, [INTENT])
    await server.stop()
    for path, content in before.items():
        path.write_bytes(content)
    await server.start()
    await one.settle()
    assert await one.found() == BOTH


async def test_only_what_is_not_surely_stored_is_read_again(
    server: Server, topic: Topic, one: Worker
) -> None:
    await one.settle()
    await one.write(topic, DECISION)
    assert one.trust.token
    await one.guard.note(one.trust.token, {0: len(topic.log)})
    await one.write(topic, INTENT)
    await server.restart()
    await one.settle()
    assert topic.read_from == [0, 1]
    assert await one.found() == BOTH


async def test_what_is_surely_stored_is_noted_a_while_later(
    topic: Topic, one: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "NOTE_S", 0.0)
    monkeypatch.setattr(keeper, "SETTLED_S", 0.0)
    await one.settle()
    await one.write(topic, DECISION, INTENT)
    watching = asyncio.create_task(one.keeper.watch(one.told.append))
    try:
        async with asyncio.timeout(20):
            while (await one.guard.look()).checkpoint != {0: 2}:
                one.trust.doubt()
                await asyncio.sleep(0.01)
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


async def test_a_note_of_the_store_before_is_void(server: Server, one: Worker) -> None:
    await one.settle()
    token = one.trust.token
    assert token
    await server.command("FLUSHALL")
    await one.settle()
    await one.guard.note(token, {0: 99})
    assert (await one.guard.look()).checkpoint == {0: 0}


async def test_of_several_workers_one_rebuilds(server: Server, topic: Topic) -> None:
    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(worker(server.settings, topic)) for _ in range(4)]
        await asyncio.gather(*(each.settle() for each in workers))
        assert sum(each.metrics.value(REBUILDS, "complete") for each in workers) == 1
        assert len({each.trust.token for each in workers}) == 1
        waited = [each for each in workers if any(why and "another worker" in why for why in each.told)]
        assert len(waited) == 3


async def test_a_rebuilding_that_is_broken_off_is_begun_again(topic: Topic, one: Worker) -> None:
    topic.away = 2
    await one.settle()
    assert [why for why in one.told if why and "no Kafka broker" in why] != []
    assert one.told[-1] is None


async def test_a_store_that_is_emptied_while_it_is_rebuilt_is_rebuilt_once_more(
    server: Server, topic: Topic, one: Worker
) -> None:
    await one.settle()
    await one.write(topic, DECISION, INTENT)
    await server.command("FLUSHALL")
    read, flushed = topic.read, False

    async def emptied_meanwhile(parts: Any) -> Any:
        nonlocal flushed
        async for each in read(parts):
            if not flushed:
                flushed = True
                await server.command("FLUSHALL")
            yield each

    topic.read = emptied_meanwhile  # pyright: ignore[reportAttributeAccessIssue] - a generator either way
    await one.settle()
    assert flushed
    assert await one.found() == BOTH


async def test_a_store_that_lacks_what_it_acknowledged_and_does_not_know_is_rebuilt_from_the_beginning(
    server: Server, topic: Topic, one: Worker
) -> None:
    await one.settle()
    lease = await one.write(topic, DECISION, INTENT)
    assert one.trust.token
    await one.guard.note(one.trust.token, {0: 2})
    await server.command("DEL", KEY.meta, KEY.journal("run-1"))
    with pytest.raises(SessionLostError):
        await one.sessions.append(lease, [DECISION])
    await one.settle()
    assert await one.found() == BOTH
    assert topic.read_from[-1] == 0


async def test_an_operator_has_it_rebuilt_from_the_beginning(
    server: Server, topic: Topic, one: Worker
) -> None:
    await one.settle()
    await one.write(topic, DECISION)
    await server.command("DEL", KEY.meta, KEY.journal("run-1"))
    async with worker(server.settings, topic) as tool:
        said: list[tuple[str, int, int]] = []
        rebuilt = await tool.keeper.rebuild(lambda what, done, total: said.append((what, done, total)))
    assert rebuilt
    assert (rebuilt.steps, rebuilt.sessions, rebuilt.runs, rebuilt.complete) == (1, 1, 1, True)
    assert said[-1] == ("sessions", 1, 1)
    await one.settle()
    assert await one.found() == {DECISION.place}


LATELY = datetime.now(UTC)
LONG_AGO = LATELY - timedelta(days=8)


@pytest.mark.parametrize(
    ("change", "complete"),
    [
        ({}, True),
        ({"there": False}, False),
        ({"first": 1, "at": LATELY}, False),
        ({"first": 1, "at": LONG_AGO}, True),
    ],
    ids=["whole", "no topic", "its beginning is gone", "only what was long over is gone"],
)
async def test_what_may_be_missing_is_known(
    server: Server, topic: Topic, change: dict[str, Any], complete: bool
) -> None:
    async with worker(server.settings, Topic()) as before:
        await before.settle()
        await before.write(topic, DECISION, INTENT)
    await server.command("FLUSHALL")
    async with worker(server.settings, replace(topic, **change)) as one:
        await one.settle()
        opened = await one.sessions.open(KEY, "run-1")
        assert (opened.lost_before is None) is complete
        assert opened.may_lack(datetime.now(UTC)) is not complete


async def test_a_topic_that_was_made_anew_tells_less_than_the_store_had(
    server: Server, topic: Topic, one: Worker
) -> None:
    await one.settle()
    assert one.trust.token
    await one.guard.note(one.trust.token, {0: 5})
    topic.log.clear()
    await server.restart()
    await one.settle()
    assert (await one.sessions.open(KEY, "run-1")).lost_before is not None


async def test_a_step_that_cannot_be_read_may_be_missed(topic: Topic, one: Worker) -> None:
    topic.log.append(None)
    await one.settle()
    assert (await one.sessions.open(KEY, "run-1")).lost_before is not None
    assert one.metrics.value(REBUILDS, "incomplete") == 1


async def test_without_rebuilding_the_store_is_taken_as_it_is_and_may_lack_something(
    server: Server, topic: Topic
) -> None:
    async with worker(server.settings, topic, rebuilds=False) as one:
        await one.settle()
        assert topic.read_from == []
        assert (await one.sessions.open(KEY, "run-1")).lost_before is not None


async def test_a_memory_that_is_damaged_costs_no_run(server: Server, topic: Topic, one: Worker) -> None:
    await one.settle()
    await one.write(topic, DECISION, INTENT)
    last = topic.log[-1]
    assert last
    topic.log[-1] = replace(last, memory={"runs": 7})
    await server.command("FLUSHALL")
    async with worker(server.settings, topic) as other:
        rebuilt = await other.keeper.rebuild(silent)
    assert rebuilt
    assert (rebuilt.damaged, rebuilt.runs) == (1, 1)
    await one.settle()
    assert await one.found() == BOTH


async def test_what_redis_has_of_a_session_and_cannot_be_read_costs_no_run(
    server: Server, topic: Topic, one: Worker
) -> None:
    await one.settle()
    await one.write(topic, DECISION)
    last = topic.log[-1]
    assert last
    topic.log[-1] = replace(last, memory={"version": 2, "runs": []})
    await server.command("SET", KEY.context, "{")
    rebuilt = await one.keeper.rebuild(silent)
    assert rebuilt
    assert (rebuilt.damaged, rebuilt.runs) == (1, 1)
