"""What every `ConsumerGroup` does: several members."""

from consumers.errors import PointsmanError
from consumers.ports.consumer_group import Committed, PartitionId
from tests.contracts.group_cases import group_name
from tests.contracts.port_stage import PortStage, until
from tests.contracts.puppet import Puppet, playing


async def two_members_share_and_one_that_leaves_is_replaced_at_once(stage: PortStage) -> None:
    topic, name = await stage.new_topic(4), group_name()
    one, two = (Puppet(stage.member(name, session_s=30)) for _ in range(2))
    async with playing(topic, one):
        assert len(await one.assigned(4)) == 4
        alone = one.generations[-1]
        async with playing(topic, two):
            shared = await one.assigned(2, after_generation=alone) | await two.assigned(2)
            assert shared == {PartitionId(topic, number) for number in range(4)}
            assert one.generations[-1] == two.generations[-1] > alone
        await two.group.stop()
        await until(lambda: len(one.owned) == 4, within_s=15)
        assert one.generations[-1] > two.generations[-1]


async def a_member_that_crashed_is_replaced_after_its_session(stage: PortStage) -> None:
    topic, name = await stage.new_topic(2), group_name()
    one, two = (Puppet(stage.member(name, session_s=2)) for _ in range(2))
    async with playing(topic, one, two):
        await one.assigned(1)
        await two.assigned(1)
        shared = two.generations[-1]
        await stage.crash(two.group)
        await one.assigned(2, after_generation=shared)


async def others_get_nothing_before_on_revoked_has_returned(stage: PortStage) -> None:
    topic, name = await stage.new_topic(2), group_name()
    for partition in range(2):
        await stage.publish(topic, [b"r"] * 20, partition)
    notes: list[str] = []

    async def take_time(puppet: Puppet) -> None:
        # As long as it takes to commit, which is what one does here.
        for offset in range(20):
            await puppet.group.commit(dict.fromkeys(puppet.owned, Committed(offset)))

    one = Puppet(stage.member(name), revoking=take_time, notes=notes)
    two = Puppet(stage.member(name), notes=notes)
    async with playing(topic, one):
        await one.assigned(2)
        async with playing(topic, two):
            (pid,) = await two.assigned(1)
            assert notes[:4] == [
                f"{one.name} has 2",
                f"{one.name} gives",
                f"{one.name} gave",
                *[note for note in notes[3:4] if note.endswith("has 1")],
            ]
            assert (await two.group.committed({pid}))[pid] == Committed(19)


async def a_member_that_is_to_join_again_may_commit_and_is_not_confirmed(stage: PortStage) -> None:
    """The group goes on without it at the end of a rebalance that has begun already: a yes would promise too much."""
    topic, name = await stage.new_topic(2), group_name()
    for partition in range(2):
        await stage.publish(topic, [b"r"] * 9, partition)
    told: list[bool] = []

    async def ask(puppet: Puppet) -> None:
        told.append(await puppet.group.confirm())
        await puppet.group.commit(dict.fromkeys(puppet.owned, Committed(3)))

    one, two = Puppet(stage.member(name), revoking=ask), Puppet(stage.member(name))
    async with playing(topic, one):
        await one.assigned(2)
        async with playing(topic, two):
            (pid,) = await two.assigned(1)
            assert told == [False]
            assert await two.group.committed({pid}) == {pid: Committed(3)}


async def a_position_of_the_last_assignment_is_not_told(stage: PortStage) -> None:
    topic, name = await stage.new_topic(2), group_name()
    for partition in range(2):
        await stage.publish(topic, [b"a", b"b", b"c"], partition)
    told: list[int | None] = []

    class Asking(Puppet):
        def on_assigned(self, partitions: frozenset[PartitionId], generation: int) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - what is given
            told.extend(self.group.position(pid) for pid in sorted(partitions))
            super().on_assigned(partitions, generation)

    one, two = Asking(stage.member(name)), Puppet(stage.member(name))
    async with playing(topic, one):
        await until(lambda: len(one.records) == 6)
        async with playing(topic, two):
            await two.assigned(1)
            await one.assigned(1)
            assert told == [None] * 3
    assert [one.group.position(PartitionId(topic, number)) for number in (0, 1)].count(None) >= 1


async def records_come_again_from_the_commit_after_a_rebalance(stage: PortStage) -> None:
    topic, name = await stage.new_topic(2), group_name()
    for partition in range(2):
        await stage.publish(topic, [b"a", b"b", b"c"], partition)
    one, two = (Puppet(stage.member(name)) for _ in range(2))
    async with playing(topic, one):
        await until(lambda: len(one.records) == 6)
        await one.group.commit(dict.fromkeys(one.owned, Committed(2)))
        async with playing(topic, two):
            await until(lambda: len(one.records) == 7 and len(two.records) == 1)
            assert {one.records[-1].offset, two.records[-1].offset} == {2}
            assert one.records[-1].partition != two.records[-1].partition


async def a_commit_of_an_earlier_generation_changes_nothing(stage: PortStage) -> None:
    """What is committed late for partitions that were ours must not overwrite the commit of who has them now."""
    topic, name = await stage.new_topic(2), group_name()
    for partition in range(2):
        await stage.publish(topic, [b"r"] * 9, partition)
    one, two = (Puppet(stage.member(name)) for _ in range(2))
    async with playing(topic, one):
        before = await one.assigned(2)
        async with playing(topic, two):
            (pid,) = await two.assigned(1)
            await one.assigned(1)
            await two.group.commit({pid: Committed(5, "two")})
            refused = False
            try:
                await one.group.commit(dict.fromkeys(before, Committed(1, "one")))
            except PointsmanError:
                refused = True
            assert refused
            assert await two.group.committed({pid}) == {pid: Committed(5, "two")}


CASES = (
    two_members_share_and_one_that_leaves_is_replaced_at_once,
    a_member_that_crashed_is_replaced_after_its_session,
    others_get_nothing_before_on_revoked_has_returned,
    a_member_that_is_to_join_again_may_commit_and_is_not_confirmed,
    a_position_of_the_last_assignment_is_not_told,
    records_come_again_from_the_commit_after_a_rebalance,
    a_commit_of_an_earlier_generation_changes_nothing,
)
