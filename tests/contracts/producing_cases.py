"""What every `Producer` and `Transactions` does."""

import asyncio

import pytest

from consumers.errors import DeadLetterError, HaltError, UnavailableError
from consumers.ports.consumer_group import Committed, PartitionId
from consumers.ports.producing import ProducerFencedError
from schemas.record import Outgoing
from tests.contracts.group_cases import group_name
from tests.contracts.port_stage import PortStage, message
from tests.contracts.puppet import Puppet, joined


async def messages_of_one_key_stay_in_order(stage: PortStage) -> None:
    topic = await stage.new_topic(3)
    producer = await stage.producer()

    async def send_all(key: bytes) -> None:
        for number in range(0, 20, 2):
            await producer.send([Outgoing(topic, key, b"%d" % each) for each in (number, number + 1)])

    await asyncio.gather(*(send_all(b"key-%d" % number) for number in range(8)))
    records = await stage.committed_records(topic)
    for number in range(8):
        values = [record.value for record in records if record.key == b"key-%d" % number]
        assert values == [b"%d" % each for each in range(20)]


async def what_is_published_is_what_is_read(stage: PortStage) -> None:
    topic = await stage.new_topic()
    producer = await stage.producer()
    headers = (("h", b"1"), ("other", b""), ("h", b"2"))
    sent = [
        Outgoing(topic, b"k", b"v", headers),
        Outgoing(topic, b"k", None, headers),
        Outgoing(topic, None, b"v"),
        Outgoing(topic, None, None, headers),
        Outgoing(topic, b"", b""),
    ]
    await producer.send(sent)
    await producer.send([])
    records = await stage.committed_records(topic)
    assert [Outgoing(r.topic, r.key, r.value, r.headers) for r in records] == sent
    assert [record.offset for record in records] == list(range(5))


async def a_message_that_is_too_large_is_a_dead_letter(stage: PortStage) -> None:
    topic = await stage.new_topic()
    producer = await stage.producer()
    large = b"\x00\xff" * (stage.largest_message // 2)
    for value in (_noise(stage.largest_message), _noise(12_000_000), large * 30):
        with pytest.raises(DeadLetterError) as refused:
            await producer.send([message(topic, value)])
        assert refused.value.reason == "output_refused"
    await producer.send([message(topic, b"goes on")])
    assert [record.value for record in await stage.committed_records(topic)] == [b"goes on"]


async def groups_sent_together_fail_one_by_one(stage: PortStage) -> None:
    topic = await stage.new_topic()
    producer = await stage.producer()
    groups = [
        [message(topic, b"one"), message(topic, b"two")],
        [],
        [message("no-such-topic", b"v")],
        [message(topic, b"three")],
        [message(topic, _noise(stage.largest_message))],
    ]
    errors = await producer.send_each(groups)
    assert [error and type(error) for error in errors] == [None, None, HaltError, None, DeadLetterError]
    await producer.send([message(topic, b"four")])
    values = [record.value for record in await stage.committed_records(topic)]
    assert values == [b"one", b"two", b"three", b"four"]


async def a_topic_that_does_not_exist_halts(stage: PortStage) -> None:
    producer = await stage.producer()
    with pytest.raises(HaltError, match="no-such-topic"):
        await producer.send([message("no-such-topic", b"v")])


async def outputs_and_offset_are_seen_together(stage: PortStage) -> None:
    source, target, name = await stage.new_topic(), await stage.new_topic(2), group_name()
    await stage.publish(source, [b"r"] * 9)
    pid = PartitionId(source, 0)
    puppet = Puppet(stage.member(name))
    async with joined(puppet, source):
        transactions = await stage.opener(name).open(pid)
        for number in range(3):
            wanted = Committed(number + 1, f"mark {number}")
            await transactions.commit(
                [message(target, b"%d" % number, key=b"%d" % key) for key in range(4)], wanted
            )
            while await puppet.group.committed({pid}) != {pid: wanted}:
                await puppet.poll()
        await transactions.close()
        records = await stage.committed_records(target)
        assert sorted(record.value or b"" for record in records) == [b"0"] * 4 + [b"1"] * 4 + [b"2"] * 4


async def an_offset_is_committed_without_outputs(stage: PortStage) -> None:
    source, name = await stage.new_topic(), group_name()
    await stage.publish(source, [b"r"] * 9)
    pid = PartitionId(source, 0)
    transactions = await stage.opener(name).open(pid)
    await transactions.commit([], Committed(3, "only"))
    await transactions.commit([Outgoing(source, None, None)], Committed(4, "tombstone"))
    await transactions.reopen()
    puppet = Puppet(stage.member(name))
    async with joined(puppet, source):
        assert await puppet.group.committed({pid}) == {pid: Committed(4, "tombstone")}
    await transactions.close()


async def a_second_opener_fences_the_first(stage: PortStage) -> None:
    source, target, name = await stage.new_topic(), await stage.new_topic(), group_name()
    pid = PartitionId(source, 0)
    first = await stage.opener(name).open(pid)
    await first.commit([message(target, b"first")], Committed(1))
    second = await stage.opener(name).open(pid)
    with pytest.raises(ProducerFencedError):
        await first.commit([message(target, b"too late")], Committed(2))
    await second.commit([message(target, b"second")], Committed(2, "second"))
    await second.reopen()  # what was committed is visible everywhere after it, and maybe not before
    assert [record.value for record in await stage.committed_records(target)] == [b"first", b"second"]
    await first.close()
    await second.close()


async def a_fenced_offset_is_not_committed(stage: PortStage) -> None:
    source, name = await stage.new_topic(), group_name()
    await stage.publish(source, [b"r"] * 9)
    pid = PartitionId(source, 0)
    first = await stage.opener(name).open(pid)
    second = await stage.opener(name).open(pid)
    with pytest.raises(ProducerFencedError):
        await first.commit([], Committed(9))
    await second.commit([], Committed(1))
    await second.reopen()
    puppet = Puppet(stage.member(name))
    async with joined(puppet, source):
        assert await puppet.group.committed({pid}) == {pid: Committed(1)}
    await first.close()
    await second.close()


async def a_refused_output_publishes_nothing(stage: PortStage) -> None:
    source, target, name = await stage.new_topic(), await stage.new_topic(), group_name()
    await stage.publish(source, [b"r"] * 9)
    pid = PartitionId(source, 0)
    transactions = await stage.opener(name).open(pid)
    await transactions.commit([message(target, b"before")], Committed(1))
    with pytest.raises(DeadLetterError):
        await transactions.commit(
            [message(target, b"with it"), message(target, _noise(stage.largest_message))], Committed(2)
        )
    with pytest.raises(UnavailableError):
        await transactions.commit([message(target, b"not reopened")], Committed(2))
    await transactions.reopen()
    await transactions.commit([message(target, b"after")], Committed(2, "after"))
    await transactions.reopen()
    assert [record.value for record in await stage.committed_records(target)] == [b"before", b"after"]
    puppet = Puppet(stage.member(name))
    async with joined(puppet, source):
        assert await puppet.group.committed({pid}) == {pid: Committed(2, "after")}
    await transactions.close()


async def more_metadata_than_the_broker_takes_halts(stage: PortStage) -> None:
    source, name = await stage.new_topic(), group_name()
    transactions = await stage.opener(name).open(PartitionId(source, 0))
    with pytest.raises(HaltError, match=r"offset\.metadata\.max\.bytes"):
        await transactions.commit([], Committed(2, "m" * 4097))
    await transactions.close()


async def an_output_to_no_topic_halts(stage: PortStage) -> None:
    source, name = await stage.new_topic(), group_name()
    transactions = await stage.opener(name).open(PartitionId(source, 0))
    with pytest.raises(HaltError, match="no-such-topic"):
        await transactions.commit([message("no-such-topic", b"v")], Committed(2))
    await transactions.close()


def _noise(size: int) -> bytes:
    """Bytes that no compression makes smaller."""
    state, found = 1, bytearray()
    while len(found) < min(size, 100_000):
        state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        found += state.to_bytes(8, "big")
    return bytes(found) * (size // len(found) + 1)


CASES = (
    messages_of_one_key_stay_in_order,
    what_is_published_is_what_is_read,
    a_message_that_is_too_large_is_a_dead_letter,
    groups_sent_together_fail_one_by_one,
    a_topic_that_does_not_exist_halts,
    outputs_and_offset_are_seen_together,
    an_offset_is_committed_without_outputs,
    a_second_opener_fences_the_first,
    a_fenced_offset_is_not_committed,
    a_refused_output_publishes_nothing,
    more_metadata_than_the_broker_takes_halts,
    an_output_to_no_topic_halts,
)
