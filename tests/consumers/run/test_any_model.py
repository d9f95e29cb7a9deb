"""Whatever a model answers, whatever the shop does and wherever the worker dies: a run ends, and ends right."""

import contextlib
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import BusyError, InDoubtError
from consumers.errors import RetryError
from consumers.router.exchange import Reply
from consumers.router.route import Budget
from schemas.approval import ApprovalRequest
from schemas.outcome import Outcome, Status
from tests.consumers.run.shop_world import Crash, World, deny, finish, hold, reply, turns
from tests.consumers.run.test_engine import answer

CALLS: st.SearchStrategy[tuple[str, dict[str, Any] | str]] = st.sampled_from(
    [
        ("shop__stock", {"product": "P"}),
        ("shop__order", {"quantity": 1}),
        ("shop__order", {"quantity": 7}),  # held
        ("shop__order", {"quantity": 13}),  # denied
        ("shop__order", {"quantity": "many"}),
        ("shop__order", "{"),
        ("shop__ship", {"order_id": "O-1"}),
        ("shop__letter", {"to": "Ann"}),
        ("shop__cancel", {"order_id": "O-1"}),
        ("shop__steal", {}),
        finish("completed"),
        finish("refused"),
        finish("failed"),
    ]
)


def together(calls: Sequence[tuple[str, dict[str, Any] | str]]) -> Reply:
    return reply(*calls)


REPLIES = st.one_of(
    st.lists(CALLS, min_size=1, max_size=3).map(together),
    st.sampled_from(
        [
            reply(text="Done.", finish_reason="stop"),
            reply(finish_reason="stop"),
            reply(finish_reason="length"),
        ]
    ),
)
TROUBLE = st.sampled_from([None, None, InDoubtError("lost"), BusyError("429")])
MOST_ATTEMPTS = 40


async def to_the_end(world: World, crashes: list[tuple[int, bool]], answers: list[bool]) -> Outcome:
    for _ in range(MOST_ATTEMPTS):
        world.fuse.calls = 0
        world.fuse.crash_at, world.fuse.after = crashes.pop() if crashes else (None, False)
        world.clock.pass_by(timedelta(seconds=61))  # what waits for a retry has waited long enough
        with contextlib.suppress(Crash, BaseExceptionGroup, RetryError):
            end = await world.work()
            if isinstance(end, ApprovalRequest):
                yes = not answers or answers.pop()
                end = await world.answer(answer(end, "approve" if yes else "reject"))
            if isinstance(end, Outcome):
                return end
    raise AssertionError(f"no end after {MOST_ATTEMPTS} attempts")


@settings(max_examples=3 * settings().max_examples)
@given(
    replies=st.lists(REPLIES, min_size=1, max_size=6),
    trouble=st.lists(TROUBLE, max_size=6),
    refuse=st.frozensets(st.sampled_from(["order", "ship", "letter", "cancel", "recall"]), max_size=2),
    crashes=st.lists(st.tuples(st.integers(1, 30), st.booleans()), max_size=3),
    answers=st.lists(st.booleans(), max_size=3),
    atomic=st.booleans(),
)
async def test_every_run_ends_within_its_budget_and_its_outcome_says_what_is_true(
    replies: list[Reply],
    trouble: list[Exception | None],
    refuse: frozenset[str],
    crashes: list[tuple[int, bool]],
    answers: list[bool],
    atomic: bool,
) -> None:
    rules = [hold("arguments.quantity == 7", "shop.order"), deny("arguments.quantity == 13", "shop.order")]
    world = World(turns(*replies), atomic=atomic, rules=rules, budget=Budget(turns=8, repairs=3))
    world.ledger.trouble, world.ledger.refuse = list(trouble), refuse

    outcome = await to_the_end(world, crashes, answers)

    assert outcome.status.terminal
    assert outcome.turns <= 8
    said = Counter(
        a.action.removeprefix("shop.") for a in outcome.actions if a.status in {"done", "compensated"}
    )
    did = Counter(world.ledger.effects.values())
    doubtful = outcome.status is Status.IN_DOUBT
    for what in ("order", "ship", "letter"):
        assert doubtful or did[what] == said[what] + failed_undos(outcome, what), (
            "the outcome says what is true"
        )
    assert all(
        a.arguments != {"quantity": 13} or a.status in {"denied", "skipped"}
        for a in outcome.actions
        if a.action == "shop.order"
    )
    letters = Counter(key for what, key in world.ledger.sent if what == "letter")
    assert max(letters.values(), default=0) <= 1, "without a key, nothing is ever sent twice"
    writes = [a.status for a in outcome.actions if a.effect == "write"]
    if outcome.status is Status.SUCCESS:
        assert writes[-1:] in ([], ["done"]), "a success does not end in a write that was not done"
    if atomic and outcome.status in {Status.FAILED, Status.REFUSED, Status.BUDGET_SPENT}:
        assert said.keys() <= {"stock"}, "an atomic run that did not succeed leaves nothing standing"
    if atomic and outcome.status is Status.COMPENSATED:
        assert all(a.status != "done" for a in outcome.actions if a.effect == "write")


def failed_undos(outcome: Outcome, what: str) -> int:
    return sum(a.status == "compensation_failed" for a in outcome.actions if a.action == f"shop.{what}")
