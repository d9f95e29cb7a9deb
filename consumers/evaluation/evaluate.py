"""An evaluation: every case tried as often as asked for, a bounded number of trials at once."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from consumers.errors import PointsmanError
from consumers.evaluation.case import Case
from consumers.evaluation.report import Evaluated
from consumers.evaluation.trial import Candidate, NoRouteError, Trial, attempt

CONCURRENCY: Final = 8
"""Trials at once."""
TRIAL_S: Final = 300.0
"""How long one trial may take."""


async def evaluate(
    cases: Sequence[Case],
    candidate: Candidate,
    *,
    repeat: int = 1,
    concurrency: int = CONCURRENCY,
    trial_s: float = TRIAL_S,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[Evaluated]:
    """Try every case and return what came of it, in the order of the cases.

    A trial that raises is an error of its case, and of nothing else.

    Args:
        cases: what is tried.
        candidate: by whom.
        repeat: how often each, for a model that wavers.
        concurrency: trials at once.
        trial_s: how long one may take.
        progress: told trials done and trials in all.
    """
    slots, done, total = asyncio.Semaphore(concurrency), 0, len(cases) * repeat

    async def one(case: Case) -> Trial:
        nonlocal done
        async with slots:
            trial = await tried(case, candidate, trial_s)
        done += 1
        progress(done, total)
        return trial

    async with asyncio.TaskGroup() as group:
        tasks = [
            [group.create_task(one(case), name=f"case {case.id}, trial {number}") for number in range(repeat)]
            for case in cases
        ]
    pairs = zip(cases, tasks, strict=True)
    return [Evaluated(case, tuple(task.result() for task in trials)) for case, trials in pairs]


async def tried(
    case: Case, candidate: Candidate, within_s: float, passing: tuple[type[PointsmanError], ...] = ()
) -> Trial:
    """Try a case once; what goes wrong is an error of the trial.

    Args:
        case: what is tried.
        candidate: by whom.
        within_s: how long it may take.
        passing: errors that are raised, because they are no fault of the case.
    """
    try:
        async with asyncio.timeout(within_s):
            return await attempt(case, candidate)
    except passing:
        raise
    except TimeoutError:
        return Trial(None, error=f"it did not end within {within_s:g} s")
    except (PointsmanError, NoRouteError) as error:
        return Trial(None, error=str(error))
    # A rule, a connector's types or a case may be broken in any way, and the other cases are not to blame.
    except Exception as error:  # noqa: BLE001 - see above
        return Trial(None, error=f"{type(error).__name__}: {error}")
