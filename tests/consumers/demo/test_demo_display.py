"""What people see, from what the topics told."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from rich.console import Console, RenderableType

from consumers.demo import telling
from consumers.demo.board import Published, RunView
from consumers.demo.display import scene_panel
from consumers.demo.options import HostedModel
from consumers.demo.rows import Row, SceneView, poison_rows, repeat_rows, run_rows
from consumers.demo.stage import LiveStage, PrintedStage, QuietStage
from consumers.demo.story import STORY, Business
from consumers.demo.summary import opening_page, summary_page
from consumers.demo.verdicts import Finding, Report
from schemas.dead_letter import DeadLetter
from schemas.envelope import Envelope
from schemas.outcome import Outcome, Status
from schemas.record import Record
from schemas.step import Step, StepKind

SCENE = STORY[0]
assert isinstance(SCENE.published, Business)
EVENT = SCENE.published.envelope("1")


def step(place: str, kind: StepKind, body: dict[str, Any], action: str | None = None) -> Step:
    at = EVENT.time + timedelta(seconds=1.5)
    return Step(
        f"{EVENT.run_id}/{place}", EVENT.run_id, "t", "s", EVENT.id, EVENT.type, place, kind, action, body, at
    )


def decision(*calls: tuple[str, dict[str, Any]], finish: str | None = None, turn: int = 1) -> Step:
    body = {
        "calls": [
            {"id": str(n), "action": a, "arguments": v, "problem": None} for n, (a, v) in enumerate(calls)
        ],
        "finish": {"status": finish, "summary": "s"} if finish else None,
        "problem": None,
        "text": "",
        "input_tokens": 100,
        "output_tokens": 11,
        "cost_usd": 0.5,
    }
    return step(f"t{turn}/decision", StepKind.DECISION, body)


def outcome(event: Envelope = EVENT, status: Status = Status.SUCCESS) -> Outcome:
    return Outcome(
        "o", event.run_id, event.id, event.type, event.source, "t", "s", "r", status, "All [b]well[/b].",
        (), 2, 100, 11, 0.5, event.time, event.time + timedelta(seconds=2),
    )  # fmt: skip


def text_of(page: RenderableType, width: int = 100) -> str:
    console = Console(file=StringIO(), width=width)
    console.print(page)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def kinds(rows: tuple[Row, ...]) -> list[str]:
    return [row.kind for row in rows]


ORDER = (
    "erp.create_order",
    {"customer_id": "C-1", "priority": "standard", "product_id": "P-1", "quantity": 2},
)
DONE = {"status": "done", "result": {"order_id": "O-1", "status": "confirmed", "total": 80.0}}


def test_a_run_reads_from_event_to_outcome() -> None:
    run = RunView(
        (decision(ORDER), step("t1/c0/result", StepKind.RESULT, DONE, "erp.create_order")),
        outcomes=(Published(outcome(), b"x"),),
    )
    rows = run_rows(EVENT, run)
    assert kinds(rows) == ["event", "decision", "action", "outcome"]
    assert rows[1].tokens == 111
    assert (rows[2].text, rows[2].after) == (
        "erp.create_order(C-1, P-1, 2, standard)",
        "O-1 confirmed, 80.00 €",
    )
    assert rows[3].at_s == 2


def test_an_action_without_result_is_shown_as_under_way() -> None:
    rows = run_rows(EVENT, RunView((decision(ORDER),)))
    assert (rows[-1].kind, rows[-1].after, rows[-1].at_s) == ("action", "", None)


def test_a_held_action_waits_until_a_person_has_answered() -> None:
    hold = step("t1/c0/hold", StepKind.HOLD, {"rule": "large", "reason": "Too dear."})
    waiting = run_rows(EVENT, RunView((decision(ORDER), hold)))
    assert [(row.kind, row.after) for row in waiting[2:]] == [("hold", ""), ("action", "waits for a person")]
    said = {"answer": "approve", "approver": "maria", "comment": ""}
    answered = run_rows(
        EVENT, RunView((decision(ORDER), hold, step("t1/c0/approval", StepKind.APPROVAL, said)))
    )
    assert kinds(answered[2:]) == ["hold", "approval", "action"]
    assert answered[3].text == "approved by maria"


def test_what_was_undone_is_shown() -> None:
    undo = {"action": "erp.cancel_order", "arguments": {"order_id": "O-1"}, "key": "k"}
    undone = {"status": "done", "result": {"order_id": "O-1", "status": "cancelled"}}
    run = RunView(
        (
            decision(finish="failed"),
            step("t1/c0/undo.intent", StepKind.UNDO_INTENT, undo),
            step("t1/c0/undo.result", StepKind.UNDO_RESULT, undone),
        )
    )
    assert run_rows(EVENT, run)[-1] == Row("undo", "erp.cancel_order(O-1)", "undo", "O-1 cancelled", 1.5)


def test_a_denied_action_says_why() -> None:
    denied = {"status": "denied", "code": "denied", "error": "Only VIP."}
    rows = run_rows(EVENT, RunView((decision(ORDER), step("t1/c0/result", StepKind.RESULT, denied))))
    assert (rows[-1].after, rows[-1].tone) == ("denied: Only VIP.", "warn")


def test_a_repeated_event_shows_whether_its_outcome_is_the_same() -> None:
    same = RunView(outcomes=(Published(outcome(), b"x"), Published(outcome(), b"x")))
    other = RunView(outcomes=(Published(outcome(), b"x"), Published(outcome(), b"y")))
    assert repeat_rows(EVENT, same)[-1].tone == "good"
    assert repeat_rows(EVENT, other)[-1].tone == "bad"
    assert kinds(repeat_rows(EVENT, RunView(outcomes=same.outcomes[:1]))) == ["event"]


def test_a_poison_record_shows_its_dead_letter() -> None:
    letter = DeadLetter(Record("t", 0, 0, 0, None, b"\xff"), "unreadable", "no JSON", 1, EVENT.time)
    assert kinds(poison_rows(b"\xff", (letter,))) == ["record", "dead letter"]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_panel_fits_its_console_and_shows_outside_text_as_it_is(width: int) -> None:
    run = RunView((decision(ORDER, finish="completed"),), outcomes=(Published(outcome(), b"x"),))
    page = text_of(scene_panel(SceneView(1, SCENE, run_rows(EVENT, run), outcome(), over=True)), width)
    assert max(map(len, page.splitlines())) <= width
    assert "[b]well[/b]" in page


@pytest.mark.parametrize("status", list(Status))
def test_every_ending_can_be_shown(status: Status) -> None:
    end = outcome(status=status)
    run = RunView(outcomes=(Published(end, b"x"),))
    assert status.value in text_of(scene_panel(SceneView(1, SCENE, run_rows(EVENT, run), end, over=True)))


@pytest.mark.parametrize("value", [None, 1, [], {}, {"order_id": None}, {"order_id": "O-1"}])
def test_a_result_of_unexpected_shape_is_told_as_it_is(value: Any) -> None:
    assert telling.result("erp.create_order", value)
    assert telling.result("an.unknown_action", value)


def test_long_arguments_are_cut() -> None:
    assert len(telling.call("crm.add_case_note", {"case_ref": "K-1", "text": "x" * 500})) < 120


def test_stages_print_a_scene_once_it_is_over() -> None:
    on, over = (
        SceneView(1, SCENE, run_rows(EVENT, RunView())),
        SceneView(1, SCENE, (Row("record", "r"),), over=True),
    )
    printed = Console(file=StringIO(), width=80)
    for stage in (PrintedStage(printed), QuietStage()):
        stage.show(on)
        stage.show(over)
    assert isinstance(printed.file, StringIO)
    assert printed.file.getvalue().count("In stock") == 1


def test_a_terminal_keeps_what_is_over() -> None:
    console = Console(file=StringIO(), width=80, force_terminal=True)
    with LiveStage(console) as stage:
        stage.show(SceneView(1, SCENE, run_rows(EVENT, RunView())))
        stage.show(SceneView(1, SCENE, (Row("record", "kept"),), over=True))
    assert isinstance(console.file, StringIO)
    assert "kept" in console.file.getvalue()


def report(*differs: str, unaccounted: tuple[str, ...] = ()) -> Report:
    return Report(
        (Finding(SCENE, "success", {"order confirmed": 1}, differs),),
        2,
        unaccounted,
        1,
        3,
        1234,
        0.5,
        1.2,
        3.4,
    )


def test_a_good_summary_says_so() -> None:
    page = text_of(summary_page(report()))
    assert "All as it should be." in page
    assert "1 order confirmed" in page


def test_a_bad_summary_says_what_differs() -> None:
    page = text_of(summary_page(report("two orders", unaccounted=("create_order abc",))), 160)
    assert "two orders" in page
    assert "create_order abc" in page
    assert "All as it should be." not in page


def test_the_opening_says_which_model_decides() -> None:
    assert "script" in text_of(opening_page(None))
    assert "some-model" in text_of(opening_page(HostedModel("some-model", "https://example.org/v1")))
