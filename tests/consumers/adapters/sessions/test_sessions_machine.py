"""Two workers, zombies, lost replies, lapsing leases, a wiped server: in any order, the model's word holds.

A failure prints the steps, and the line that plays exactly them again (`@reproduce_failure`). For a long run:

    POINTSMAN_EXAMPLES=20000 pytest --timeout 0 tests/consumers/adapters/sessions/test_sessions_machine.py
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from consumers.adapters.redis_connection import connect
from consumers.adapters.redis_sessions import RedisSessions
from consumers.ports.sessions import (
    Entry,
    FencedError,
    JournalFullError,
    Lease,
    RunsOpenError,
    SessionBusyError,
    SessionLostError,
    Sessions,
)
from consumers.session import place
from consumers.session.context import Context
from consumers.session.key import SessionKey
from tests.consumers.adapters.sessions.session_stores import LIMITS, Store, context_with, in_memory, in_redis
from tests.consumers.adapters.sessions.sessions_model import Session, answered, size, written

EXAMPLES = int(os.environ.get("POINTSMAN_EXAMPLES", "0"))
PHASES = [phase for phase in settings().phases if phase is not Phase.explain]
"""Without explaining: it traces every line, and a failure would run into the test's time-out."""
KEYS = (SessionKey("acme", "order-{42}"), SessionKey("acme", "order-43"))
T = TypeVar("T")

bodies = st.fixed_dictionaries({"n": st.integers(0, 1)})
places = st.sampled_from(["p0", "p1", "p2", "p3"])
entries_lists = st.one_of(
    st.lists(st.builds(Entry, places, bodies), max_size=4),
    st.integers(0, 900).map(lambda length: [Entry("big", {"text": "x" * length})]),
)
workers = st.integers(0, 1)
keys = st.sampled_from(KEYS)
runs = st.sampled_from(["run-0", "run-1", "run-2"])
contexts = st.integers(0, 3).map(lambda n: context_with(str(n)))


@dataclass(frozen=True)
class Server:
    """A store, and its adapter in each of two workers."""

    store: Store
    workers: Sequence[Sessions]


class Interleaved(RuleBasedStateMachine):
    """Every call is one atomic step, so what is left to chance is their order, and which answers are lost.

    A lost answer is a repeated call: the client sends again what it knows not to be done.
    """

    leases = Bundle("leases")

    def __init__(self, server: Callable[[], Awaitable[Server]], runner: asyncio.Runner) -> None:
        super().__init__()
        self.runner = runner
        self.server = self.do(server())
        self.known = {key: Session() for key in KEYS}

    def do(self, call: Awaitable[T]) -> T:
        return self.runner.get_loop().run_until_complete(call)

    @rule(target=leases, worker=workers, key=keys, run=runs, take_over=st.booleans())
    def open(self, worker: int, key: SessionKey, run: str, take_over: bool) -> Any:
        session = self.known[key]
        opening = self.server.workers[worker].open(key, run, take_over=take_over)
        if session.keeps_out(run, take_over=take_over):
            with pytest.raises(SessionBusyError) as busy:
                self.do(opening)
            assert busy.value.after_s is not None
            assert 0 < busy.value.after_s <= 1
            return multiple()
        opened = self.do(opening)
        assert opened.lease.epoch > session.highest_epoch, "an epoch is never given twice"
        assert (opened.lease.key, opened.lease.run_id) == (key, run)
        assert opened.context == session.context
        assert opened.entries == session.journal(run)
        session.open(opened.lease)
        return opened.lease

    @rule(worker=workers, lease=leases, entries=entries_lists, times=st.integers(1, 2))
    def append(self, worker: int, lease: Lease, entries: list[Entry], times: int) -> None:
        for _ in range(times):
            self._written(lease, entries, room=1, call=self.server.workers[worker].append(lease, entries))
            if self.known[lease.key].holder == lease:
                self.known[lease.key].lapsed = False  # renewed, even where there was no room

    @rule(
        worker=workers,
        lease=leases,
        entries=entries_lists,
        context=contexts,
        ends=st.booleans(),
        times=st.integers(1, 2),
    )
    def leave(
        self, worker: int, lease: Lease, entries: list[Entry], context: Context, ends: bool, times: int
    ) -> None:
        session, sessions = self.known[lease.key], self.server.workers[worker]
        for _ in range(times):
            call = (sessions.close if ends else sessions.park)(lease, entries, context)
            if session.holder != lease and session.was_left_so(lease, entries, ends=ends):
                assert list(self.do(call)) == answered(session.journal(lease.run_id), entries)
            elif self._written(lease, entries, room=2, call=call):
                session.leave(lease, context, ends=ends)

    def _written(
        self, lease: Lease, entries: list[Entry], *, room: int, call: Awaitable[Sequence[Entry]]
    ) -> bool:
        """Check a call that writes, and return whether all of ours is there now."""
        session = self.known[lease.key]
        before = session.journal(lease.run_id)
        after = written(before, entries)
        many, much = size(after)
        if session.holder != lease:
            with pytest.raises(FencedError if session.there else SessionLostError):
                self.do(call)
            return False
        if after != before and (many > room * LIMITS["max_entries"] or much > room * LIMITS["max_bytes"]):
            with pytest.raises(JournalFullError):
                self.do(call)
            return False
        stored = list(self.do(call))
        assert stored == answered(before, entries)
        session.write(lease.run_id, entries)
        return stored[: len(entries)] == entries

    @rule(worker=workers, lease=leases)
    def release(self, worker: int, lease: Lease) -> None:
        self.do(self.server.workers[worker].release(lease))
        if self.known[lease.key].holder == lease:
            self.known[lease.key].holder = None

    @rule(worker=workers, key=keys, run=runs, operator=st.sampled_from(["ann", "bob"]))
    def cancel(self, worker: int, key: SessionKey, run: str, operator: str) -> None:
        session = self.known[key]
        stands = self.do(self.server.workers[worker].cancel(key, run, {"operator": operator}))
        assert stands == (run in session.unfinished())
        if stands:
            session.journals[run].setdefault(place.CANCEL, {"operator": operator})

    @rule(worker=workers, key=keys)
    def erase(self, worker: int, key: SessionKey) -> None:
        session, at = self.known[key], datetime(2026, 11, 24, tzinfo=UTC)
        erasing = self.server.workers[worker].erase(key, at)
        if session.holder and not session.lapsed:
            with pytest.raises(SessionBusyError):
                self.do(erasing)
        elif session.unfinished():
            with pytest.raises(RunsOpenError):
                self.do(erasing)
        else:
            assert set(self.do(erasing)) == session.opened
            session.erase({"at": at.isoformat()})

    @rule(key=keys)
    def let_time_pass(self, key: SessionKey) -> None:
        self.do(self.server.store.lapse(key))
        for session in self.known.values() if self.server.store.one_clock else [self.known[key]]:
            session.lapsed = True

    @rule()
    def wipe(self) -> None:
        self.do(self.server.store.wipe())
        for session in self.known.values():
            session.wipe()

    @invariant()
    def every_journal_is_what_was_acknowledged(self) -> None:
        for key, session in self.known.items():
            for run in session.opened:
                assert self.do(self.server.workers[0].read(key, run)) == session.journal(run)


def play(server: Callable[[], Awaitable[Server]], runner: asyncio.Runner, examples: int) -> None:
    run_state_machine_as_test(
        cast("type[Interleaved]", lambda: Interleaved(server, runner)),  # it is called, and nothing else
        settings=settings(
            max_examples=EXAMPLES or examples, stateful_step_count=40, deadline=None, phases=PHASES
        ),
    )


def test_on_the_fake() -> None:
    async def server() -> Server:
        store = in_memory()
        return Server(store, (store.sessions, store.sessions))

    with asyncio.Runner() as runner:
        play(server, runner, 300)


def test_on_redis(redis_url: str) -> None:
    with asyncio.Runner() as runner:
        redis = connect(redis_url)

        async def server() -> Server:
            await redis.flushall()
            store = in_redis(redis)
            return Server(store, (store.sessions, RedisSessions(redis, **LIMITS)))

        play(server, runner, 60)
        runner.run(redis.aclose())
