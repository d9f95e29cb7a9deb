"""A run's journal as a timeline."""

from typing import Any

from consumers.cli.session_timeline import says, timeline

CALL = {"id": "1", "action": "erp.create_order", "arguments": {"quantity": 2}, "problem": None}
FINISH = {"status": "completed", "summary": "Ordered."}


def decision(second: int, **more: Any) -> dict[str, Any]:
    body = {"calls": [], "finish": None, "problem": None, "text": "", "cost_usd": 0.25}
    return {**body, "at": f"2026-11-22T12:00:0{second}+00:00", **more}


ENTRIES = {
    "outcome": {"status": "success", "summary": "Ordered.", "finished_at": "2026-11-22T12:00:06+00:00"},
    "t2/decision": decision(5, finish=FINISH),
    "t1/c0/result": {"status": "done", "result": {"order_id": "O-1"}, "at": "2026-11-22T12:00:04+00:00"},
    "t1/c0/intent": {
        "action": "erp.create_order",
        "arguments": {"quantity": 2},
        "at": "2026-11-22T12:00:02+00:00",
    },
    "t1/decision": decision(2, calls=[CALL]),
}


def test_entries_come_in_the_order_in_which_they_happened() -> None:
    kinds = [moment.kind for moment in timeline(ENTRIES)]
    assert kinds == ["decision", "intent", "result", "decision", "outcome"]


def test_result_names_the_action_of_its_call_and_decisions_their_cost() -> None:
    moments = {moment.place: moment for moment in timeline(ENTRIES)}
    assert moments["t1/c0/result"].action == "erp.create_order"
    assert moments["t1/decision"].cost_usd == 0.25
    assert "O-1" in moments["t1/c0/result"].says
    assert moments["t2/decision"].says == "finish completed: Ordered."


def test_failure_says_why_and_is_marked() -> None:
    failed = {"status": "failed", "code": "refused", "error": "no stock", "at": "2026-11-22T12:00:04+00:00"}
    (moment,) = [m for m in timeline({**ENTRIES, "t1/c0/result": failed}) if m.kind == "result"]
    assert moment.failed
    assert moment.says == "failed: no stock"


def test_unusable_answer_says_what_was_wrong() -> None:
    (moment,) = timeline({"t1/decision": decision(1, problem="the answer is empty")})
    assert moment.says == "unusable answer: the answer is empty"


def test_compensation_is_named_in_its_result_too() -> None:
    undone = {
        "t1/c0/undo.intent": {
            "action": "erp.cancel_order",
            "arguments": {},
            "at": "2026-11-22T12:00:05+00:00",
        },
        "t1/c0/undo.result": {"status": "done", "result": None, "at": "2026-11-22T12:00:06+00:00"},
    }
    moments = {moment.place: moment for moment in timeline({**ENTRIES, **undone})}
    assert moments["t1/c0/undo.result"].action == "erp.cancel_order"


def test_who_must_agree_and_what_somebody_changed_is_said() -> None:
    hold = {
        "arguments": {"quantity": 2},
        "rule": "large",
        "reason": "ask",
        "expires_at": "2026-11-22T13:00:00+00:00",
        "approvers": ["board", "sales"],
        "quorum": 2,
        "requester": "kim",
    }
    said = says("t1/c0/hold", hold)
    assert said.endswith(", for 2 of board or sales, asked for by kim")
    assert says("t1/c0/hold", {**hold, "approvers": [], "requester": None}).endswith(", for 2 of all")
    edit = {"answer": "edit", "approver": "ann", "comment": "five", "arguments": {"quantity": 5}}
    assert says("t1/c0/by-1/approval", edit) == 'edit by ann five: {"quantity":5}'
