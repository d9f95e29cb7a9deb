"""The report of a job: kept and read back, and shown as a page."""

from dataclasses import replace
from datetime import UTC, datetime

import orjson

from consumers.replay.chosen import Chosen
from consumers.replay.history import Expected
from consumers.replay.job import Bounds, Job
from consumers.replay.mode import Mode
from consumers.replay.plan import Plan, RoutePlan
from consumers.replay.report import LOST, JobRecord, State, markdown, plan_document, worked_tally

JOB = Job(
    id="20261128-153000-5f0c1a2b",
    mode=Mode.BACKFILL,
    topic="erp.orders",
    spans={0: (0, 10), 1: (5, 7)},
    chosen=Chosen(sessions=frozenset({"a|b"})),
    output=None,
    operator="Ada",
    ordered_at=datetime(2026, 11, 28, 15, 30, tzinfo=UTC),
    reason="the route is new",
    bounds=Bounds(effects=100, usd=2.0),
)
PLAN = Plan(
    records=1_000,
    looked_at=100,
    standings={"never worked, or not remembered": 990.0, "ended: success": 10.0},
    routes={"orders": RoutePlan(990.0, Expected(2970.4, 9.9, {"erp.create_order": 880.04}, 12))},
    estimated=True,
)
RECORD = JobRecord(
    JOB,
    signature="a..b",
    state=State.BOUND,
    plan=plan_document(PLAN),
    tally={"read": 12, "success": 9, "skipped: known": 3},
    used={"effects": 100, "usd": 1_250_000},
    seconds=3.25,
    why="100 effects of 100",
)


def test_a_record_is_read_as_it_was_kept() -> None:
    shadow = replace(RECORD, reads="live", ignored=("crm.note.text",))
    for record in (RECORD, shadow):
        assert JobRecord.of_document(orjson.loads(orjson.dumps(record.document()))) == record


def test_a_plan_says_what_is_expected_in_whole_numbers() -> None:
    said = plan_document(PLAN)
    assert said["estimated"]
    assert said["events"] == 990
    assert said["expected"] == {
        "model_calls": 2970,
        "usd": 9.9,
        "effects": {"erp.create_order": 880.0},
        "by_connector": {"erp": 880.0},
        "mean_of_runs": 12,
    }


def test_the_page_says_who_ordered_what_and_what_came_of_it() -> None:
    page = markdown(RECORD)
    for said in (
        "# Replay 20261128-153000-5f0c1a2b",
        "| mode | backfill |",
        "| offsets | 0:0-9, 1:5-6 |",
        "| ordered | 2026-11-28T15:30:00+00:00 by Ada |",
        "| state | at its bound: 100 effects of 100 |",
        "| effects | 100 of 100 at most |",
        "| cost of models | $1.2500 of $2.0 at most |",
        "| skipped: known | 3 |",
        "| effects by erp | 880.0 |",
    ):
        assert said in page


def test_what_an_operator_chose_makes_no_cell_of_its_own() -> None:
    assert "| chosen | sessions: a\\|b |" in markdown(RECORD)


def test_a_mode_without_effects_says_nothing_of_bounds() -> None:
    page = markdown(replace(RECORD, job=replace(JOB, mode=Mode.REBUILD), plan={}))
    assert "at most" not in page
    assert "What was expected" not in page


def test_a_shadow_says_how_it_was_ordered_to_compare_and_what_it_cost_of_its_bound() -> None:
    page = markdown(
        replace(RECORD, job=replace(JOB, mode=Mode.SHADOW), reads="live", ignored=("crm.note.text",))
    )
    assert "| look-ups | asked of the systems |" in page
    assert "| does not count | crm.note.text |" in page
    assert "| cost of models | $1.2500 of $2.0 at most |" in page
    assert "| effects |" not in page


def test_what_was_left_alone_is_added_up_over_runs_and_what_a_killed_one_counted_is_named() -> None:
    before, now = {"read": 5, "success": 2, "skipped: no route": 2}, {"read": 4, "skipped: no route": 1}
    assert worked_tally(10, {"success": 4}, before, now) == {
        "read": 10,
        "success": 4,
        "skipped: no route": 3,
        LOST: 3,
    }


def test_what_ended_after_the_job_was_told_to_stop_was_read_as_well() -> None:
    assert worked_tally(3, {"success": 4}, {}, {"read": 4, "success": 4}) == {"read": 4, "success": 4}
