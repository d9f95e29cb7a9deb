"""The fake broker's faults: what a worker may meet, each once and on purpose."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from consumers.errors import UnavailableError
from consumers.ports.consumer_group import Committed, PartitionId, PartitionsLostError
from schemas.record import Outgoing
from tests.contracts.port_stage import message
from tests.contracts.puppet import Puppet, joined
from tests.simulation.fake_broker import CommitSeen, FakeBroker
from tests.simulation.fake_group import FakeGroup
from tests.simulation.fake_link import Link
from tests.simulation.fake_producer import FakeProducer
from tests.simulation.fake_transactions import FakeTransactionsOpener
from tests.simulation.virtual_time import owned, run

IN, OUT = PartitionId("in", 0), PartitionId("out", 0)


def played(work: Callable[[FakeBroker], Awaitable[None]]) -> None:
    async def main() -> None:
        broker = FakeBroker(random.Random(7))
        broker.create_topic("in")
        broker.create_topic("out")
        try:
            await work(broker)
        finally:
            broker.close()

    run(main(), horizon_s=3600)


def once(name: str, do: Callable[[Link], None]) -> Callable[[Link, str], None]:
    """Return a hook that does something at the first call of this name."""
    left = [name]

    def hook(link: Link, call: str) -> None:
        if call in left:
            left.remove(call)
            do(link)

    return hook


def cut(link: Link) -> None:
    link.cut(1)


def values(broker: FakeBroker) -> list[bytes | None]:
    return [record.value for record in broker.read_committed("out")]


@pytest.mark.parametrize(("taken", "moment"), [(False, "before"), (True, "after")])
def test_a_commit_without_an_answer_may_have_been_taken(taken: bool, moment: str) -> None:
    async def work(broker: FakeBroker) -> None:
        seen: list[CommitSeen] = []
        broker.on_commit.append(seen.append)
        link = broker.connect("one")
        puppet = Puppet(FakeGroup(broker, link, group="g"))
        async with joined(puppet, "in") as (pid,):
            setattr(link, moment, once("commit", cut))
            with pytest.raises(UnavailableError):
                await puppet.group.commit({pid: Committed(1, "m")})
            assert broker.committed("g", pid) == (Committed(1, "m") if taken else None)
            assert [(one.before, one.after) for one in seen] == ([(None, Committed(1, "m"))] if taken else [])

    played(work)


def test_a_producer_without_an_answer_sends_nothing_twice() -> None:
    async def work(broker: FakeBroker) -> None:
        link = broker.connect("one")
        producer = FakeProducer(broker, link)
        link.after = once("produce", cut)
        await producer.send([message("out", b"%d" % number) for number in range(3)])
        await producer.send([message("out", b"3")])
        assert values(broker) == [b"0", b"1", b"2", b"3"]

    played(work)


def test_a_producer_goes_on_with_what_its_caller_gave_up() -> None:
    async def work(broker: FakeBroker) -> None:
        link = broker.connect("one")
        producer = FakeProducer(broker, link)
        link.cut(60)
        with pytest.raises(UnavailableError):
            await producer.send([message("out", b"late")])
        await asyncio.sleep(60)
        assert values(broker) == [b"late"]

    played(work)


@pytest.mark.parametrize(("there", "moment"), [(False, "before"), (True, "after")])
def test_a_crash_comes_right_before_or_right_after_an_effect(there: bool, moment: str) -> None:
    async def work(broker: FakeBroker) -> None:
        link = broker.connect("one")
        setattr(link, moment, once("produce", Link.crash))
        sending = owned("one", FakeProducer(broker, link).send([message("out", b"v")]))
        await asyncio.sleep(100)
        assert not sending.done()
        assert values(broker) == ([b"v"] if there else [])

    played(work)


def test_a_frozen_member_is_put_out_and_its_late_commit_refused() -> None:
    async def work(broker: FakeBroker) -> None:
        one = Puppet(FakeGroup(broker, broker.connect("one"), group="g", session_s=10))
        two = Puppet(FakeGroup(broker, broker.connect("two"), group="g", session_s=10))
        owned("one", one.run("in"))
        await one.assigned(1)
        owned("two", two.run("in"))
        await asyncio.sleep(20)
        name, owner, other = ("one", one, two) if one.owned else ("two", two, one)
        late = owned(name, owner.group.commit({IN: Committed(1, "late")}))
        broker.links[name].freeze(60)
        await asyncio.sleep(30)
        assert other.owned == {IN}
        await other.group.commit({IN: Committed(5, "mine")})
        with pytest.raises(PartitionsLostError):
            await late
        assert broker.committed("g", IN) == Committed(5, "mine")

    played(work)


@pytest.mark.parametrize(("committed", "moment"), [(False, "before"), (True, "after")])
def test_the_end_of_a_transaction_can_be_in_doubt(committed: bool, moment: str) -> None:
    async def work(broker: FakeBroker) -> None:
        link = broker.connect("one")
        transactions = await FakeTransactionsOpener(broker, link, group="g").open(IN)
        setattr(link, moment, once("end_txn", lambda link: link.cut(20)))
        with pytest.raises(UnavailableError):
            await transactions.commit([message("out", b"v")], Committed(1))
        await asyncio.sleep(10)
        await transactions.reopen()
        assert values(broker) == ([b"v"] if committed else [])
        assert broker.committed("g", IN) == (Committed(1) if committed else None)

    played(work)


def test_an_open_transaction_holds_readers_up_until_its_time_is_over() -> None:
    async def work(broker: FakeBroker) -> None:
        link = broker.connect("one")
        transactions = await FakeTransactionsOpener(broker, link, group="g").open(IN)
        link.before = once("end_txn", Link.crash)
        owned("one", transactions.commit([message("out", b"never seen")], Committed(1)))
        await asyncio.sleep(1)
        broker.publish("out", b"k", b"behind")
        log = broker.log(*OUT)
        assert (log.stable, log.end, values(broker)) == (0, 2, [])
        await asyncio.sleep(30)
        assert (log.stable, log.end, values(broker)) == (3, 3, [b"behind"])

    played(work)


def test_offsets_that_are_compacted_away_are_passed() -> None:
    async def work(broker: FakeBroker) -> None:
        for number in range(6):
            broker.publish("in", b"k", b"%d" % number)
        broker.log(*IN).compact([0, 2, 3, 5])
        puppet = Puppet(FakeGroup(broker, broker.connect("one"), group="g"))
        async with joined(puppet, "in") as (pid,):
            while puppet.group.position(pid) != 6:
                await puppet.poll()
            assert puppet.values == [b"1", b"4"]

    played(work)


def test_a_member_that_does_not_poll_is_put_out() -> None:
    async def work(broker: FakeBroker) -> None:
        puppet = Puppet(FakeGroup(broker, broker.connect("one"), group="g", max_poll_s=60))
        async with joined(puppet, "in"):
            await asyncio.sleep(59)
            assert await puppet.group.confirm()
            await asyncio.sleep(10)
            assert not await puppet.group.confirm()
            await puppet.poll()
            await asyncio.sleep(1)
            assert await puppet.group.confirm()

    played(work)


def test_a_keyless_message_may_go_anywhere() -> None:
    async def work(broker: FakeBroker) -> None:
        broker.create_topic("wide", 4)
        for _ in range(40):
            await FakeProducer(broker, broker.connect("one")).send([Outgoing("wide", None, b"v")])
        assert all(broker.log("wide", number).end for number in range(4))

    played(work)
