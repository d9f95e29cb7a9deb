"""Whatever somebody left in a journal: the run ends in order, or says what is damaged; it never acts on nonsense."""

import contextlib
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.errors import DeadLetterError, PointsmanError, RetryError
from consumers.ports.sessions import SessionDamagedError
from consumers.run.journal import CallStatus
from consumers.session import place, shapes
from consumers.session.key import SessionKey
from consumers.session.shapes import checked, sorted_out
from consumers.session.stored import DamagedError, Stored, read_journal
from schemas.approval import ApprovalRequest
from tests.consumers.run.shop_world import Crash, World
from tests.consumers.run.test_crashes import SCENARIOS, once_more, to_the_end
from tests.consumers.run.test_engine import answer, ordering

ODD = [None, 7, -1.5, "text", "", [], {}, [1], {"a": 1}, True, "2026-13-41T99:00:00Z", "2026-11-22T12:00:00"]


def journal_of(world: World) -> dict[str, bytes]:
    (journal,) = world.sessions._journals.values()  # pyright: ignore[reportPrivateUsage] - an operator's hand
    return journal.entries


async def test_a_damaged_entry_is_named_and_nothing_is_done() -> None:
    world = SCENARIOS["approved"]()
    request = await world.work()
    assert isinstance(request, ApprovalRequest)
    journal_of(world)["t2/decision"] = b'{"calls": "none"}'
    for work in (world.work, lambda: world.answer(answer(request))):
        with pytest.raises(SessionDamagedError) as raised:
            await work()
        said = str(raised.value)
        assert "session 's-1' of tenant 'acme'" in said
        assert f"{SessionKey('acme', 's-1').journal(request.run_id)}, field t2/decision: calls" in said
        assert f"put back what the steps topic has as {request.run_id}/t2/decision" in said
    assert world.effects == []


async def test_once_it_is_mended_the_run_goes_on_where_it_stopped() -> None:
    world = SCENARIOS["approved"]()
    request = await world.work()
    assert isinstance(request, ApprovalRequest)
    whole = dict(journal_of(world))
    journal_of(world)["t1/c0/result"] = b"{}"
    with pytest.raises(SessionDamagedError):
        await world.work()
    (step,) = (s for s in world.outbox.step_log if s.place == "t1/c0/result")
    journal_of(world)["t1/c0/result"] = orjson.dumps(step.body)
    assert {at: orjson.loads(body) for at, body in journal_of(world).items()} == {
        at: orjson.loads(body) for at, body in whole.items()
    }
    await world.answer(answer(request))
    assert world.effects == ["order"]
    assert world.model.asked == 3


async def test_the_lease_is_given_back_so_that_other_runs_of_the_session_go_on() -> None:
    world = SCENARIOS["approved"]()
    await world.work()
    journal_of(world)["t1/decision"] = b"{}"
    with pytest.raises(SessionDamagedError):
        await world.work()
    assert (await world.sessions.open(SessionKey("acme", "s-1"), "another")).lease.run_id == "another"


@settings(max_examples=3 * settings().max_examples // 2)
@given(st.sampled_from(sorted(SCENARIOS)), st.integers(3, 40), st.data())
async def test_any_part_of_any_entry_may_be_anything(name: str, calls: int, data: st.DataObject) -> None:
    world = SCENARIOS[name]()
    world.fuse.crash_at = calls
    with contextlib.suppress(Crash, BaseExceptionGroup):
        await to_the_end(world)
    world.fuse.crash_at = None
    if not world.sessions._journals:  # pyright: ignore[reportPrivateUsage] - it crashed before anything was written
        return
    entries = journal_of(world)
    at = data.draw(st.sampled_from(sorted(entries)))
    entries[at] = orjson.dumps(with_something_odd(orjson.loads(entries[at]), data))
    # What nobody foresaw would come out as something else.
    with contextlib.suppress(RetryError, DeadLetterError, PointsmanError):
        end = await once_more(world, world.work)
        if isinstance(end, ApprovalRequest):
            await once_more(world, lambda: world.answer(answer(end, "reject")))


def with_something_odd(body: dict[str, Any], data: st.DataObject) -> dict[str, Any]:
    inside: Any = body
    while True:
        keys = sorted(inside) if isinstance(inside, dict) else list(range(len(inside)))
        key: Any = data.draw(st.sampled_from(keys))
        value = inside[key]
        if isinstance(value, dict | list) and value and data.draw(st.booleans()):
            inside = value
            continue
        if isinstance(inside, dict) and data.draw(st.booleans()):
            del inside[key]
        else:
            inside[key] = data.draw(st.sampled_from(ODD))
        return body


@pytest.mark.parametrize("name", sorted(SCENARIOS))
async def test_whatever_we_write_ourselves_is_sound(name: str) -> None:
    world = SCENARIOS[name]()
    await to_the_end(world)
    stored = read_journal({at.encode(): body for at, body in journal_of(world).items()})
    assert sorted_out(stored) == Stored(checked(stored.whole()), {})


async def test_every_kind_of_entry_that_we_write_is_checked() -> None:
    written: set[str] = set()
    for make in SCENARIOS.values():
        world = make()
        await to_the_end(world)
        written |= {at.rpartition("/")[2] for at in journal_of(world)}
    assert written <= shapes.KINDS
    assert shapes.KINDS - written == {place.CANCEL}, "its shape is checked by no scenario above"


def test_results_say_what_calls_can_be() -> None:
    assert set(shapes.RESULT_STATUSES) <= {str(status) for status in CallStatus}


@pytest.mark.parametrize(
    ("at", "body", "problem"),
    [
        ("t1/c0/result", {"status": "done", "at": "2026-11-22T12:00:00Z"}, "result is missing"),
        ("t1/c0/result", {"status": "failed", "code": "x", "at": "2026-11-22T12:00:00Z"}, "error is missing"),
        ("outcome", {"status": "great"}, "id: Field required"),
        ("cancel", {"operator": "ann", "reason": ""}, "at: "),
        ("ending", {"status": "failed", "summary": "", "at": "2026-11-22T12:00:00"}, "without a zone"),
    ],
)
def test_what_is_missing_is_said(at: str, body: dict[str, Any], problem: str) -> None:
    with pytest.raises(DamagedError, match=problem):
        checked({at: body})


def test_an_entry_of_a_kind_nobody_knows_is_left_alone() -> None:
    assert checked({"t1/c0/omen": {}}) == {"t1/c0/omen": {}}


async def test_a_neighbour_session_is_worked_as_ever() -> None:
    world = World(ordering())
    await world.work()
    journal_of(world)["outcome"] = b"{}"
    with pytest.raises(SessionDamagedError):
        await world.work()
    object.__setattr__(world.event, "session_id", "s-2")
    await world.work()
    assert world.model.asked == 6
