"""What a job did: a document for machines, and a page for people. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Literal

from consumers.replay.history import by_connector
from consumers.replay.job import Job
from consumers.replay.markdown import table
from consumers.replay.mode import Mode
from consumers.replay.plan import Plan

LOST: Final = "not counted: no record, or of a run that was killed"
_MICRO: Final = 1_000_000


class State(StrEnum):
    """How a job stands."""

    ORDERED = "ordered"
    """It was written down; what it did is known once it ends or is stopped."""
    STOPPED = "stopped"
    """It was told to stop, or met an error, and goes on when it is asked to."""
    BOUND = "at its bound"
    """It used up what it was given."""
    OVER = "over"
    """Everything was gone through."""


@dataclass(frozen=True, slots=True)
class JobRecord:
    """What is kept of a job.

    Attributes:
        job: what was ordered.
        signature: of whoever ordered it, or None.
        state: how it stands.
        plan: what was expected of it, as JSON has it; empty where nobody asked.
        tally: what became of the records, over all runs of the job.
        used: of its bounds: `effects`, and `usd` in millionths.
        seconds: for how long it was worked, over all its runs.
        why: why it stands like that, where there is more to say.
        found: what a shadow found, as JSON has it; empty for other modes.
        page: the same for people, in Markdown.
        reads: where a shadow's look-ups are answered, from the record or by the systems: as ordered, whoever goes on.
        ignored: `<action>.<argument>` of those whose values do not count in a shadow: as ordered.
    """

    job: Job
    signature: str | None = None
    state: State = State.ORDERED
    plan: Mapping[str, Any] = field(default_factory=dict[str, Any])
    tally: Mapping[str, int] = field(default_factory=dict[str, int])
    used: Mapping[str, int] = field(default_factory=dict[str, int])
    seconds: float = 0.0
    why: str = ""
    found: Mapping[str, Any] = field(default_factory=dict[str, Any])
    page: str = ""
    reads: Literal["record", "live"] = "record"
    ignored: tuple[str, ...] = ()

    @property
    def usd(self) -> float:
        """Dollars that models cost, where the job counted them."""
        return self.used.get("usd", 0) / _MICRO

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it; `of_document` reads it."""
        return {
            "job": self.job.document(),
            "signature": self.signature,
            "state": str(self.state),
            "plan": dict(self.plan),
            "tally": dict(self.tally),
            "used": dict(self.used),
            "seconds": self.seconds,
            "why": self.why,
            "found": dict(self.found),
            "page": self.page,
            "reads": self.reads,
            "ignored": list(self.ignored),
        }

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> "JobRecord":
        """Read what `document` returned.

        Raises:
            ValueError, KeyError, TypeError, ExpressionError: it is something else.
        """
        fields = dict(document)
        fields["job"], fields["state"] = Job.of_document(document["job"]), State(document["state"])
        fields["ignored"] = tuple(document.get("ignored", ()))
        return cls(**fields)


def worked_tally(
    done: int, ends: Mapping[str, int], before: Mapping[str, int], now: Mapping[str, int]
) -> dict[str, int]:
    """Return what became of the records of a job that works events, over all its runs.

    How events ended is counted where each run notes it, once for each event. What was left alone is counted by the
    process; a run that was killed has taken its count along, and what is missing is named.

    Args:
        done: records that were seen done, by all runs of the job; some more may be by now.
        ends: how events ended.
        before: what the runs before counted.
        now: what this run counted.
    """
    names = dict.fromkeys([*before, *now])
    alone = {
        name: before.get(name, 0) + now.get(name, 0)
        for name in names
        if name.startswith(("skipped: ", "dead letter: "))
    }
    known = sum(ends.values()) + sum(alone.values())
    counted: dict[str, int] = {"read": max(done, known), **ends, **alone}
    return counted | ({LOST: done - known} if done > known else {})


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON has it."""
    expected = plan.expected
    return {
        "records": plan.records,
        "looked_at": plan.looked_at,
        "estimated": plan.estimated,
        "standings": {name: round(count) for name, count in plan.standings.items()},
        "events": round(plan.events),
        "routes": {name: round(route.events) for name, route in plan.routes.items()},
        "expected": {
            "model_calls": round(expected.model_calls),
            "usd": round(expected.usd, 6),
            "effects": {name: round(count, 1) for name, count in expected.effects.items()},
            "by_connector": {name: round(count, 1) for name, count in by_connector(expected.effects).items()},
            "mean_of_runs": expected.of_runs,
        },
    }


def markdown(record: JobRecord) -> str:
    """Return the report of a job as a page (CommonMark with tables)."""
    return "\n".join([*_page(record), "", record.page] if record.page else [*_page(record), ""])


def _page(record: JobRecord) -> Iterator[str]:
    job = record.job
    yield f"# Replay {job.id}"
    yield ""
    yield from table(("", ""), _facts(record))
    yield ""
    yield "## What became of the records"
    yield ""
    yield from table(("records", "count"), [(name, f"{count:,}") for name, count in record.tally.items()])
    if record.plan:
        expected: Mapping[str, Any] = record.plan["expected"]
        yield ""
        yield "## What was expected"
        yield ""
        rows = [
            ("events", f"{record.plan['events']:,}"),
            ("model calls", f"{expected['model_calls']:,}"),
            ("cost of models", f"${expected['usd']:,.4f}"),
            *((f"effects by {name}", f"{count:,}") for name, count in expected["by_connector"].items()),
        ]
        yield from table(("", "expected"), rows)


def _facts(record: JobRecord) -> Sequence[tuple[str, str]]:
    job = record.job
    spans = ", ".join(f"{number}:{first}-{end - 1}" for number, (first, end) in sorted(job.spans.items()))
    chosen = {name: value for name, value in job.chosen.document().items() if value}
    facts = [
        ("mode", str(job.mode)),
        ("topic", job.topic),
        ("offsets", spans or "none"),
        ("chosen", "; ".join(f"{name}: {_listed(value)}" for name, value in chosen.items()) or "all"),
        ("output", job.output or "the routes' own"),
        ("ordered", f"{job.ordered_at.isoformat(timespec='seconds')} by {job.operator or 'nobody named'}"),
        ("reason", job.reason or "none given"),
        ("signed", "yes" if record.signature else "no"),
        ("state", f"{record.state}: {record.why}" if record.why else str(record.state)),
        ("worked for", f"{record.seconds:,.1f} s"),
    ]
    if job.mode is Mode.SHADOW:
        asked = "asked of the systems" if record.reads == "live" else "answered by the record"
        facts += [("look-ups", asked), ("does not count", ", ".join(record.ignored) or "nothing")]
    if job.mode.works:
        facts.append(("effects", f"{record.used.get('effects', 0):,}{_of(job.bounds.effects)}"))
    if job.mode is not Mode.REBUILD:
        facts.append(("cost of models", f"${record.usd:,.4f}{_of(job.bounds.usd, '$')}"))
    return facts


def _of(bound: float | None, unit: str = "") -> str:
    return "" if bound is None else f" of {unit}{bound:,} at most"


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
