"""Replays on the screen: the plan, what became of it, and the list of jobs. Pure."""

from rich.table import Table

from consumers.cli.lines import status_style
from consumers.cli.screen import styled, table
from consumers.replay.history import by_connector
from consumers.replay.job import Job
from consumers.replay.mode import Mode
from consumers.replay.plan import Plan
from consumers.replay.report import JobRecord, State
from schemas.outcome import Status

_STATES = {State.OVER: "green", State.STOPPED: "yellow", State.BOUND: "yellow"}


def plan_tables(job: Job, plan: Plan) -> list[Table]:
    """Return what a job would do: how the events stand, then what would be done with them."""
    about = "about " if plan.estimated else ""
    standings = table("events", "count", right=["count"])
    standings.title = (
        f"{plan.records:,} records of {job.topic}, {plan.looked_at:,} of them looked at"
        if plan.estimated
        else f"{plan.records:,} records of {job.topic}"
    )
    standings.title_justify = "left"
    for name, count in plan.standings.items():
        standings.add_row(styled(name), f"{about}{count:,.0f}")
    work = table(str(job.mode), "events", "model calls", "cost", "effects", right=["events", "model calls"])
    for name, route in plan.routes.items():
        expected = route.expected
        effects = ", ".join(
            f"{connector} {count:,.0f}" for connector, count in by_connector(expected.effects).items()
        )
        known = expected.of_runs > 0 or not job.mode.works
        work.add_row(
            styled(name, "bold"),
            f"{about}{route.events:,.0f}",
            f"about {expected.model_calls:,.0f}" if known else "not known",
            f"about ${expected.usd:,.4f}" if known else "not known",
            styled((effects or "none") if known else "not known"),
        )
    return [standings, work]


def done_table(record: JobRecord) -> Table:
    """Return what a job did."""
    made = table("replayed", "records", right=["records"])
    for name, count in record.tally.items():
        made.add_row(styled(name, _style(name)), f"{count:,}")
    if record.job.mode.works:
        made.add_row("effects", f"{record.used.get('effects', 0):,}")
    if record.job.mode is not Mode.REBUILD:
        made.add_row("cost of models", f"${record.usd:,.4f}")
    return made


def begins(record: JobRecord) -> str:
    """Return which job it is, before it is worked, as one line."""
    job = record.job
    return f"replay {job.id} ({job.mode}): whatever stops it, `pointsman replay --job {job.id}` goes on"


def said(record: JobRecord) -> str:
    """Return how a job stands, as one line."""
    more = f": {record.why}" if record.why else ""
    again = (
        f"; goes on with `pointsman replay --job {record.job.id}`" if record.state is State.STOPPED else ""
    )
    return f"replay {record.job.id} ({record.job.mode}) is {record.state}{more}{again}"


def jobs_table(records: list[JobRecord]) -> Table:
    """Return jobs, a line each."""
    made = table("job", "mode", "topic", "ordered by", "state", "read", "why", right=["read"])
    for each in records:
        job = each.job
        made.add_row(
            styled(job.id, "bold"),
            str(job.mode),
            styled(job.topic),
            styled(job.operator),
            styled(str(each.state), _STATES.get(each.state, "")),
            f"{each.tally.get('read', 0):,} of {job.records:,}",
            styled(each.why or job.reason),
        )
    return made


def _style(name: str) -> str:
    return status_style(name) if name in set(Status) else ""
