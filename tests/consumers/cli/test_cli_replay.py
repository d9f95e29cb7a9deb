"""`pointsman replay`: what makes no sense is refused before anything is read, and how jobs are shown."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from consumers.cli.replay_pages import done_table, jobs_table, plan_tables, said
from consumers.replay.chosen import Chosen
from consumers.replay.history import Expected
from consumers.replay.job import Bounds, Job
from consumers.replay.mode import Mode
from consumers.replay.plan import Plan, RoutePlan
from consumers.replay.report import JobRecord, State
from tests.consumers.cli.cli_stage import CONFIG, Stage

JOB = Job(
    id="20261128-153000-5f0c1a2b",
    mode=Mode.BACKFILL,
    topic="erp.orders",
    spans={0: (0, 1_200)},
    chosen=Chosen(),
    output=None,
    operator="[red]Ada",
    ordered_at=datetime(2026, 11, 28, 15, 30, tzinfo=UTC),
    bounds=Bounds(effects=100, usd=2.0),
)


@pytest.fixture
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A configuration of which no server is there: whatever is refused was refused without asking one."""
    monkeypatch.setenv("TEST_SANDBOX_TOKEN", "t")
    config = tmp_path / "pointsman.yaml"
    config.write_text(CONFIG.format(bootstrap="127.0.0.1:1", name="shop", redis="redis://127.0.0.1:1/0"))
    return Stage("shop", config, "127.0.0.1:1", "redis://127.0.0.1:1/0")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "name a topic, or a job with --job"),
        (("shop.orders", "--job", "j-1"), "--job takes what was ordered as it is: leave out the topic"),
        (("--job", "j-1", "--dry-run"), "leave out --dry-run"),
        (("--job", "j-1", "--mode", "shadow", "--most-usd", "9"), "leave out --mode, --most-usd"),
        (("--jobs", "--job", "j-1"), "leave out --job"),
        (("shop.orders", "--live-reads"), "--live-reads means nothing to a rebuild"),
        (("shop.orders", "--mode", "resume", "--output", "o"), "--output means nothing to a resume"),
        (("shop.orders", "--mode", "shadow", "--most-effects", "0"), "--most-effects means nothing to a"),
        (("shop.orders", "--status", "done"), "runs end as budget_spent, cancelled"),
        (("shop.orders", "--mode", "backfill", "--status", "failed"), "works what was never worked"),
        (("shop.orders", "--mode", "resume", "--status", "success"), "leaves alone what ended so"),
        (("shop.orders", "--mode", "backfill"), "say --most-effects and --most-usd"),
        (("shop.orders", "--where", "session.count > 1"), "uses session; known are event"),
        (("shop.orders", "--where", "event.payload >"), "does not parse"),
        (("shop.orders", "--report", "report.pdf"), "ends in .md or .json"),
        (("shop.orders", "--report", "no-such-folder/report.md"), "name a file in a folder that is there"),
        (("--job", "j-1", "--report", "no-such-folder/report.md"), "name a file in a folder that is there"),
        (("shop.orders", "--offsets", "0:1-9", "--offsets", "0:20-29"), "partition 0 has a range already"),
        (("shop.orders", "--offsets", "0:5-2"), "partition 0: the range 5-2 is upside down"),
        (
            ("shop.orders", "--mode", "resume", "--key-file", "no-such.key", "--key-id", "ada-1"),
            "--key-file: the secret file no-such.key cannot be read",
        ),
        (("shop.orders", "--since", "2026-11-02", "--until", "2026-11-01"), "there is no time"),
        (("shop.orders", "--mode", "again"), "'again' is not one of"),
        (("shop.orders", "--rate", "0"), "greater than or equal to 0.01"),
        (("shop.orders", "--mode", "resume", "--key-id", "ada-1"), "--key-file and --key-id go together"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_way_out(
    away: Stage, words: tuple[str, ...], why: str
) -> None:
    said_of_it = away.run("replay", *words, exit_code=2).stderr
    assert why in " ".join(said_of_it.replace("│", " ").split())


@pytest.mark.parametrize(
    ("mode", "output"),
    [
        *(
            ("rebuild", f"shop.{name}")
            for name in ("orders", "approvals", "dead-letters", "redrive", "differences")
        ),
        *(("shadow", f"shop.{name}") for name in ("orders", "outcomes", "steps", "parked", "redrive")),
    ],
)
def test_what_a_replay_publishes_goes_to_no_topic_of_something_else(
    away: Stage, mode: str, output: str
) -> None:
    words = ("shop.orders", "--mode", mode, "--output", output)
    assert "is a topic of something else" in away.run("replay", *words, exit_code=1).stderr


def printed(*things: object) -> str:
    console = Console(width=200, record=True, highlight=False)
    with console.capture() as captured:
        for each in things:
            console.print(each)
    return captured.get()


def test_a_plan_shows_how_events_stand_and_what_they_are_likely_to_use() -> None:
    known = RoutePlan(990, Expected(2970.4, 9.9, {"erp.create_order": 880.4, "crm.note": 2}, 12))
    plan = Plan(1_200, 100, {"ended: success": 210.0}, {"orders": known, "returns": RoutePlan(5, Expected())})
    shown = " ".join(printed(*plan_tables(JOB, replace(plan, estimated=True))).split())
    assert "1,200 records of erp.orders, 100 of them looked at" in shown
    assert "ended: success about 210" in shown
    assert "orders about 990 about 2,970 about $9.9000 crm 2, erp 880" in shown
    assert "returns about 5 not known not known not known" in shown


def test_what_was_done_is_shown_with_what_was_used() -> None:
    record = JobRecord(
        JOB, None, State.OVER, {}, {"read": 1_200, "success": 7}, {"effects": 9, "usd": 12_500}
    )
    shown = " ".join(printed(done_table(record)).split())
    assert "read 1,200 success 7 effects 9 cost of models $0.0125" in shown


@pytest.mark.parametrize(
    ("state", "why", "line"),
    [
        (State.OVER, "", "replay 20261128-153000-5f0c1a2b (backfill) is over"),
        (
            State.STOPPED,
            "",
            f"replay {JOB.id} (backfill) is stopped; goes on with `pointsman replay --job {JOB.id}`",
        ),
        (
            State.BOUND,
            "100 effects of 100",
            "replay 20261128-153000-5f0c1a2b (backfill) is at its bound: 100 effects of 100",
        ),
    ],
)
def test_the_last_line_says_how_a_job_stands(state: State, why: str, line: str) -> None:
    assert said(JobRecord(JOB, state=state, why=why)) == line


def test_names_in_the_list_of_jobs_are_no_markup() -> None:
    shown = printed(jobs_table([JobRecord(JOB, state=State.STOPPED, tally={"read": 12})]))
    assert "[red]Ada" in shown
    assert "12 of 1,200" in shown
