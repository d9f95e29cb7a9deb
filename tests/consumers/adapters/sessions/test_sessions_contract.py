"""What every `Sessions` adapter does; the shipped fake and Redis answer the same questions."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from consumers.adapters.memory_sessions import MemorySessions
from consumers.ports.sessions import (
    Entry,
    FencedError,
    JournalFullError,
    Lease,
    RunsOpenError,
    SessionBusyError,
    SessionDamagedError,
    SessionLostError,
    Sessions,
)
from consumers.session.context import Context
from consumers.session.key import SessionKey
from tests.consumers.adapters.sessions.session_stores import (
    CONTEXT,
    KEY,
    LIMITS,
    HandClock,
    Store,
    in_memory,
    in_private,
    in_redis,
)

A = Entry("t1/decision", {"calls": ["erp.find_order"]})
B = Entry("t1/c0/intent", {"key": "k1"})
C = Entry("t1/c0/result", {"status": "done"})
CANCEL = Entry("cancel", {"by": "maria"})
AT = datetime(2026, 11, 24, tzinfo=UTC)
OTHER_B = Entry(B.place, {"key": "another"})


@pytest.fixture(params=["memory", "private", "redis", "redis_cluster", "redis_by_sentinel"])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "private":
        return in_private(in_memory())
    return in_memory() if request.param == "memory" else in_redis(request.getfixturevalue(request.param))


@pytest.fixture
def sessions(store: Store) -> Sessions:
    return store.sessions


async def lease_of(sessions: Sessions, run_id: str = "run-1", key: SessionKey = KEY) -> Lease:
    return (await sessions.open(key, run_id)).lease


async def test_a_new_session_has_no_history(sessions: Sessions) -> None:
    opened = await sessions.open(KEY, "run-1")
    assert (opened.lease.key, opened.lease.run_id) == (KEY, "run-1")
    assert opened.context == Context()
    assert opened.entries == {}


async def test_what_was_appended_is_read_by_whoever_takes_the_run_over(sessions: Sessions) -> None:
    lease = await lease_of(sessions)
    assert await sessions.append(lease, [A, B]) == [A, B]
    assert await sessions.append(lease, [C]) == [C]
    assert (await sessions.open(KEY, "run-1")).entries == {A.place: A.body, B.place: B.body, C.place: C.body}


async def test_reading_a_run_takes_no_lease(sessions: Sessions) -> None:
    lease = await lease_of(sessions)
    await sessions.append(lease, [A])
    assert await sessions.read(KEY, "run-1") == {A.place: A.body}
    assert await sessions.read(KEY, "run-2") == {}
    assert await sessions.append(lease, [B]) == [B]


async def test_another_run_of_the_session_waits_no_longer_than_a_second(sessions: Sessions) -> None:
    await lease_of(sessions)
    with pytest.raises(SessionBusyError) as raised:
        await sessions.open(KEY, "run-2")
    assert raised.value.after_s is not None
    assert 0 < raised.value.after_s <= 1


async def test_sessions_and_tenants_do_not_wait_for_each_other(sessions: Sessions) -> None:
    leases = [
        await lease_of(sessions, key=key)
        for key in (KEY, SessionKey("acme", "order-43"), SessionKey("other", KEY.session_id))
    ]
    for lease in leases:
        assert await sessions.append(lease, [A]) == [A]


async def test_taking_a_run_over_fences_its_former_worker(sessions: Sessions) -> None:
    former = await lease_of(sessions)
    latter = await lease_of(sessions)
    assert latter.epoch > former.epoch
    with pytest.raises(FencedError):
        await sessions.append(former, [A])
    with pytest.raises(FencedError):
        await sessions.close(former, [A], CONTEXT)
    assert await sessions.append(latter, [B]) == [B]
    assert await sessions.read(KEY, "run-1") == {B.place: B.body}


async def test_a_lapsed_lease_goes_to_the_next_run_and_fences_the_first(store: Store) -> None:
    lease = await lease_of(store.sessions)
    await store.lapse(KEY)
    await lease_of(store.sessions, "run-2")
    with pytest.raises(FencedError):
        await store.sessions.append(lease, [A])


async def test_a_lapsed_lease_that_nobody_took_goes_on_and_is_renewed(store: Store) -> None:
    lease = await lease_of(store.sessions)
    await store.lapse(KEY)
    assert await store.sessions.append(lease, [A]) == [A]
    with pytest.raises(SessionBusyError):
        await store.sessions.open(KEY, "run-2")


async def test_a_released_session_is_free_at_once_and_closed_to_the_old_lease(sessions: Sessions) -> None:
    lease = await lease_of(sessions)
    await sessions.append(lease, [A])
    await sessions.release(lease)
    await sessions.release(lease)
    with pytest.raises(FencedError):
        await sessions.append(lease, [B])
    await lease_of(sessions, "run-2")
    await sessions.release(lease)
    with pytest.raises(SessionBusyError):
        await sessions.open(KEY, "run-3")


async def test_an_earlier_entry_wins_and_nothing_after_it_is_written(sessions: Sessions) -> None:
    await sessions.append(await lease_of(sessions), [B])
    lease = await lease_of(sessions)
    assert await sessions.append(lease, [A, OTHER_B, C]) == [A, B]
    assert await sessions.read(KEY, "run-1") == {A.place: A.body, B.place: B.body}


async def test_one_place_twice_in_one_append_is_written_once(sessions: Sessions) -> None:
    lease = await lease_of(sessions)
    assert await sessions.append(lease, [B, B]) == [B, B]
    lease = await lease_of(sessions, "run-1")
    assert await sessions.append(lease, [C, OTHER_B]) == [C, B]
    assert await sessions.append(lease, [A, Entry(A.place, {"calls": []})]) == [A, A]


async def test_equal_values_are_equal_whatever_the_order_of_their_keys(sessions: Sessions) -> None:
    lease = await lease_of(sessions)
    first, second = Entry("event", {"a": 1, "b": [None, "é"]}), Entry("event", {"b": [None, "é"], "a": 1})
    await sessions.append(lease, [first])
    assert await sessions.append(lease, [second, A]) == [second, A]


async def test_an_append_repeated_after_a_lost_reply_changes_nothing(sessions: Sessions) -> None:
    lease = await lease_of(sessions)
    for _ in range(3):
        assert await sessions.append(lease, [A, B]) == [A, B]
    # Five are allowed: repeats did not count.
    assert len(await sessions.append(lease, [C, Entry("x", {}), Entry("y", {})])) == 3


async def test_of_sixteen_writers_of_one_place_one_wins_and_all_adopt_it(sessions: Sessions) -> None:
    lease = await lease_of(sessions)
    ours = [Entry(A.place, {"writer": writer}) for writer in range(16)]
    answers = await asyncio.gather(*(sessions.append(lease, [entry]) for entry in ours))
    assert sum(list(answer) == [entry] for answer, entry in zip(answers, ours, strict=True)) == 1
    assert all(list(answer) == list(answers[0]) for answer in answers)


async def test_of_sixteen_runs_that_open_a_session_one_gets_it(sessions: Sessions) -> None:
    opened = await asyncio.gather(
        *(sessions.open(KEY, f"run-{number}") for number in range(16)), return_exceptions=True
    )
    assert sum(isinstance(answer, SessionBusyError) for answer in opened) == 15


@pytest.mark.parametrize(
    "too_much", [[Entry(f"p{number}", {}) for number in range(5)], [Entry("p", {"text": "x" * 400})]]
)
async def test_a_full_journal_writes_nothing_of_an_append_and_can_still_close(
    sessions: Sessions, too_much: Sequence[Entry]
) -> None:
    lease = await lease_of(sessions)
    await sessions.append(lease, [A])
    with pytest.raises(JournalFullError, match=r"run-1.*limits are 5 and 400"):
        await sessions.append(lease, too_much)
    assert await sessions.read(KEY, "run-1") == {A.place: A.body}
    assert await sessions.close(lease, too_much, CONTEXT) == too_much


async def test_close_has_room_but_not_without_end(sessions: Sessions) -> None:
    lease = await lease_of(sessions)
    with pytest.raises(JournalFullError):
        await sessions.close(lease, [Entry("outcome", {"text": "x" * 800})], CONTEXT)
    assert await sessions.read(KEY, "run-1") == {}
    with pytest.raises(SessionBusyError):
        await sessions.open(KEY, "run-2")


async def test_closing_writes_the_context_and_frees_the_session(sessions: Sessions) -> None:
    lease = await lease_of(sessions)
    assert await sessions.close(lease, [A, C], CONTEXT) == [A, C]
    opened = await sessions.open(KEY, "run-2")
    assert opened.context == CONTEXT
    assert opened.entries == {}
    assert await sessions.read(KEY, "run-1") == {A.place: A.body, C.place: C.body}


async def test_a_close_that_meets_an_earlier_entry_closes_nothing(sessions: Sessions) -> None:
    await sessions.append(await lease_of(sessions), [B])
    lease = await lease_of(sessions)
    assert await sessions.close(lease, [OTHER_B, C], CONTEXT) == [B]
    with pytest.raises(SessionBusyError):
        await sessions.open(KEY, "run-2")
    assert (await sessions.open(KEY, "run-1")).context == Context()


async def test_a_close_repeated_after_a_lost_reply_is_told_that_it_worked(sessions: Sessions) -> None:
    lease = await lease_of(sessions)
    await sessions.close(lease, [A], CONTEXT)
    assert await sessions.close(lease, [A], CONTEXT) == [A]
    await sessions.close(await lease_of(sessions, "run-2"), [], Context())
    assert await sessions.close(lease, [A], CONTEXT) == [A]
    assert (await sessions.open(KEY, "run-3")).context == Context()  # and it did not happen again
    with pytest.raises(FencedError):
        await sessions.close(lease, [B], CONTEXT)


async def test_a_finished_run_can_be_opened_again_and_given_back(sessions: Sessions) -> None:
    await sessions.close(await lease_of(sessions), [C], CONTEXT)
    opened = await sessions.open(KEY, "run-1")
    assert (opened.entries, opened.context) == ({C.place: C.body}, CONTEXT)
    await sessions.release(opened.lease)
    assert await sessions.read(KEY, "run-1") == {C.place: C.body}


async def test_a_wiped_store_is_noticed_and_its_epochs_never_come_again(store: Store) -> None:
    lease = await lease_of(store.sessions)
    await store.sessions.append(lease, [A])
    await store.wipe()
    with pytest.raises(SessionLostError):
        await store.sessions.append(lease, [B])
    with pytest.raises(SessionLostError):
        await store.sessions.close(lease, [B], CONTEXT)
    await store.sessions.release(lease)
    # The same run opened anew: were its epoch the old one again, two workers would both think they hold it.
    assert (await lease_of(store.sessions)).epoch != lease.epoch
    with pytest.raises(FencedError):
        await store.sessions.append(lease, [B])


@pytest.mark.parametrize(
    "collision", [SessionKey("intruder", KEY.session_id), SessionKey(KEY.tenant, "another")]
)
async def test_keys_of_another_tenant_or_session_are_never_opened(
    sessions: Sessions, collision: SessionKey
) -> None:
    await sessions.release(await lease_of(sessions))
    object.__setattr__(collision, "tag", KEY.tag)
    with pytest.raises(SessionDamagedError, match="another tenant"):
        await sessions.open(collision, "run-2")


async def test_without_taking_over_a_run_that_is_worked_is_left_alone(sessions: Sessions) -> None:
    lease = await lease_of(sessions)
    with pytest.raises(SessionBusyError):
        await sessions.open(KEY, "run-1", take_over=False)
    assert await sessions.append(lease, [A]) == [A]
    await sessions.release(lease)
    assert (await sessions.open(KEY, "run-1", take_over=False)).entries == {A.place: A.body}


async def test_a_parked_run_frees_the_session_and_is_not_over(sessions: Sessions) -> None:
    lease = await lease_of(sessions)
    assert await sessions.park(lease, [A], CONTEXT) == [A]
    with pytest.raises(FencedError):
        await sessions.append(lease, [B])
    other = await sessions.open(KEY, "run-2")
    assert other.context == CONTEXT
    await sessions.release(other.lease)
    with pytest.raises(RunsOpenError, match="run-1"):
        await sessions.erase(KEY, AT)
    lease = await lease_of(sessions)
    assert await sessions.close(lease, [C], CONTEXT) == [C]
    assert await sessions.read(KEY, "run-1") == {A.place: A.body, C.place: C.body}


async def test_parking_repeated_after_a_lost_reply_is_told_that_it_worked(sessions: Sessions) -> None:
    lease = await lease_of(sessions)
    await sessions.park(lease, [A], CONTEXT)
    await sessions.close(await lease_of(sessions, "run-2"), [], Context())
    assert await sessions.park(lease, [A], CONTEXT) == [A]
    assert (await sessions.open(KEY, "run-3")).context == Context()  # and it did not happen again


async def test_closing_a_parked_run_with_the_lease_that_parked_it_is_no_repetition(
    sessions: Sessions,
) -> None:
    lease = await lease_of(sessions)
    await sessions.park(lease, [A], CONTEXT)
    with pytest.raises(FencedError):
        await sessions.close(lease, [A], CONTEXT)
    assert await sessions.cancel(KEY, "run-1", {"reason": "it is not over"})


async def test_a_cancellation_reaches_who_works_the_run(sessions: Sessions) -> None:
    lease = await lease_of(sessions)
    await sessions.append(lease, [A])
    assert await sessions.cancel(KEY, "run-1", CANCEL.body)
    assert await sessions.cancel(KEY, "run-1", {"by": "somebody else"}), "the first one stands"
    assert await sessions.append(lease, [B]) == [B, CANCEL]
    assert await sessions.append(lease, [B]) == [B, CANCEL], "told again, should the first answer be lost"
    assert (await sessions.open(KEY, "run-1")).entries == {
        A.place: A.body, B.place: B.body, CANCEL.place: CANCEL.body
    }  # fmt: skip


async def test_a_cancellation_takes_no_room(sessions: Sessions) -> None:
    lease = await lease_of(sessions)
    await sessions.append(lease, [A])
    assert await sessions.cancel(KEY, "run-1", {"reason": "x" * 400})
    assert len(await sessions.append(lease, [B, C, Entry("x", {}), Entry("y", {})])) == 5


async def test_a_cancellation_that_comes_too_late_or_for_nothing_is_not_written(sessions: Sessions) -> None:
    await sessions.close(await lease_of(sessions), [A], CONTEXT)
    assert not await sessions.cancel(KEY, "run-1", CANCEL.body)
    assert not await sessions.cancel(KEY, "run-2", CANCEL.body)
    assert await sessions.read(KEY, "run-1") == {A.place: A.body}
    assert await sessions.read(KEY, "run-2") == {}


async def test_closing_tells_a_cancellation_that_came_too_late(sessions: Sessions) -> None:
    lease = await lease_of(sessions)
    await sessions.append(lease, [A])
    await sessions.cancel(KEY, "run-1", CANCEL.body)
    assert await sessions.close(lease, [C], CONTEXT) == [C, CANCEL]
    assert (await sessions.open(KEY, "run-2")).context == CONTEXT


async def test_an_erased_session_remembers_that_its_runs_were_there_and_nothing_else(
    sessions: Sessions,
) -> None:
    for run in ("run-1", "run-2"):
        await sessions.close(await lease_of(sessions, run), [A], CONTEXT)
    assert len(await sessions.erase(KEY, AT)) == 2
    opened = await sessions.open(KEY, "run-1")
    assert opened.context == Context()
    assert opened.entries == {"erased": {"at": AT.isoformat()}}
    await sessions.release(opened.lease)
    assert len(await sessions.erase(KEY, AT)) == 2
    assert (await sessions.open(KEY, "run-3")).entries == {}


async def test_what_was_erased_is_not_written_again_by_who_let_the_lease_lapse(store: Store) -> None:
    lease = await lease_of(store.sessions)
    await store.lapse(KEY)
    assert await store.sessions.erase(KEY, AT) == ["run-1"]
    with pytest.raises(FencedError):
        await store.sessions.append(lease, [A])
    with pytest.raises(FencedError):
        await store.sessions.close(lease, [A], CONTEXT)
    assert (await store.sessions.open(KEY, "run-2")).context == Context()


async def test_a_session_that_is_worked_is_not_erased(sessions: Sessions) -> None:
    lease = await lease_of(sessions)
    await sessions.append(lease, [A])
    with pytest.raises(SessionBusyError, match=KEY.tag) as raised:
        await sessions.erase(KEY, AT)
    assert 0 < (raised.value.after_s or 0) <= LIMITS["lease_s"]
    assert await sessions.append(lease, [B]) == [B]


async def test_a_session_that_nobody_knows_is_erased_without_a_trace(sessions: Sessions) -> None:
    assert await sessions.erase(KEY, AT) == []
    assert (await sessions.open(KEY, "run-1")).entries == {}


async def test_a_lease_ends_in_time_although_the_clock_of_the_server_was_set_back(store: Store) -> None:
    await lease_of(store.sessions, "a dead worker's")
    await store.set_back(KEY)
    with pytest.raises(SessionBusyError) as raised:
        await lease_of(store.sessions, "run-2")
    assert 0 < (raised.value.after_s or 0) <= LIMITS["lease_s"]
    await store.lapse(KEY)
    assert (await lease_of(store.sessions, "run-2")).run_id == "run-2"


async def test_what_is_over_is_remembered_by_the_fake_for_its_time_and_no_longer() -> None:
    clock = HandClock()
    sessions = MemorySessions(clock, ttl_s=100.0)
    await sessions.close(await lease_of(sessions), [A], CONTEXT)
    clock.time += timedelta(seconds=99)
    assert await sessions.read(KEY, "run-1") == {A.place: A.body}
    assert (await sessions.open(KEY, "run-1")).context == CONTEXT
    clock.time += timedelta(seconds=99)
    assert await sessions.read(KEY, "run-1") == {A.place: A.body}, "it was opened meanwhile"
    clock.time += timedelta(seconds=1)
    assert await sessions.read(KEY, "run-1") == {}
    await sessions.release(await lease_of(sessions, "run-2"))
    clock.time += timedelta(seconds=99)
    await sessions.release(await lease_of(sessions, "run-2"))
    clock.time += timedelta(seconds=100)
    assert (await sessions.open(KEY, "run-2")).context == Context()


async def test_what_was_erased_is_remembered_by_the_fake_for_its_time_and_no_longer() -> None:
    clock = HandClock()
    sessions = MemorySessions(clock, ttl_s=100.0)
    await sessions.close(await lease_of(sessions), [A], CONTEXT)
    await sessions.erase(KEY, AT)
    clock.time += timedelta(seconds=99)
    assert set(await sessions.read(KEY, "run-1")) == {"erased"}
    clock.time += timedelta(seconds=1)
    assert await sessions.read(KEY, "run-1") == {}
