"""What a shadow replay found, added up: a document for machines, and a page for people. Pure."""

import heapq
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from consumers.replay.markdown import table
from schemas.difference import Decided, Difference, DifferenceVerdict

WORST: Final = 20
"""Examples that are kept."""
_REASONS: Final = 50
"""Reasons that are counted one by one; others are counted together."""
_REMEMBERED: Final = 100_000
"""Ids by which a difference is known that was published twice: they stand close to each other, one run of a job apart."""


@dataclass(slots=True)
class Used:
    """What runs used together."""

    runs: int = 0
    turns: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0

    def add(self, decided: Decided) -> None:
        """Add one."""
        self.runs += 1
        self.turns += decided.turns
        self.input_tokens += decided.input_tokens
        self.output_tokens += decided.output_tokens
        self.cost_usd += decided.cost_usd


@dataclass(slots=True)
class OfRoute:
    """What was found on one route."""

    verdicts: Counter[str] = field(default_factory=Counter[str])
    moved: int = 0
    recorded: Used = field(default_factory=Used)
    afresh: Used = field(default_factory=Used)


class Differences:
    """Adds up what a job has published, in bounded memory. Of two with one id the first counts.

    Args:
        job_id: of others nothing is taken.

    Attributes:
        routes: by name.
        kinds: how many runs have a difference of this kind.
        reasons: why runs are not comparable.
    """

    def __init__(self, job_id: str) -> None:
        self._job_id = job_id
        self.routes: dict[str, OfRoute] = {}
        self.kinds: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._worst: list[tuple[float, str, Difference]] = []

    def take(self, difference: Difference) -> None:
        """Add one, if it is of this job and new."""
        if difference.job_id != self._job_id or difference.id in self._seen:
            return
        self._seen[difference.id] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        route = self.routes.setdefault(difference.route, OfRoute())
        route.verdicts[str(difference.verdict)] += 1
        route.moved += bool(difference.moved)
        route.recorded.add(difference.recorded)
        if difference.afresh is not None:
            route.afresh.add(difference.afresh)
        self.kinds.update({each.kind for each in difference.differences})
        if difference.reason:
            known = difference.reason in self.reasons or len(self.reasons) < _REASONS
            self.reasons[difference.reason if known else "other reasons"] += 1
        if difference.verdict is not DifferenceVerdict.SAME:
            heapq.heappush(self._worst, (-difference.score, difference.id, difference))
            if len(self._worst) > WORST:
                heapq.heappop(self._worst)

    @property
    def verdicts(self) -> Mapping[str, int]:
        """How many runs compare how, over all routes."""
        found: Counter[str] = Counter()
        for route in self.routes.values():
            found.update(route.verdicts)
        return {str(verdict): found[str(verdict)] for verdict in DifferenceVerdict if found[str(verdict)]}

    @property
    def moved(self) -> int:
        """In how many runs a live read answered otherwise than it did then."""
        return sum(route.moved for route in self.routes.values())

    @property
    def recorded(self) -> Used:
        """What the recorded runs used."""
        return _sum([route.recorded for route in self.routes.values()])

    @property
    def afresh(self) -> Used:
        """What deciding afresh used, as far as it came to an end."""
        return _sum([route.afresh for route in self.routes.values()])

    @property
    def worst(self) -> Sequence[Difference]:
        """The runs that differ most, so many at most."""
        return [each for _, _, each in sorted(self._worst, key=lambda one: (-one[0], one[1]))]

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "verdicts": dict(self.verdicts),
            "moved": self.moved,
            "kinds": dict(self.kinds.most_common()),
            "reasons": dict(self.reasons.most_common()),
            "recorded": asdict(self.recorded),
            "afresh": asdict(self.afresh),
            "routes": {
                name: {
                    "verdicts": dict(route.verdicts),
                    "moved": route.moved,
                    "recorded": asdict(route.recorded),
                    "afresh": asdict(route.afresh),
                }
                for name, route in sorted(self.routes.items())
            },
            "worst": [_example(each) for each in self.worst],
        }


def markdown(found: Differences, tally: Mapping[str, int]) -> str:
    """Return what a shadow replay found as a page (CommonMark with tables).

    Args:
        found: what was published.
        tally: how many records ended how.
    """
    return "\n".join([*_page(found, tally), ""])


def _page(found: Differences, tally: Mapping[str, int]) -> Iterator[str]:
    yield "## What would have been done"
    yield ""
    yield from table(
        ("runs", "count"),
        [*_counted(_named(found.verdicts)), ("in which a live read answered otherwise", f"{found.moved:,}")],
    )
    for title, counts in (("By kind of difference", found.kinds), ("Not comparable", found.reasons)):
        if counts:
            yield from ("", f"## {title}", "")
            yield from table(("", "runs"), _counted(dict(Counter(counts).most_common())))
    yield from ("", "## By route", "")
    verdicts = [str(verdict) for verdict in DifferenceVerdict]
    yield from table(
        ("route", *map(_spaced, verdicts), "recorded", "afresh"),
        [
            (
                name,
                *(f"{route.verdicts[verdict]:,}" for verdict in verdicts),
                f"${route.recorded.cost_usd:,.4f}",
                f"${route.afresh.cost_usd:,.4f}",
            )
            for name, route in sorted(found.routes.items())
        ],
    )
    yield from ("", "## What it used", "")
    yield from table(("", "recorded", "afresh"), _figures(found.recorded, found.afresh))
    if worst := found.worst:
        yield from ("", f"## The worst {len(worst)}", "")
        rows = [(each.event_id, each.route, _spaced(each.verdict), _words(each)) for each in worst]
        yield from table(("event", "route", "", "difference"), rows)
    if skipped := {name: count for name, count in tally.items() if name.startswith("skipped")}:
        yield from ("", "## Left out", "")
        yield from table(("records", "count"), _counted(skipped))


def _figures(was: Used, now: Used) -> list[tuple[str, str, str]]:
    return [
        ("runs", f"{was.runs:,}", f"{now.runs:,}"),
        ("answers of the model", f"{was.turns:,}", f"{now.turns:,}"),
        ("tokens sent", f"{was.input_tokens:,}", f"{now.input_tokens:,}"),
        ("tokens received", f"{was.output_tokens:,}", f"{now.output_tokens:,}"),
        ("cost", f"${was.cost_usd:,.4f}", f"${now.cost_usd:,.4f}"),
    ]


def _example(difference: Difference) -> dict[str, Any]:
    return {
        "event_id": difference.event_id,
        "run_id": difference.run_id,
        "session_id": difference.session_id,
        "route": difference.route,
        "verdict": str(difference.verdict),
        "score": difference.score,
        "reason": difference.reason,
        "differences": [asdict(each) for each in difference.differences],
        "moved": list(difference.moved),
        "unrecorded": list(difference.unrecorded),
        "recorded": _shown(difference.recorded),
        "afresh": None if difference.afresh is None else _shown(difference.afresh),
    }


def _shown(decided: Decided) -> dict[str, Any]:
    return {"status": decided.status, "effects": [asdict(each) for each in decided.effects]}


def _words(difference: Difference) -> str:
    words = [difference.reason] if difference.reason else []
    words += [f"{each.kind}: {each.words}" for each in difference.differences]
    words += [f"the world moved: {each}" for each in difference.moved]
    return "; ".join(words)


def _sum(each: Sequence[Used]) -> Used:
    return Used(
        sum(one.runs for one in each),
        sum(one.turns for one in each),
        sum(one.input_tokens for one in each),
        sum(one.output_tokens for one in each),
        sum(one.cost_usd for one in each),
    )


def _named(verdicts: Mapping[str, int]) -> dict[str, int]:
    return {_spaced(verdict): count for verdict, count in verdicts.items()}


def _spaced(verdict: str) -> str:
    return verdict.replace("_", " ")


def _counted(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    return [(name, f"{count:,}") for name, count in counts.items()]
