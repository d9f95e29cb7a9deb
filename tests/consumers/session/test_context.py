"""What a session remembers: within its bounds, in its order, readable by every later version."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.session.bounds import VALUE_BYTES, bounded, is_omitted, short
from consumers.session.context import MAX_BYTES, MAX_PAYLOADS, MAX_RESULTS, MAX_RUNS, Context
from consumers.session.past import RUN_BYTES, Learnt, PastAction, PastRun
from consumers.session.stored import DamagedError
from schemas.canonical import canonical_json
from tests.consumers.session.past_things import AT, CONTEXTS, RUNS, run

ORDER = PastAction("erp.create_order", "done", {"quantity": 2}, {"order_id": "O-1"}, ms=12)


def test_a_new_session_is_empty() -> None:
    assert Context.load(None) == Context()


@settings(max_examples=50)
@given(CONTEXTS)
def test_a_context_stays_within_its_bounds_and_is_read_as_it_was_kept(context: Context) -> None:
    data = context.dump()
    assert len(data) <= MAX_BYTES
    kept = Context.load(data)
    assert kept == context.within_bounds()
    assert kept.dump() == data
    assert len(kept.runs) <= MAX_RUNS
    assert kept.earlier - context.earlier == len(context.runs) - len(kept.runs)
    if context.runs:
        assert kept.runs[-1] == context.runs[-1], "the newest stays"


@settings(max_examples=50)
@given(CONTEXTS)
def test_what_waits_goes_after_all_that_is_finished(context: Context) -> None:
    kept = context.within_bounds().runs
    names = {each.run_id for each in kept}
    gone = [each for each in context.runs[:-1] if each.run_id not in names]
    if any(each.waits for each in gone):
        assert all(each.waits for each in kept[:-1])


@given(RUNS, st.integers(1, 200))
def test_a_run_stays_within_its_bounds_and_keeps_its_latest_actions(one: PastRun, times: int) -> None:
    actions = tuple(replace(each, result={"n": n}) for n in range(times) for each in one.actions)
    kept = replace(one, actions=actions).within_bounds()
    assert len(canonical_json(kept)) <= RUN_BYTES
    assert kept.more + len(kept.actions) == len(actions)
    assert [each.action for each in kept.actions] == [each.action for each in actions[kept.more :]]


@pytest.mark.parametrize("spare", range(-3, 4))
def test_the_number_of_actions_that_are_left_out_takes_room_as_well(spare: int) -> None:
    half = tuple(PastAction("a.b", "failed", None, error="x" * 20) for _ in range(100))
    full = PastRun("e", "e-1", "success", "", (*half, *half), AT)
    room = RUN_BYTES - spare - len(canonical_json(replace(full, actions=half)))
    kept = replace(full, run_id="x" * room).within_bounds()
    assert len(kept.actions) == (50 if spare < 2 else 100)
    assert len(canonical_json(kept)) <= RUN_BYTES


@pytest.mark.parametrize("size", [0, VALUE_BYTES - 2, VALUE_BYTES - 1, 10**6])
def test_a_value_is_whole_or_says_how_large_it_was(size: int) -> None:
    value = "x" * size
    kept = bounded(value)
    if size + 2 <= VALUE_BYTES:
        assert kept == value
    else:
        assert is_omitted(kept)
        assert f"{size + 2:,} bytes" in str(kept)


def test_a_text_that_was_cut_shows_it() -> None:
    assert short("abcdef", 6) == "abcdef"
    assert short("abcdefg", 6) == "abcde…"


def test_the_latest_results_and_payloads_are_kept() -> None:
    many = {f"erp.action_{number}": Learnt(number, AT, "r") for number in range(MAX_RESULTS + 5)}
    kept = Context.load(Context(results=many, payloads=many).dump())
    assert list(kept.results) == list(many)[5:]
    assert list(kept.payloads) == list(many)[-MAX_PAYLOADS:]


def test_a_context_of_the_first_version_is_read() -> None:
    action = {
        "action": "erp.create_order",
        "status": "done",
        "arguments": {"quantity": 2},
        "result": {"order_id": "O-1"},
    }
    old = {
        "event": "order.requested",
        "event_id": "e-1",
        "status": "success",
        "summary": "Done.",
        "actions": [action],
        "at": AT.isoformat(),
    }
    read = Context.load(orjson.dumps({"runs": [old]}))
    (kept,) = read.runs
    assert (kept.event_id, kept.actions[0].effect, kept.waits) == ("e-1", "write", False)
    facts = read.facts()["history"][0]
    assert {name: facts[name] for name in old if name != "actions"} == {
        name: value for name, value in old.items() if name != "actions"
    }
    assert facts["actions"][0] | action == facts["actions"][0]
    assert "O-1" in read.summary(1500)
    assert Context.load(read.dump()) == read


def test_rules_see_what_was_done_what_waits_and_what_is_known() -> None:
    look = PastAction("crm.get_customer", "done", {"id": "C-1"}, {"tier": "vip"}, effect="read")
    known = {"crm.get_customer": Learnt({"tier": "vip"}, AT, "run-1", {"id": "C-1"})}
    said = {"order.requested": Learnt({"quantity": 2}, AT, "run-1", "e-1")}
    facts = Context((run(1, actions=(look, ORDER)), run(2, waits=True)), known, said).facts()
    assert [each["action"] for each in facts["history"][0]["actions"]] == ["erp.create_order"]
    assert [each["event_id"] for each in facts["waiting"]] == ["e-2"]
    assert facts["data"] == {"crm.get_customer": {"tier": "vip"}}
    assert facts["learnt_at"] == {"crm.get_customer": AT}
    assert facts["payloads"] == {"order.requested": {"quantity": 2}}


def test_a_run_does_not_see_itself() -> None:
    context = Context((run(1), run(2, waits=True)))
    assert context.without("run-2").runs == (run(1),)
    assert context.without("run-3") is context


@given(st.binary(max_size=200))
def test_whatever_is_stored_is_read_or_damaged(data: bytes) -> None:
    read_or_damaged(data)


@settings(max_examples=50)
@given(CONTEXTS, st.data())
def test_a_context_with_any_part_changed_is_read_or_damaged(context: Context, data: st.DataObject) -> None:
    stored: Any = orjson.loads(context.dump())
    at: Any = stored
    while isinstance(at, dict | list) and at:
        key = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        if data.draw(st.booleans()) or not isinstance(at[key], dict | list):
            at[key] = data.draw(st.sampled_from([None, 7, -1.5, "text", [], {}, [1], {"a": 1}, True]))
            break
        at = at[key]
    read_or_damaged(orjson.dumps(stored))


def read_or_damaged(data: bytes) -> None:
    try:
        read = Context.load(data)
    except DamagedError:
        return
    read.facts()
    read.summary(1500)
    Context.load(read.dump())


def numbered(count: int, *, waiting: frozenset[int] = frozenset(), size: int = 0) -> tuple[PastRun, ...]:
    return tuple(run(number, waits=number in waiting, summary="x" * size) for number in range(count))


@pytest.mark.parametrize(
    ("waiting", "gone"),
    [
        (frozenset[int](), {"run-0", "run-1"}),
        ({0}, {"run-1", "run-2"}),
        ({0, 2}, {"run-1", "run-3"}),
        (frozenset(range(MAX_RUNS)), {"run-20", "run-0"}),
        (frozenset(range(MAX_RUNS + 1)), {"run-0", "run-1"}),
    ],
    ids=["none waits", "one waits", "two wait", "all but two wait", "all but the newest wait"],
)
def test_of_too_many_runs_those_that_are_over_go_first(waiting: frozenset[int], gone: set[str]) -> None:
    runs = numbered(MAX_RUNS + 2, waiting=frozenset(waiting))
    kept = Context.load(Context(runs, earlier=3).dump())
    assert [each.run_id for each in kept.runs] == [each.run_id for each in runs if each.run_id not in gone]
    assert kept.earlier == 5


def test_as_many_of_the_latest_runs_are_kept_as_there_is_room_for() -> None:
    runs = numbered(10, size=10_000)
    room = MAX_BYTES - 128
    fits = next(
        n for n in range(10, 0, -1) if sum(len(canonical_json(each)) + 1 for each in runs[-n:]) <= room
    )
    assert Context(runs).within_bounds().runs == runs[-fits:]
    assert len(Context(runs).dump()) <= MAX_BYTES
    last = len(canonical_json(runs[0])) + 1
    brim = replace(runs[0], summary="x" * (10_000 + room % last))
    full = (brim, *runs[-fits + 1 :])
    assert Context(full).within_bounds().runs == full, "to the last byte"
    over = (replace(brim, summary=f"{brim.summary}x"), *full[1:])
    assert Context(over).within_bounds().runs == full[1:]


@pytest.mark.parametrize(
    ("size", "runs", "payloads", "results"),
    [
        (10_000, 2, ["a", "b"], ["c", "d"]),
        (14_000, 1, ["a", "b"], ["c", "d"]),
        (19_000, 1, ["b"], ["c", "d"]),
        (28_000, 1, [], ["c", "d"]),
        (50_000, 1, [], ["d"]),
        (70_000, 1, [], []),
    ],
    ids=str,
)
def test_older_runs_go_before_payloads_and_payloads_before_results(
    size: int, runs: int, payloads: list[str], results: list[str]
) -> None:
    learnt = Learnt("x" * size, AT, "r")
    context = Context(numbered(2, size=5_000), {"c": learnt, "d": learnt}, {"a": learnt, "b": learnt})
    kept = context.within_bounds()
    assert (len(kept.runs), list(kept.payloads), list(kept.results)) == (runs, payloads, results)


def test_what_is_within_its_bounds_is_stored_as_it_is() -> None:
    learnt = {f"n{number}": Learnt(number, AT, "r") for number in range(MAX_RESULTS)}
    payloads = dict(list(learnt.items())[:MAX_PAYLOADS])
    context = Context(numbered(MAX_RUNS), learnt, payloads, 4)
    assert orjson.loads(context.dump())["version"] == 2
    assert Context.load(context.dump()) == context == context.within_bounds()


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"[]", "Input should be"),
        (b'{"version": 3, "runs": []}', "its form has the number 3, newer than 2"),
    ],
    ids=["another shape", "a newer version"],
)
def test_a_context_that_cannot_be_read_is_named(data: bytes, problem: str) -> None:
    with pytest.raises(DamagedError, match=problem) as raised:
        Context.load(data)
    assert raised.value.place == "context"


def test_a_large_action_of_a_run_keeps_its_outline() -> None:
    large = replace(ORDER, arguments={"note": "x" * 5_000}, result="x" * 5_000, error="e" * 600)
    one = run(1, summary="s" * 600, actions=(large, ORDER))
    kept = one.within_bounds()
    assert kept.summary == f"{'s' * 499}…"
    first, second = kept.actions
    assert is_omitted(first.arguments)
    assert is_omitted(first.result)
    assert first.error == f"{'e' * 499}…"
    assert (first.action, first.status, first.ms) == (ORDER.action, ORDER.status, ORDER.ms)
    assert second == ORDER
    assert kept.more == 0


def test_rules_see_when_a_run_began_as_far_as_that_is_known() -> None:
    later = AT + timedelta(minutes=5)
    assert replace(run(1), at=later, began_at=AT).facts()["began_at"] == AT.isoformat()
    assert replace(run(1), at=later, began_at=None).facts()["began_at"] == later.isoformat()
