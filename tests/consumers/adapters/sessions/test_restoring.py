"""What every store does that is given back what it has forgotten."""

from typing import Any

import pytest

from consumers.ports.restoring import Restoring
from consumers.ports.sessions import Entry, FencedError, JournalFullError, Sessions
from consumers.session.context import Context
from consumers.session.refold import Refolded
from schemas.step import Step, StepKind
from tests.consumers.adapters.sessions.session_stores import (
    AT,
    CONTEXT,
    KEY,
    Store,
    context_with,
    in_memory,
    in_redis,
)

A = Entry("t1/decision", {"calls": ["erp.find_order"]})
B = Entry("t1/c0/intent", {"key": "k1"})
END = Entry("outcome", {"status": "success"})
ERASED = Entry("erased", {"at": AT.isoformat()})


@pytest.fixture(params=["memory", "redis", "redis_cluster", "redis_by_sentinel"])
def store(request: pytest.FixtureRequest) -> Store:
    return in_memory() if request.param == "memory" else in_redis(request.getfixturevalue(request.param))


@pytest.fixture
def sessions(store: Store) -> Sessions:
    return store.sessions


@pytest.fixture
def restoring(store: Store) -> Restoring:
    return store.restoring


def tells(
    *entries: Entry, memory: Context | None = None, forgets: bool = False, epoch: int = 0, runs: int = 1
) -> Refolded:
    told = {
        f"run-{number}": {entry.place: step(entry, f"run-{number}", epoch) for entry in entries}
        for number in range(1, runs + 1)
    }
    return Refolded(told, (memory,) if memory else (), forgets)


def step(entry: Entry, run: str, epoch: int) -> Step:
    ids = (f"{run}/{entry.place}", run, KEY.tenant, KEY.session_id, "e-1", "order.requested")
    kind = StepKind(entry.place.rpartition("/")[2])
    return Step(*ids, entry.place, kind, None, dict(entry.body), AT, epoch)


class BrokenOffError(Exception):
    """Whoever gave the session back died."""


class Broken(dict[str, Step]):
    """Steps at which whoever reads them dies."""

    def items(self) -> Any:
        raise BrokenOffError


async def found(sessions: Sessions) -> dict[str, Any]:
    return dict((await sessions.open(KEY, "run-1")).entries)


async def test_a_run_is_there_again_with_what_its_session_remembers(
    store: Store, sessions: Sessions, restoring: Restoring
) -> None:
    await store.wipe()
    await restoring.restore(KEY, tells(A, B, memory=CONTEXT))
    opened = await sessions.open(KEY, "run-1")
    assert opened.entries == {A.place: A.body, B.place: B.body}
    assert opened.context == CONTEXT


async def test_what_the_store_has_stays(sessions: Sessions, restoring: Restoring) -> None:
    lease = (await sessions.open(KEY, "run-1")).lease
    await sessions.close(lease, [A], context_with("earlier"))
    other = Entry(A.place, {"calls": ["erp.cancel_order"]})
    await restoring.restore(KEY, tells(other, B, memory=CONTEXT))
    opened = await sessions.open(KEY, "run-1")
    assert opened.entries == {A.place: A.body, B.place: B.body}
    assert [run.summary for run in opened.context.runs] == ["done"], "the same run, as it was told last"


async def test_a_run_that_went_another_way_than_a_store_which_went_back_becomes_what_was_told(
    sessions: Sessions, restoring: Restoring
) -> None:
    for run in ("run-1", "run-2"):
        lease = (await sessions.open(KEY, run)).lease
        await sessions.append(lease, [A, Entry("t1/c0/result", {"rows": 1})])
        await sessions.release(lease)
    another = Entry(A.place, {"calls": ["erp.cancel_order"]})
    await restoring.restore(KEY, tells(another, B, epoch=lease.epoch + 1, runs=2))
    for run in ("run-1", "run-2"):
        assert await sessions.read(KEY, run) == {another.place: another.body, B.place: B.body}


async def test_what_a_store_which_went_back_knows_beyond_what_was_told_stays_if_nothing_contradicts_it(
    sessions: Sessions, restoring: Restoring
) -> None:
    lease = (await sessions.open(KEY, "run-1")).lease
    more = Entry("t1/c0/result", {"rows": 1})
    await sessions.append(lease, [A, more])
    await restoring.restore(KEY, tells(A, B, epoch=lease.epoch + 1))
    assert await found(sessions) == {A.place: A.body, more.place: more.body, B.place: B.body}


async def test_giving_back_a_session_that_was_broken_off_after_one_of_its_runs_is_made_up_for(
    sessions: Sessions, restoring: Restoring
) -> None:
    lease = (await sessions.open(KEY, "run-2")).lease
    await sessions.append(lease, [A])
    another = Entry(A.place, {"calls": ["erp.cancel_order"]})
    whole = tells(another, epoch=lease.epoch + 1, runs=2)
    (_, steps), *_ = whole.runs.items()
    damaged = {"run-1": steps, "run-2": Broken()}
    with pytest.raises(BrokenOffError):
        await restoring.restore(KEY, Refolded(damaged, (), forgets=False))
    await restoring.restore(KEY, whole)
    assert await sessions.read(KEY, "run-2") == {another.place: another.body}


async def test_whoever_held_a_lease_is_fenced(sessions: Sessions, restoring: Restoring) -> None:
    lease = (await sessions.open(KEY, "run-1")).lease
    epoch = await restoring.restore(KEY, tells(A))
    assert epoch > lease.epoch
    with pytest.raises(FencedError):
        await sessions.append(lease, [B])
    assert (await sessions.open(KEY, "run-1")).lease.epoch > epoch
    assert await found(sessions) == {A.place: A.body}


async def test_it_may_be_repeated(sessions: Sessions, restoring: Restoring) -> None:
    for _ in range(3):
        await restoring.restore(KEY, tells(A, B, memory=CONTEXT))
    opened = await sessions.open(KEY, "run-1")
    assert opened.entries == {A.place: A.body, B.place: B.body}
    assert opened.context == CONTEXT


async def test_what_is_given_back_counts_towards_the_limits(sessions: Sessions, restoring: Restoring) -> None:
    several = [Entry(f"t{number}/decision", {}) for number in range(1, 5)]
    for _ in range(2):
        await restoring.restore(KEY, tells(*several))
    lease = (await sessions.open(KEY, "run-1")).lease
    await sessions.append(lease, [Entry("t5/decision", {})])
    with pytest.raises(JournalFullError):
        await sessions.append(lease, [Entry("t6/decision", {})])


async def test_a_run_that_ended_cannot_be_cancelled_any_more(
    sessions: Sessions, restoring: Restoring
) -> None:
    await restoring.restore(KEY, tells(A))
    assert await sessions.cancel(KEY, "run-1", {"operator": "ann"})
    await restoring.restore(KEY, tells(A, END))
    assert not await sessions.cancel(KEY, "run-1", {"operator": "bob"})


async def test_of_an_erased_run_nothing_comes_back_and_what_is_there_goes(
    sessions: Sessions, restoring: Restoring
) -> None:
    lease = (await sessions.open(KEY, "run-1")).lease
    await sessions.close(lease, [A, END], CONTEXT)
    await restoring.restore(KEY, tells(ERASED, forgets=True))
    opened = await sessions.open(KEY, "run-1")
    assert opened.entries == {ERASED.place: ERASED.body}
    assert opened.context == Context()
