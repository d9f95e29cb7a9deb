"""What every `ConsumerGroup` does: with one member."""

import asyncio
from uuid import uuid4

import pytest

from consumers.errors import HaltError
from consumers.ports.consumer_group import Committed, PartitionId, PartitionsLostError
from tests.contracts.port_stage import PortStage, message, until
from tests.contracts.puppet import Puppet, joined, playing

VALUES = [b"%d" % number for number in range(10)]


def group_name() -> str:
    return f"group-{uuid4().hex[:8]}"


async def nothing_is_delivered_before_seek_and_resume(stage: PortStage) -> None:
    topic = await stage.new_topic()
    await stage.publish(topic, VALUES)
    puppet = Puppet(stage.member(group_name()), begins=False)
    async with joined(puppet, topic) as (pid,):
        for _ in range(5):
            await puppet.poll()
        assert not puppet.records
        puppet.group.seek(pid, 4)
        for _ in range(3):
            await puppet.poll()
        assert not puppet.records
        puppet.group.resume({pid})
        while len(puppet.records) < 6:
            await puppet.poll()
        assert puppet.values == VALUES[4:]
        assert puppet.group.position(pid) == puppet.group.end(pid) == 10


async def a_paused_partition_goes_on_where_it_stopped(stage: PortStage) -> None:
    topic = await stage.new_topic()
    await stage.publish(topic, VALUES)
    puppet = Puppet(stage.member(group_name()), begins=False)
    async with joined(puppet, topic) as (pid,):
        await puppet.begin({pid})
        while len(puppet.records) < 3:
            await puppet.poll(max_records=3 - len(puppet.records))
        puppet.group.pause({pid})
        for _ in range(5):
            await puppet.poll()
        assert puppet.values == VALUES[:3]
        assert puppet.group.position(pid) == 3
        puppet.group.resume({pid})
        while len(puppet.records) < 10:
            await puppet.poll()
        assert puppet.values == VALUES


async def a_seek_drops_what_was_fetched_ahead(stage: PortStage) -> None:
    topic = await stage.new_topic()
    await stage.publish(topic, VALUES)
    puppet = Puppet(stage.member(group_name()), begins=False)
    async with joined(puppet, topic) as (pid,):
        await puppet.begin({pid})
        while not puppet.records:
            await puppet.poll(max_records=1)
        puppet.group.seek(pid, 8)
        while len(puppet.records) < 3:
            await puppet.poll()
        assert puppet.values == [b"0", b"8", b"9"]


async def partitions_that_are_not_ours_are_ignored(stage: PortStage) -> None:
    topic = await stage.new_topic()
    puppet = Puppet(stage.member(group_name()))
    async with joined(puppet, topic):
        other = PartitionId(topic, 7)
        puppet.group.pause({other})
        puppet.group.resume({other})
        puppet.group.seek(other, 1)
        assert puppet.group.position(other) is None
        assert puppet.group.end(other) is None


async def a_commit_keeps_its_metadata(stage: PortStage) -> None:
    topic = await stage.new_topic(2)
    await stage.publish(topic, VALUES, 1)
    name = group_name()
    puppet = Puppet(stage.member(name))
    async with joined(puppet, topic, 2):
        wanted = Committed(7, "v1|7+é")
        assert await puppet.group.committed(puppet.owned) == {}
        await puppet.group.commit({PartitionId(topic, 1): wanted})
        assert await puppet.group.committed(puppet.owned) == {PartitionId(topic, 1): wanted}


async def a_commit_for_what_is_not_assigned_is_refused(stage: PortStage) -> None:
    topic = await stage.new_topic()
    puppet = Puppet(stage.member(group_name()))
    async with joined(puppet, topic) as (pid,):
        with pytest.raises(PartitionsLostError):
            await puppet.group.commit({pid: Committed(1), PartitionId(topic, 7): Committed(1)})
        assert await puppet.group.committed({pid}) == {}


async def a_member_that_was_put_out_commits_nothing(stage: PortStage) -> None:
    topic = await stage.new_topic()
    await stage.publish(topic, VALUES)
    puppet = Puppet(stage.member(group_name()))
    async with joined(puppet, topic) as (pid,):
        await puppet.group.commit({pid: Committed(1)})
        await stage.put_out(puppet.group)
        with pytest.raises(PartitionsLostError):
            await puppet.group.commit({pid: Committed(2)})
        assert await puppet.group.committed({pid}) == {pid: Committed(1)}


async def a_member_is_confirmed_until_it_is_put_out(stage: PortStage) -> None:
    topic = await stage.new_topic()
    puppet = Puppet(stage.member(group_name()))
    async with joined(puppet, topic):
        assert await puppet.group.confirm()
        await stage.put_out(puppet.group)
        assert not await puppet.group.confirm()


async def a_member_that_was_put_out_joins_again(stage: PortStage) -> None:
    topic = await stage.new_topic()
    puppet = Puppet(stage.member(group_name(), session_s=2))
    async with playing(topic, puppet):
        await puppet.assigned(1)
        first = puppet.generations[-1]
        await stage.put_out(puppet.group)
        await puppet.assigned(1, after_generation=first)
        assert await puppet.group.confirm()


async def more_metadata_than_the_broker_takes_halts(stage: PortStage) -> None:
    topic = await stage.new_topic()
    await stage.publish(topic, VALUES)
    puppet = Puppet(stage.member(group_name()))
    async with joined(puppet, topic) as (pid,):
        await puppet.group.commit({pid: Committed(1, "m" * 4096)})
        with pytest.raises(HaltError, match=r"offset\.metadata\.max\.bytes"):
            await puppet.group.commit({pid: Committed(2, "m" * 4097)})
        assert await puppet.group.committed({pid}) == {pid: Committed(1, "m" * 4096)}


async def a_topic_that_does_not_exist_halts(stage: PortStage) -> None:
    topic = await stage.new_topic()
    puppet = Puppet(stage.member(group_name()))
    with pytest.raises(HaltError, match=r"no-such.*pointsman topics create"):
        await puppet.group.start(frozenset({topic, "no-such"}), puppet)


async def the_position_passes_what_nobody_is_given(stage: PortStage) -> None:
    topic, other = await stage.new_topic(), await stage.new_topic()
    transactions = await stage.opener(group_name()).open(PartitionId(other, 0))
    await transactions.commit([message(topic, b"one")], Committed(1))
    puppet = Puppet(stage.member(group_name()))
    async with joined(puppet, topic) as (pid,):
        # The record, and the marker behind it.
        while puppet.group.position(pid) != 2:
            await puppet.poll()
        assert puppet.values == [b"one"]
        while puppet.group.end(pid) != 2:
            await puppet.poll()
    await transactions.close()


async def a_group_without_a_commit_begins_where_it_was_told_to(stage: PortStage) -> None:
    topic = await stage.new_topic()
    await stage.publish(topic, VALUES)
    for from_end, expected in ((False, 0), (True, 10)):
        puppet = Puppet(stage.member(group_name(), from_end=from_end))
        async with joined(puppet, topic) as (pid,):
            assert await puppet.group.start_offset(pid) == expected


async def an_error_of_the_listener_comes_out_of_the_poll(stage: PortStage) -> None:
    topic = await stage.new_topic()

    class Careless(Puppet):
        def on_assigned(self, partitions: object, generation: int) -> None:
            raise LookupError("on purpose")

    puppet = Careless(stage.member(group_name()))
    await puppet.group.start(frozenset({topic}), puppet)
    with pytest.raises(LookupError, match="on purpose"):
        async with asyncio.timeout(20):
            while True:
                await puppet.poll()


async def stopping_tells_no_listener(stage: PortStage) -> None:
    topic = await stage.new_topic()
    puppet = Puppet(stage.member(group_name()))
    async with joined(puppet, topic):
        await puppet.group.stop()
        assert puppet.notes == [f"{puppet.name} has 1"]


async def a_poll_that_was_cancelled_loses_nothing(stage: PortStage) -> None:
    topic = await stage.new_topic()
    puppet = Puppet(stage.member(group_name()))
    async with joined(puppet, topic) as (pid,):
        await until(lambda: puppet.group.position(pid) == 0)
        waiting = asyncio.create_task(puppet.poll(timeout_s=5))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        await stage.publish(topic, VALUES)
        while len(puppet.records) < 10:
            await puppet.poll()
        assert puppet.values == VALUES


CASES = (
    nothing_is_delivered_before_seek_and_resume,
    a_paused_partition_goes_on_where_it_stopped,
    a_seek_drops_what_was_fetched_ahead,
    partitions_that_are_not_ours_are_ignored,
    a_commit_keeps_its_metadata,
    a_commit_for_what_is_not_assigned_is_refused,
    a_member_that_was_put_out_commits_nothing,
    a_member_is_confirmed_until_it_is_put_out,
    a_member_that_was_put_out_joins_again,
    more_metadata_than_the_broker_takes_halts,
    a_topic_that_does_not_exist_halts,
    the_position_passes_what_nobody_is_given,
    a_group_without_a_commit_begins_where_it_was_told_to,
    an_error_of_the_listener_comes_out_of_the_poll,
    stopping_tells_no_listener,
    a_poll_that_was_cancelled_loses_nothing,
)
