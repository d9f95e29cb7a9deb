"""One session as a person reads it, and as one JSON document: what is told of it, and its runs as timelines. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from consumers.cli.lines import status_style
from consumers.cli.screen import plain, styled, table
from consumers.cli.session_timeline import Moment, timeline
from consumers.cli.session_totals import Totals, all_of, standing, totals
from consumers.session import place
from consumers.session.context import Context
from consumers.session.key import SessionKey
from consumers.session.stored import Stored
from schemas.codec.values import iso

TOLD_TOKENS: Final = 1500
"""As much as a prompt tells of a session, unless its route says otherwise."""

_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class RunPage:
    """One run: its journal as far as it can be read."""

    run_id: str
    stored: Stored

    @cached_property
    def moments(self) -> list[Moment]:
        """Its entries in the order in which they happened."""
        return timeline(self.stored.entries)

    @cached_property
    def totals(self) -> Totals:
        """What it came to."""
        return totals(self.stored.entries)

    @property
    def status(self) -> str:
        """How it stands."""
        return standing(self.stored.entries)

    @property
    def began_at(self) -> datetime:
        """When its first entry was written."""
        return self.moments[0].at if self.moments else _NEVER

    @property
    def event(self) -> str:
        """Which event started it, where its journal says so."""
        entries = self.stored.entries
        if outcome := entries.get(place.OUTCOME):
            return f"{outcome['event_type']} {outcome['event_id']}"
        event = entries.get(place.EVENT)
        return f"{event['type']} {event['id']}" if event else ""


@dataclass(frozen=True)
class SessionPage:
    """A session.

    Attributes:
        key: which one.
        runs: its runs, the first one first.
        context: what it remembers.
        problems: what of it cannot be read, beside entries of its runs.
    """

    key: SessionKey
    runs: list[RunPage]
    context: Context
    problems: list[str] = field(default_factory=list[str])

    def document(self) -> dict[str, Any]:
        """Return it as one JSON document."""
        context = self.context
        return {
            "session": self.key.session_id,
            "tenant": self.key.tenant,
            "summary": context.summary(TOLD_TOKENS),
            "totals": asdict(all_of(run.totals for run in self.runs)),
            "problems": self.problems,
            "runs": [
                {
                    "run": run.run_id,
                    "status": run.status,
                    "event": run.event,
                    "totals": asdict(run.totals),
                    "damaged": dict(run.stored.damaged),
                    "timeline": [_document(moment) for moment in run.moments],
                }
                for run in self.runs
            ],
            "context": [asdict(run) for run in context.runs],
            "known": {name: asdict(learnt) for name, learnt in context.results.items()},
            "payloads": {name: asdict(said) for name, said in context.payloads.items()},
        }

    def print_to(self, console: Console) -> None:
        """Print it."""
        console.print(f"session [bold]{plain(self.key.session_id)}[/bold] of tenant {plain(self.key.tenant)}")
        for problem in self.problems:
            console.print(styled(problem, "red"))
        if told := self.context.summary(TOLD_TOKENS):
            console.print(styled(told), soft_wrap=True)
        for run in self.runs:
            console.print()
            status = styled(run.status, _style(run.status))
            console.print("run", styled(run.run_id, "bold"), status, styled(run.event))
            console.print(styled(run.totals, "dim"))
            console.print(_table(run.moments))
            for at, problem in run.stored.damaged.items():
                console.print(styled(f"damaged: {at}: {problem}", "red"))
        if len(self.runs) > 1:
            whole = all_of(run.totals for run in self.runs)
            console.print(f"{len(self.runs)} runs: {whole}", markup=False)


def pages(journals: Mapping[str, Stored]) -> list[RunPage]:
    """Return the runs of some journals, the first one first; one that is not there is left out."""
    runs = [RunPage(run, stored) for run, stored in journals.items() if stored.entries or stored.damaged]
    return sorted(runs, key=lambda run: run.began_at)


def _table(moments: list[Moment]) -> Table:
    made = table("at", "what", "action", "says", "took", "cost", right=["took", "cost"])
    for moment in moments:
        made.add_row(
            moment.at.astimezone().strftime("%H:%M:%S.%f")[:-3],
            styled(moment.kind, "red" if moment.failed else "cyan"),
            styled(moment.action),
            styled(moment.says),
            f"{moment.ms:,} ms" if moment.ms is not None else "",
            f"${moment.cost_usd:.4f}" if moment.cost_usd else "",
        )
    return made


def _document(moment: Moment) -> dict[str, Any]:
    return {**asdict(moment), "at": iso(moment.at)}


def _style(status: str) -> str:
    return "dim" if status in {"erased", "in_progress"} else status_style(status)
