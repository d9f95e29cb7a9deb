"""What is changed, and which tests must notice: only quick ones, and of those only what reaches the changed code."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Group:
    """Modules that one set of tests answers for.

    Attributes:
        name: on the command line.
        modules: what mutmut changes.
        tests: in this order, the quickest first; a changed module is done with at the first test that fails.
        deselected: a pytest expression for those that are too slow: on a server, or on several of them.
    """

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    deselected: str = ""


GROUPS: Final = (
    Group(
        "offsets",
        ("consumers/runtime/offsets.py", "consumers/runtime/finished.py"),
        ("tests/consumers/runtime/test_offsets.py",),
    ),
    Group(
        "commits",
        (
            "consumers/runtime/partition.py",
            "consumers/runtime/publishing.py",
            "consumers/runtime/transactional.py",
        ),
        (
            "tests/consumers/runtime/test_commits.py",
            "tests/consumers/runtime/test_loop_order.py",
            "tests/consumers/runtime/test_loop_ends.py",
            "tests/consumers/runtime/test_loop_letters.py",
            "tests/consumers/runtime/test_loop_rebalance.py",
        ),
    ),
    Group(
        "session",
        (
            "consumers/session/bounds.py",
            "consumers/session/context.py",
            "consumers/session/key.py",
            "consumers/session/past.py",
            "consumers/session/place.py",
            "consumers/session/refold.py",
            "consumers/session/shapes.py",
            "consumers/session/stored.py",
            "consumers/session/summary.py",
        ),
        (
            "tests/consumers/session",
            "tests/consumers/run/test_remembering.py",
            "tests/consumers/run/test_engine.py",
            "tests/consumers/run/test_in_doubt.py",
        ),
        deselected="stays_within_its_bounds_and_is_read or every_run_is_shown or any_part_changed",
    ),
    Group(
        "store",
        ("consumers/adapters/memory_sessions.py",),
        (
            "tests/consumers/adapters/sessions/test_sessions_contract.py",
            "tests/consumers/adapters/sessions/test_sessions_machine.py",
        ),
        deselected="redis",
    ),
    Group(
        "redis",
        (
            "consumers/adapters/redis_damage.py",
            "consumers/adapters/redis_leases.py",
            "consumers/adapters/redis_renewal.py",
            "consumers/adapters/redis_sessions.py",
        ),
        (
            "tests/consumers/adapters/sessions/test_sessions_contract.py",
            "tests/consumers/adapters/sessions/test_redis_damage.py",
            "tests/consumers/adapters/sessions/test_redis_sessions.py",
            "tests/consumers/adapters/sessions/test_sessions_machine.py",
        ),
        deselected="memory or cluster or sentinel",
    ),
    Group(
        "run",
        (
            "consumers/run/answers.py",
            "consumers/run/attempt.py",
            "consumers/run/calls.py",
            "consumers/run/doubts.py",
            "consumers/run/ending.py",
            "consumers/run/engine.py",
            "consumers/run/holding.py",
            "consumers/run/journal.py",
            "consumers/run/next_step.py",
            "consumers/run/record.py",
            "consumers/run/remembering.py",
            "consumers/run/settling.py",
            "consumers/run/steps.py",
            "consumers/run/unwinding.py",
            "consumers/run/work.py",
        ),
        (
            "tests/consumers/run/test_engine.py",
            "tests/consumers/run/test_in_doubt.py",
            "tests/consumers/run/test_unwinding.py",
            "tests/consumers/run/test_records.py",
            "tests/consumers/run/test_reasons.py",
            "tests/consumers/run/test_remembering.py",
            "tests/consumers/run/test_crashes.py::test_a_run_handed_over_at_a_step_goes_on_as_if_nothing_had_been",
            "tests/consumers/run/test_crashes.py::test_no_effect_begins_once_the_claim_is_lost",
            "tests/consumers/run/test_damaged_runs.py",
            "tests/consumers/run/test_clocks.py",
            "tests/consumers/run/test_lost_store.py",
        ),
        deselected="a_crash_and_another_clock_after_it or store_that_is_rebuilt_changes",
    ),
)
