"""Sessions and replays as operators see them, on a real Redis and the embedded broker."""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from consumers.adapters.redis_connection import connect
from consumers.adapters.redis_sessions import RedisSessions
from consumers.ports.sessions import Entry
from consumers.privacy.register import Register
from consumers.privacy.token import Keys
from consumers.run.ending import body_of
from consumers.session.context import Context
from consumers.session.key import SessionKey
from consumers.session.past import PastAction, PastRun
from schemas.envelope import run_id_of
from schemas.outcome import Outcome, Status
from tests.consumers.cli.cli_stage import Stage

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SOURCE = "/shop"


def finished(session: str, event_id: str) -> Outcome:
    return Outcome(
        id=f"outcome-of-{event_id}",
        run_id=run_id_of("default", SOURCE, event_id),
        event_id=event_id,
        event_type="order.praised",
        event_source=SOURCE,
        tenant="default",
        session_id=session,
        route="order.praised",
        status=Status.REFUSED,
        summary="Nothing to do.",
        actions=(),
        turns=1,
        input_tokens=10,
        output_tokens=2,
        cost_usd=0.5,
        started_at=AT,
        finished_at=AT,
    )


def store(stage: Stage, outcome: Outcome) -> None:
    """Leave a finished run in Redis, as a worker does."""
    at = AT.isoformat()
    call = {"id": "1", "action": "erp.check_stock", "arguments": {"product_id": "P-1"}, "problem": None}
    decision: dict[str, Any] = {
        "calls": [call],
        "finish": {"status": "refused", "summary": "Nothing to do."},
        "problem": None,
        "text": "",
        "input_tokens": 1000,
        "output_tokens": 200,
        "cost_usd": 0.5,
        "started_at": at,
        "at": at,
    }
    result = {"status": "done", "result": {"available": 5}, "at": at, "ms": 1500}
    entries = [
        Entry("t1/decision", decision),
        Entry("t1/c0/result", result),
        Entry("outcome", body_of(outcome)),
    ]
    run = PastRun(
        event=outcome.event_type,
        event_id=outcome.event_id,
        status=str(outcome.status),
        summary=outcome.summary,
        actions=(
            PastAction("erp.check_stock", "done", call["arguments"], result["result"], "read", ms=1500),
        ),
        at=AT,
        run_id=outcome.run_id,
    )

    async def write() -> None:
        client = connect(stage.redis)
        try:
            sessions = RedisSessions(client)
            await sessions.check()
            opened = await sessions.open(SessionKey("default", outcome.session_id), outcome.run_id)
            await sessions.close(opened.lease, entries, Context((run,)))
        finally:
            await client.aclose()

    asyncio.run(write())


def test_personal_data_of_a_session_is_shown_as_tokens_and_revealed_to_who_has_the_key(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "a key of at least 32 characters, 1"
    key = SessionKey("default", stage.name)
    ann = Register(Keys([secret])).apart(key)
    ann.learn(["ann@example.org"])
    store(stage, replace(finished(stage.name, "e-1"), summary=ann.seal_text("Wrote to ann@example.org.")))
    assert (
        "--reveal needs `privacy.key`"
        in stage.run("sessions", "show", stage.name, "--reveal", exit_code=1).stderr
    )
    monkeypatch.setenv("TEST_PRIVACY", secret)
    monkeypatch.setenv("POINTSMAN_PRIVACY__KEY__ENV", "TEST_PRIVACY")
    assert "ann@" not in stage.run("sessions", "show", stage.name).stdout
    shown = stage.json("sessions", "show", stage.name, "--reveal")
    assert shown["context"][0]["summary"] == "Wrote to ann@example.org."
    assert "ann@example.org" in stage.run("sessions", "show", stage.name, "--reveal").stdout


def test_session_is_listed_and_shown_with_the_timeline_of_its_runs(stage: Stage) -> None:
    store(stage, finished(stage.name, "e-1"))
    listed = stage.json("sessions", "list", "--max", "1000")
    assert stage.name in [session["session"] for session in listed]
    shown = stage.json("sessions", "show", stage.name)
    (run,) = shown["runs"]
    assert [moment["kind"] for moment in run["timeline"]] == ["decision", "result", "outcome"]
    assert run["timeline"][0]["cost_usd"] == 0.5
    assert (run["timeline"][1]["action"], run["timeline"][1]["ms"]) == ("erp.check_stock", 1500)
    assert (run["status"], run["event"], run["damaged"]) == ("refused", "order.praised e-1", {})
    assert run["totals"] == {
        "turns": 1,
        "actions": 1,
        "approvals": 0,
        "tokens": 1200,
        "cost_usd": 0.5,
        "action_s": 1.5,
        "seconds": 0.0,
    }
    assert shown["totals"] == run["totals"]
    assert shown["context"][0]["summary"] == "Nothing to do."
    assert '- refused order.praised e-1, 2026-11-22T12:00:00Z: "Nothing to do."' in shown["summary"]
    printed = stage.run("sessions", "show", stage.name).stdout
    assert printed.index('"Nothing to do."') < printed.index("run ")
    assert "finish refused: Nothing to do." in printed
    assert "1,500 ms" in printed
    assert "1 turn, 1 action, 1.50 s in actions, 0 questions to people, 1,200 tokens" in printed


def test_several_runs_are_added_up(stage: Stage) -> None:
    store(stage, finished(stage.name, "e-1"))
    store(stage, finished(stage.name, "e-2"))
    assert stage.json("sessions", "show", stage.name)["totals"]["tokens"] == 2400
    assert "2 runs: 2 turns, 2 actions" in stage.run("sessions", "show", stage.name).stdout


def test_what_is_damaged_is_said_and_the_rest_is_shown(stage: Stage) -> None:
    store(stage, finished(stage.name, "e-1"))
    store(stage, finished(stage.name, "e-2"))
    key = SessionKey("default", stage.name)
    broken = run_id_of("default", SOURCE, "e-1")

    async def break_it() -> None:
        async with connect(stage.redis) as client:
            await client.hset(key.journal(broken), mapping={"t1/decision": "{", "outcome": "{}"})
            await client.set(key.context, "no JSON")
            await client.hset(f"pointsman:{{{stage.name}}}:meta", mapping={"epoch": "x"})

    asyncio.run(break_it())
    shown = stage.json("sessions", "show", stage.name)
    (problem,) = shown["problems"]
    assert f"session '{stage.name}' of tenant 'default': {key.context}: " in problem
    assert "delete that key" in problem
    damaged = {run["run"]: run["damaged"].keys() for run in shown["runs"]}
    assert damaged.pop(broken) == {"t1/decision", "outcome"}
    assert list(damaged.values()) == [{}.keys()]
    printed = stage.run("sessions", "show", stage.name).stdout
    assert "damaged: t1/decision: is no JSON" in printed
    assert "finish refused: Nothing to do." in printed
    listed = stage.json("sessions", "list", "--max", "1000")
    assert any(stage.name in (each["problem"] or "") for each in listed)
    assert "damaged: pointsman:" in stage.run("sessions", "list", "--max", "1000").stdout


def test_a_run_that_waits_says_for_what(stage: Stage) -> None:
    begin(stage, stage.name, "run-1")
    (run,) = stage.json("sessions", "show", stage.name)["runs"]
    assert run["status"] == "in_doubt"
    assert run["totals"]["approvals"] == 1


def test_unknown_session_or_tenant_fails(stage: Stage) -> None:
    store(stage, finished(stage.name, "e-1"))
    stage.run("sessions", "show", "nobody", exit_code=1)
    stage.run("sessions", "show", stage.name, "--tenant", "acme", exit_code=1)


def begin(stage: Stage, session: str, run: str) -> None:
    """Leave a run in Redis that waits for a person: its action is in doubt."""
    asked = {
        "action": "erp.create_order",
        "description": "",
        "arguments": {},
        "key": "k",
        "reason": "",
        "compensation": None,
        "digest": "",
        "requested_at": AT.isoformat(),
    }
    entries = [Entry("t1/c0/d1/doubt", asked)]

    async def write() -> None:
        client = connect(stage.redis)
        try:
            sessions = RedisSessions(client)
            opened = await sessions.open(SessionKey("default", session), run)
            await sessions.park(opened.lease, entries, Context())
        finally:
            await client.aclose()

    asyncio.run(write())


def forget_the_list(stage: Stage, session: str) -> None:
    async def forget() -> None:
        async with connect(stage.redis) as client:
            await client.delete(SessionKey("default", session).runs)

    asyncio.run(forget())


def test_cancelling_publishes_the_word_and_says_what_it_waits_for(topics: Stage) -> None:
    begin(topics, topics.name, "run-1")
    words = ("sessions", "cancel", topics.name, "--operator", "ada", "--reason", "called off")
    assert topics.json(*words)["waits_for"] == ["t1/c0/d1/doubt"]
    assert "in doubt" in topics.run(*words).stderr
    published = topics.lines("tail", f"{topics.name}.approvals", "--to-end")
    assert {each["payload"]["run_id"] for each in published} == {"run-1"}
    assert (
        "cancel  by ada  called off  run-1"
        in topics.run("tail", f"{topics.name}.approvals", "--to-end").stdout
    )


def test_cancelling_needs_one_unfinished_run(topics: Stage) -> None:
    store(topics, finished(topics.name, "e-1"))
    words = ("sessions", "cancel", topics.name, "--operator", "ada")
    assert "no unfinished run" in topics.run(*words, exit_code=1).stderr
    begin(topics, topics.name, "run-1")
    begin(topics, topics.name, "run-2")
    assert "say --run with one of" in topics.run(*words, exit_code=1).stderr
    assert topics.json(*words, "--run", "run-2")["run"] == "run-2"
    forget_the_list(topics, topics.name)
    assert topics.json(*words, "--run", "run-2")["run"] == "run-2"


def forget(stage: Stage, session: str) -> None:
    """Do to one session what losing Redis does to all."""
    key = SessionKey("default", session)

    async def delete() -> None:
        async with connect(stage.redis) as client:
            journals = await client.keys(key.journal("*"))
            await client.delete(key.meta, key.context, key.runs, *journals)

    asyncio.run(delete())


def test_an_erased_session_is_gone_for_good(topics: Stage) -> None:
    store(topics, finished(topics.name, "e-1"))
    topics.run("sessions", "erase", topics.name, "--yes")
    (published,) = topics.lines("tail", f"{topics.name}.steps", "--to-end")
    assert published["payload"]["kind"] == "erased"
    assert "erased" in topics.run("tail", f"{topics.name}.steps", "--to-end").stdout
    forget(topics, topics.name)
    rebuilt = topics.json("sessions", "rebuild", "--yes")
    assert {name: rebuilt[name] for name in ("steps", "sessions", "runs", "complete")} == {
        "steps": 1,
        "sessions": 1,
        "runs": 1,
        "complete": True,
    }
    shown = topics.json("sessions", "show", topics.name)
    assert [run["status"] for run in shown["runs"]] == ["erased"]


def test_rebuilding_asks_first_and_says_what_it_found(topics: Stage) -> None:
    topics.run("sessions", "rebuild", stdin="n\n", exit_code=1)
    said = topics.run("sessions", "rebuild", "--yes").stdout
    assert re.search(r"steps read +0", said)


def test_rebuilding_without_a_steps_topic_says_that_something_may_be_missing(stage: Stage) -> None:
    assert "does not tell everything" in stage.run("sessions", "rebuild", "--yes").stderr


def test_an_erased_session_is_gone_and_only_a_finished_one_can_be_erased(topics: Stage) -> None:
    stage = topics
    store(stage, finished(stage.name, "e-1"))
    begin(stage, stage.name, "run-1")
    refused = stage.run("sessions", "erase", stage.name, "--yes", exit_code=1)
    assert "run run-1 is not finished; finish or cancel it first" in refused.stderr
    other = f"{stage.name}-2"
    store(stage, finished(other, "e-2"))
    stage.run("sessions", "erase", other, stdin="n\n", exit_code=1)
    assert stage.json("sessions", "show", other)["context"] != []
    assert stage.json("sessions", "erase", other, "--yes")["runs"] == 1
    assert other not in stage.run("sessions", "list", "--max", "1000").stdout
    stage.run("sessions", "erase", "nobody", "--yes", exit_code=1)


def test_replay_publishes_finished_outcomes_again_and_leaves_the_others_alone(topics: Stage) -> None:
    store(topics, finished("C-1", "e-1"))
    events = [
        f'{{"type": "order.praised", "id": "{n}", "source": "{SOURCE}", "session": "C-1"}}'
        for n in ("e-1", "e-2")
    ]
    topics.run("publish", f"{topics.name}.orders", stdin="\n".join(events))
    report = topics.json("replay", f"{topics.name}.orders")
    assert report["state"] == "over"
    assert report["tally"] == {
        "read": 2,
        "republished": 1,
        "refused": 1,
        "skipped: never worked, or not remembered": 1,
    }
    assert report["plan"]["standings"] == {"ended: refused": 1, "never worked, or not remembered": 1}
    (outcome,) = topics.lines("tail", f"{topics.name}.outcomes", "--to-end")
    assert outcome["id"] == "outcome-of-e-1"
    again = topics.run("replay", f"{topics.name}.orders", "--operator", "ann")
    assert "republished" in again.stdout
    assert "(rebuild) is over" in again.stderr
    *_, told = topics.lines("tail", f"{topics.name}.steps", "--to-end")
    assert told["payload"]["kind"] == "replay"
    assert '"operator":"ann"' in told["payload"]["body_json"]
    assert '"outcome-of-e-1"' in told["payload"]["body_json"]
    assert topics.json("sessions", "rebuild", "--yes")["runs"] == 0, "it is no part of what happened"


def test_replay_counts_what_is_damaged_and_goes_on(topics: Stage) -> None:
    for number in (1, 2, 3):
        store(topics, finished(topics.name, f"e-{number}"))

    async def break_two() -> None:
        async with connect(topics.redis) as client:
            for event_id, body in (("e-1", "{"), ("e-2", "{}")):
                run = SessionKey("default", topics.name).journal(run_id_of("default", SOURCE, event_id))
                await client.hset(run, "outcome", body)

    asyncio.run(break_two())
    events = [
        f'{{"type": "order.praised", "id": "e-{n}", "source": "{SOURCE}", "session": "{topics.name}"}}'
        for n in (1, 2, 3)
    ]
    topics.run("publish", f"{topics.name}.orders", stdin="\n".join(events))
    report = topics.json("replay", f"{topics.name}.orders")
    tally = report["tally"]
    assert (tally["read"], tally["republished"], tally["skipped: damaged in Redis"]) == (3, 1, 2)


def test_replay_of_nothing_reads_nothing(topics: Stage) -> None:
    assert topics.json("replay", f"{topics.name}.orders", "--since", "2026-11-01T00:00")["tally"] == {}


def test_malformed_selection_is_a_usage_mistake(stage: Stage) -> None:
    stage.run("replay", f"{stage.name}.orders", "--offsets", "7", exit_code=2)
    stage.run("replay", f"{stage.name}.orders", "--offsets", "0:9-1", exit_code=2)
    both = ("--offsets", "0:1-2", "--since", "2026-11-01")
    assert "not by both" in stage.run("replay", f"{stage.name}.orders", *both, exit_code=2).stderr
    stage.run("replay", "no.route.here", exit_code=1)


def test_redis_that_is_away_is_one_message_and_exit_code_1(stage: Stage, monkeypatch: Any) -> None:
    monkeypatch.setenv("POINTSMAN_REDIS__URL", "redis://127.0.0.1:1/0")
    result = stage.run("sessions", "list", exit_code=1)
    assert "Redis" in result.stderr
