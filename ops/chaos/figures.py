"""The figures of a run, beside what was checked."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
from facts import Facts
from striking import Striking
from workers import Workers

_TOLD = 15
_NAMES = re.compile(r"\d[\d.]*|worker-\S+|[0-9a-f]{8,}")


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run took, and what was done to it.

    Attributes:
        seconds: from the first event published to the last outcome.
        longest_gap_s: the longest time without an event's first outcome.
        outcomes_twice: outcome records beyond the first of each event; subscribers drop them by their id.
        effects_asked_again: requests for an effect that had happened; their idempotency keys kept it at one.
        rebalances: of the group, the first assignment left out.
        commits_moved_back: commits below an earlier one of their partition.
        workers_by_themselves: ended without having been told.
        starts_without_broker: ended before they took events, because there was no broker to take them from.
        slowest_end_s: of the orderly ends of workers.
        logged: the commonest warnings and errors of the workers.
    """

    seconds: float
    events_per_s: float
    longest_gap_s: float
    outcome_records: int
    outcomes_twice: int
    effects_asked_again: int
    rebalances: int
    commits: int
    commits_moved_back: int
    worker_starts: int
    worker_kills: int
    worker_freezes: int
    worker_ends: int
    workers_by_themselves: int
    starts_without_broker: int
    slowest_end_s: float
    broker_restarts: int
    rolling_deploys: int
    logged: dict[str, int]


def figures(facts: Facts, workers: Workers, striking: Striking, seconds: float, generations: int) -> Figures:
    """Return them."""
    finished = len(facts.of_event)
    return Figures(
        seconds=round(seconds, 1),
        events_per_s=round(finished / seconds, 1),
        longest_gap_s=round(_longest_gap_ms(facts) / 1000, 1),
        outcome_records=len(facts.outcomes),
        outcomes_twice=len(facts.outcomes) - finished,
        effects_asked_again=sum(effect.attempts - 1 for effect in facts.books.effects),
        rebalances=max(0, generations - 1),
        commits=len(facts.commits),
        commits_moved_back=_moved_back(facts),
        worker_starts=workers.done["starts"],
        worker_kills=workers.done["kills"],
        worker_freezes=workers.done["freezes"],
        worker_ends=workers.done["ends"],
        workers_by_themselves=workers.done["ended by themselves"],
        starts_without_broker=workers.done["starts without broker"],
        slowest_end_s=round(max(workers.stop_s, default=0.0), 1),
        broker_restarts=striking.broker_restarts,
        rolling_deploys=workers.done["deploys"],
        logged=_logged(sorted(workers.servers.folder.glob("worker-*.log"))),
    )


def _longest_gap_ms(facts: Facts) -> int:
    times = sorted(records[0][0].at_ms for records in facts.of_event.values())
    return max((later - earlier for earlier, later in pairwise(times)), default=0)


def _moved_back(facts: Facts) -> int:
    last: dict[int, int] = {}
    back = 0
    for commit in facts.commits:
        back += commit.offset < last.get(commit.partition, 0)
        last[commit.partition] = commit.offset
    return back


def _logged(logs: Sequence[Path]) -> dict[str, int]:
    said = Counter(
        _said(line) for log in logs for line in _lines(log) if line.get("level") not in {"DEBUG", "INFO"}
    )
    return dict(said.most_common(_TOLD))


def _said(line: dict[str, Any]) -> str:
    return _NAMES.sub("…", f"{line['level']} {line['logger']}: {line['message']}")[:140]


def _lines(log: Path) -> Iterable[dict[str, Any]]:
    for line in log.read_bytes().splitlines():
        try:
            yield orjson.loads(line)
        except orjson.JSONDecodeError:  # a traceback, or a line that a kill has cut
            yield {"level": "?", "logger": "plain", "message": line.decode(errors="replace")}
