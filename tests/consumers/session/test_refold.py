"""From steps to sessions: what two holders of one run say, and what a session remembers."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from consumers.session.context import Context
from consumers.session.refold import Refolded, refold
from consumers.session.stored import DamagedError
from schemas.chain import linked
from schemas.step import Step, StepKind
from tests.consumers.adapters.sessions.session_stores import AT, context_with

RUN = "r-1"
OUTCOME = {"status": "success", "finished_at": AT.isoformat()}


def told(place: str, body: Any = None, *, epoch: int, run: str = RUN, memory: Any = None) -> Step:
    kind = StepKind(place.rpartition("/")[2])
    ids = (f"{run}/{place}", run, "acme", "s-1", "e-1", "order.requested")
    return Step(*ids, place, kind, None, body or {"of": place}, AT, epoch, memory)


def remembering(summary: str, run: str) -> dict[str, Any]:
    past = {"event": "e", "event_id": run, "status": "success", "summary": summary, "actions": []}
    return {"version": 2, "runs": [{**past, "at": AT.isoformat(), "run_id": run}]}


def entries(*steps: Step) -> dict[str, Any]:
    return {place: step.body for place, step in refold(steps).runs[RUN].items()}


def summaries(session: Refolded, before: Context | None = None) -> list[str]:
    return [run.summary for run in session.context(before or Context()).runs]


def test_a_run_is_what_its_steps_say() -> None:
    steps = [told("t1/decision", epoch=1), told("t1/c0/intent", epoch=1), told("t1/c0/result", epoch=1)]
    assert entries(*steps) == {step.place: step.body for step in steps}


def test_a_step_that_comes_twice_counts_once() -> None:
    step = told("t1/decision", epoch=1)
    assert entries(step, step) == {step.place: step.body}


def test_where_two_claim_one_place_the_later_holder_is_right_and_what_the_former_wrote_after_it_was_not_stored() -> (
    None
):
    assert entries(
        told("t1/decision", epoch=1),
        told("t1/c0/result", epoch=1),
        told("t2/decision", {"order": 2}, epoch=1),
        told("t2/c0/intent", epoch=1),
        told("t1/decision", epoch=2),
        told("t1/c0/result", epoch=2),
        told("t2/decision", {"order": 3}, epoch=2),
    ) == {
        "t1/decision": {"of": "t1/decision"},
        "t1/c0/result": {"of": "t1/c0/result"},
        "t2/decision": {"order": 3},
    }


def test_a_later_holder_that_found_an_intent_keeps_it_whatever_else_it_contradicts() -> None:
    assert "t1/c0/intent" in entries(
        told("t1/decision", epoch=1),
        told("t1/c0/intent", epoch=1),
        told("t1/c0/result", {"status": "failed"}, epoch=1),
        told("t1/decision", epoch=2),
        told("t1/c0/intent", epoch=2),
        told("t1/c0/result", {"status": "done"}, epoch=2),
    )


def test_what_a_holder_publishes_after_it_was_fenced_does_not_count() -> None:
    assert entries(
        told("t1/decision", {"order": 2}, epoch=2),
        told("t1/decision", {"order": 1}, epoch=1),
        told("t1/c0/intent", epoch=1),
    ) == {"t1/decision": {"order": 2}}


def test_an_end_after_which_somebody_went_on_was_not_stored() -> None:
    steps = [told("t1/decision", epoch=1), told("outcome", OUTCOME, epoch=1)]
    assert "outcome" in entries(*steps)
    assert "outcome" not in entries(*steps, told("t1/decision", epoch=2), told("t2/decision", epoch=2))


def test_beside_an_end_only_what_its_holder_had_told_was_stored() -> None:
    assert entries(
        told("t1/decision", epoch=1),
        told("t1/c0/intent", epoch=1),
        told("t1/c1/intent", epoch=1),
        told("cancel", epoch=0),
        told("t1/decision", epoch=2),
        told("t1/c0/intent", epoch=2),
        told("outcome", OUTCOME, epoch=2),
    ).keys() == {"t1/decision", "t1/c0/intent", "cancel", "outcome"}


def test_a_cancellation_stays_whoever_told_of_it() -> None:
    assert entries(
        told("t1/decision", {"order": 1}, epoch=1),
        told("cancel", epoch=1),
        told("t1/decision", {"order": 2}, epoch=2),
    ) == {"t1/decision": {"order": 2}, "cancel": {"of": "cancel"}}


def test_steps_of_an_older_version_have_no_epoch_and_the_later_one_counts() -> None:
    assert entries(
        told("t1/decision", {"order": 1}, epoch=0), told("t1/decision", {"order": 2}, epoch=0)
    ) == {"t1/decision": {"order": 2}}


def test_a_session_remembers_its_runs_in_the_order_in_which_they_ended() -> None:
    session = refold(
        [
            told("t1/c0/hold", epoch=1, run="a", memory=remembering("a waits", "a")),
            told("outcome", OUTCOME, epoch=2, run="b", memory=remembering("b ended", "b")),
            told("outcome", OUTCOME, epoch=3, run="a", memory=remembering("a ended", "a")),
        ]
    )
    assert summaries(session) == ["b ended", "a ended"]


def test_what_the_store_still_remembers_stays_and_comes_first() -> None:
    session = refold([told("outcome", OUTCOME, epoch=1, run="b", memory=remembering("b ended", "b"))])
    assert summaries(session, context_with("done")) == ["done", "b ended"]


def test_a_step_that_is_published_again_without_its_memory_keeps_it() -> None:
    hold = told("t1/c0/hold", epoch=1, memory=remembering("waits", RUN))
    assert summaries(refold([hold, told("t1/c0/hold", epoch=2)])) == ["waits"]


def test_a_session_goes_on_behind_the_last_step_that_told_what_it_remembers() -> None:
    outcome = told("outcome", OUTCOME, epoch=1, memory=remembering("ended", RUN))
    (chained,) = linked([outcome], "before")
    given_back = replace(chained, epoch=2, previous=None, link=None)
    for steps in ([chained], [chained, given_back]):
        assert refold(steps).context(Context(link="forgotten")).link == chained.link
    assert [(step.previous, step.link) for step in refold([chained]).taken_over(3, AT)] == [(None, None)]


def test_a_replay_is_no_part_of_a_run() -> None:
    replay = replace(told("t1/decision", epoch=0), place="replay/1", kind=StepKind.REPLAY)
    assert not refold([replay]).runs


def test_what_is_told_with_an_end_that_was_not_stored_is_not_remembered() -> None:
    steps = [
        told("outcome", OUTCOME, epoch=1, memory=remembering("ended", RUN)),
        told("t2/decision", epoch=2),
    ]
    assert summaries(refold(steps)) == []


def test_of_an_erased_session_only_that_its_runs_were_there_is_left() -> None:
    gone = {"at": AT.isoformat()}
    session = refold(
        [
            told("t1/decision", epoch=1),
            told("outcome", OUTCOME, epoch=1, memory=remembering("ended", RUN)),
            told("erased", gone, epoch=0),
            told("t1/decision", epoch=9),
            told("outcome", OUTCOME, epoch=7, run="later", memory=remembering("later", "later")),
        ]
    )
    assert {place: step.body for place, step in session.runs[RUN].items()} == {"erased": gone}
    assert summaries(session, context_with("done")) == ["later"], "not what a store remembers from before"


def test_what_is_over_for_long_is_left_out_and_what_is_not_over_never_is() -> None:
    session = refold(
        [
            told("t1/decision", epoch=1, run="open"),
            told("outcome", OUTCOME, epoch=1, run="ended", memory=remembering("ended", "ended")),
            told("erased", {"at": AT.isoformat()}, epoch=0, run="erased"),
        ]
    )
    assert set(session.since(AT).runs) == {"open", "ended", "erased"}
    later = session.since(AT + timedelta(seconds=1))
    assert set(later.runs) == {"open"}


def test_a_session_whose_runs_are_all_over_for_long_remembers_nothing() -> None:
    session = refold([told("outcome", OUTCOME, epoch=1, memory=remembering("ended", RUN))])
    assert summaries(session.since(AT)) == ["ended"]
    assert session.since(AT + timedelta(seconds=1)) == Refolded({}, (), forgets=False)


def test_a_memory_that_cannot_be_read_is_said() -> None:
    with pytest.raises(DamagedError, match="runs: Field required"):
        refold([told("outcome", OUTCOME, epoch=1, memory={"version": "?"})])


def test_whoever_was_fenced_by_giving_it_back_is_not_believed_afterwards() -> None:
    steps = [told("t1/decision", {"order": 1}, epoch=1), told("outcome", OUTCOME, epoch=1)]
    late = [told("t1/decision", {"order": 2}, epoch=2), told("t1/c0/intent", epoch=2)]
    given_back = list(refold(steps).taken_over(3, AT))
    for order in ([*steps, *given_back, *late], [*steps, *late, *given_back]):
        assert entries(*order) == {"t1/decision": {"order": 1}, "outcome": OUTCOME}


def test_what_is_over_for_long_is_taken_over_by_nobody() -> None:
    session = refold(
        [told("t1/decision", epoch=1, run="open"), told("outcome", OUTCOME, epoch=1, run="ended")]
    )
    assert {step.run_id for step in session.taken_over(9, AT)} == {"open", "ended"}
    later = list(session.taken_over(9, AT + timedelta(seconds=1)))
    assert {(step.run_id, step.epoch) for step in later} == {("open", 9)}


def test_what_is_given_back_is_remembered_in_the_order_in_which_it_happened() -> None:
    steps = [
        told("outcome", OUTCOME, epoch=1, run="a", memory=remembering("a ended", "a")),
        told("outcome", OUTCOME, epoch=2, run="b", memory=remembering("b ended", "b")),
    ]
    given_back = [*refold(steps).taken_over(3, AT)]
    assert summaries(refold([*steps, *reversed(given_back)])) == ["a ended", "b ended"]
