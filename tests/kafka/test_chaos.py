"""`make chaos`, short: whole workers and a broker of its own are killed, frozen and restarted while events flow."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from schemas.outcome import Status

CHAOS = Path(__file__).parents[2] / "ops" / "chaos"
# Of this plan: a worker is killed while another one is frozen, and the broker while its successor starts.
PLAN = (
    *("--seed", "8", "--events", "400", "--keys", "100", "--workers", "3"),
    *("--kills", "3", "--stops", "1", "--broker-restarts", "1"),
)
WITHIN_S = 300
"""About a minute; a machine that is busy with other tests takes longer."""


def chaos(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", str(CHAOS / "main.py"), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            out, errors = process.communicate(timeout=WITHIN_S)
        finally:
            process.terminate()  # and it ends everything that it has started
    return subprocess.CompletedProcess(command, process.returncode, out, errors)


@pytest.mark.kafka
@pytest.mark.xdist_group("kafka")
@pytest.mark.timeout(WITHIN_S + 60)
def test_nobody_can_tell_afterwards_what_was_killed_frozen_and_restarted() -> None:
    missing = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    if missing:
        required = os.environ.get("POINTSMAN_REQUIRE_KAFKA", "") in {"1", "jars"}
        (pytest.fail if required else pytest.skip)(f"no real Kafka to be restarted: not installed: {missing}")
    done = chaos(*PLAN, "--json")
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-4000:]
    said = json.loads(done.stdout)
    assert {check["name"]: check["first"] for check in said["checks"] if check["violations"]} == {}
    assert all(check["looked_at"] for check in said["checks"]), "a check that looks at nothing says nothing"
    figures = said["figures"]
    assert figures["worker_kills"] == 3
    assert figures["worker_freezes"] == 1
    assert figures["broker_restarts"] == 1
    assert figures["rolling_deploys"] == 1


@pytest.fixture(scope="module")
def parts() -> Iterator[SimpleNamespace]:
    """The scripts' modules, found as the scripts find each other; gone afterwards, since their names are short."""
    before = set(sys.modules)
    sys.path.insert(0, str(CHAOS))
    try:
        yield SimpleNamespace(
            **{
                name: import_module(name)
                for name in ("checks", "commits", "effects", "facts", "plan", "records")
            }
        )
    finally:
        sys.path.remove(str(CHAOS))
        for name in set(sys.modules) - before:
            if Path(getattr(sys.modules[name], "__file__", None) or "").parent == CHAOS:
                del sys.modules[name]


@pytest.fixture
def facts(parts: SimpleNamespace) -> Any:
    """Of a run in which all went well: two events of one customer, one of another."""
    orders = [parts.plan.Order(0, 0, 1), parts.plan.Order(1, 0, 2), parts.plan.Order(2, 1, 1)]
    place = parts.records.Place
    effect = parts.effects.Effect
    steps = [(order, step) for order in orders for step in parts.checks.STEPS]
    effects = [effect(f"{o.number} {step}", step, f"C-CHAOS-{o.key}", o.quantity, 1) for o, step in steps]
    standing = [parts.effects.Standing(f"C-CHAOS-{o.key}", o.quantity, "confirmed", 1) for o in orders]
    return parts.facts.Facts(
        transactional=False,
        orders=orders,
        accepted={0: place(0, 0), 1: place(0, 1), 2: place(1, 0)},
        refused=[],
        input_ends={0: 2, 1: 1},
        outcomes=[outcome(parts, 0, 0, 10), outcome(parts, 0, 1, 20), outcome(parts, 1, 0, 15)],
        said=[said(0), said(1), said(2)],
        strays={"pointsman.parked": 0},
        books=parts.effects.Books(effects, standing),
        samples=[parts.commits.Sample({0: 1, 1: 0}, {0: 1, 1: 0, 2: 0})],
        commits=[
            parts.commits.Commit(0, 1, 10),
            parts.commits.Commit(0, 2, 20),
            parts.commits.Commit(1, 1, 15),
        ],
        committed={0: 2, 1: 1},
        faults=[],
        ends=3,
    )


def outcome(parts: SimpleNamespace, partition: int, offset: int, at_ms: int, value: bytes = b"") -> Any:
    place = parts.records.Place(partition, offset)
    return parts.records.OutcomeRecord(place, at_ms, b"", value, (("ce_id", b"id"),))


def said(number: int, status: Status = Status.SUCCESS) -> tuple[int, Any]:
    return number, SimpleNamespace(status=status, summary="")


def broken(parts: SimpleNamespace, facts: Any) -> set[str]:
    return {check.name for check in parts.checks.all_checks(facts) if check.violations}


def test_a_run_in_which_all_went_well_breaks_no_promise(parts: SimpleNamespace, facts: Any) -> None:
    assert broken(parts, facts) == set()


def again(parts: SimpleNamespace, facts: Any, value: bytes) -> dict[str, Any]:
    return {"outcomes": [*facts.outcomes, outcome(parts, 0, 2, 30, value)], "said": [*facts.said, said(1)]}


def moved(parts: SimpleNamespace, facts: Any, first: int, second: int) -> dict[str, Any]:
    effects = list(facts.books.effects)
    effects[first], effects[second] = effects[second], effects[first]
    return {"books": replace(facts.books, effects=effects)}


WRONG: dict[str, tuple[Callable[[SimpleNamespace, Any], dict[str, Any]], str]] = {
    "refused": (lambda _, f: {"refused": ["event 3"]}, "on the input topic"),
    "published twice": (
        lambda _, f: {"input_ends": {0: 2, 1: 2}, "committed": {0: 2, 1: 2}},
        "on the input topic",
    ),
    "no outcome": (
        lambda _, f: {"outcomes": f.outcomes[:2], "said": f.said[:2], "samples": [], "commits": []},
        "has an outcome",
    ),
    "other bytes": (lambda p, f: again(p, f, b"other"), "the same bytes"),
    "again": (lambda p, f: {**again(p, f, b""), "transactional": True}, "exactly one outcome"),
    "no success": (lambda _, f: {"said": [*f.said[:2], said(2, Status.IN_DOUBT)]}, "is a success"),
    "parked": (lambda _, f: {"strays": {"pointsman.parked": 1}}, "nothing parked"),
    "effect twice": (
        lambda _, f: {"books": replace(f.books, effects=[*f.books.effects, f.books.effects[-1]])},
        "every effect happened, and once",
    ),
    "no effect": (
        lambda _, f: {"books": replace(f.books, effects=f.books.effects[:-1])},
        "every effect happened, and once",
    ),
    "two events mixed": (lambda p, f: moved(p, f, 1, 2), "effects of a key"),
    "outcomes swapped": (
        lambda p, f: {
            "outcomes": [outcome(p, 0, 1, 10), outcome(p, 0, 0, 10), *f.outcomes[2:]],
            "samples": [],
        },
        "first outcomes of a key",
    ),
    "sampled ahead": (
        lambda p, f: {"samples": [p.commits.Sample({0: 2}, {0: 1, 1: 0, 2: 0})]},
        "sampled commits",
    ),
    "logged ahead": (lambda p, f: {"commits": [p.commits.Commit(0, 2, 19)]}, "no commit ever"),
    "lag": (lambda _, f: {"committed": {0: 2}}, "everything is committed"),
    "died": (lambda _, f: {"faults": ["worker-1 ended by itself with 1"]}, "no worker ended by itself"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_promise_that_is_broken_is_told_and_no_other_is(
    parts: SimpleNamespace, facts: Any, name: str
) -> None:
    change, promise = WRONG[name]
    (told,) = broken(parts, replace(facts, **change(parts, facts)))
    assert promise in told
