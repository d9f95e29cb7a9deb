"""What sessions remembered, in a file: the same as in memory."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from consumers.adapters.remembered_spool import RememberedSpool
from consumers.evaluation.remembered import Remembered
from consumers.session.context import Context
from consumers.session.key import SessionKey
from consumers.session.past import PastRun
from schemas.step import Step, StepKind

AT = datetime(2026, 3, 2, tzinfo=UTC)
SESSIONS, RUNS = ("s-1", "s-2", "s-3"), tuple(f"r-{number}" for number in range(6))
KINDS = (StepKind.DECISION, StepKind.OUTCOME, StepKind.REPLAY)
PLACES = ("t1/decision", "outcome", "cancel", "erased")


def step(number: int, session: str, run: str, kind: StepKind, place: str, learns: str) -> Step:
    at = AT + timedelta(seconds=number)
    memory: dict[str, Any] | None = None
    if learns == "well":
        past = PastRun("order.requested", f"e-{run}", "success", f"said {number}", (), at, run_id=run)
        memory = orjson.loads(Context(runs=(past,)).dump())
    elif learns == "badly":
        memory = {"runs": "?"}
    return Step(
        f"{run}/{place}",
        run,
        "acme",
        session,
        "e",
        "order.requested",
        place,
        kind,
        None,
        {},
        at,
        memory=memory,
    )


STEPS = st.lists(
    st.tuples(
        st.sampled_from(SESSIONS),
        st.sampled_from(RUNS),
        st.sampled_from(KINDS),
        st.sampled_from(PLACES),
        st.sampled_from(["well", "badly", "nothing"]),
    ),
    max_size=30,
).map(lambda rows: [step(number, *row) for number, row in enumerate(rows)])


@given(steps=STEPS, batch=st.integers(1, 7))
def test_a_run_finds_what_it_found_then(steps: list[Step], batch: int) -> None:
    in_memory = Remembered({SessionKey("acme", session) for session in SESSIONS})
    for each in steps:
        in_memory.take(each)
    with RememberedSpool({"order.requested"}) as spool:
        for begin in range(0, len(steps), batch):
            spool.add(steps[begin : begin + batch])
        for run in RUNS:
            found = spool.before(run)
            assert (None if found.is_empty else orjson.loads(found.dump())) == in_memory.before(run)


def test_runs_of_other_types_of_event_teach_and_are_not_asked_for() -> None:
    first = step(0, "s-1", "r-1", StepKind.OUTCOME, "outcome", "well")
    second = step(1, "s-1", "r-2", StepKind.DECISION, "t1/decision", "nothing")
    with RememberedSpool({"case.opened"}) as spool:
        spool.add([first, second])
        assert spool.before("r-2").is_empty
