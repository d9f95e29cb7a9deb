"""`pointsman replay`."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Annotated, Final

import typer

from consumers.cli.options import CONFIG, AsJson, ConfigPath, Offsets, Since, Until, parse_parts
from consumers.replay.mode import Mode

_CHOOSE, _WORK, _ORDER, _JOBS = "Which events", "How it is worked", "Who orders it", "Jobs"


_OF_MODE: Final[Mapping[str, frozenset[Mode]]] = {
    "output": frozenset({Mode.REBUILD, Mode.SHADOW}),
    "processes": frozenset({Mode.REBUILD}),
    "live_reads": frozenset({Mode.SHADOW}),
    "ignore": frozenset({Mode.SHADOW}),
    "most_effects": frozenset({Mode.RESUME, Mode.BACKFILL}),
    "most_usd": frozenset({Mode.SHADOW, Mode.RESUME, Mode.BACKFILL}),
    "allow_older": frozenset({Mode.RESUME, Mode.BACKFILL}),
    "eager": frozenset({Mode.RESUME, Mode.BACKFILL}),
}
"""Options that mean nothing to other modes."""
_GOING_ON: Final = frozenset(
    {
        *("config", "rate", "at_once", "processes", "yield_lag", "allow_older", "metrics_port"),
        *("eager", "job", "report", "as_json"),
    }
)
"""What may be said of a job that was ordered."""
_LISTING: Final = frozenset({"config", "jobs", "as_json"})


def replay(
    context: typer.Context,
    topic: Annotated[
        str | None, typer.Argument(help="An input topic of a route; none with --job and --jobs.")
    ] = None,
    *,
    config: ConfigPath = CONFIG,
    mode: Annotated[
        Mode,
        typer.Option(
            help="rebuild: the same outcomes again, no model, no effect. shadow: decided afresh, nothing is done. "
            "resume: what has not ended, or failed without any effect, is worked. "
            "backfill: what was never worked is worked, within bounds."
        ),
    ] = Mode.REBUILD,
    since: Since = None,
    until: Until = None,
    offsets: Offsets = None,
    key: Annotated[
        list[str] | None, typer.Option(help="A key of the records; several times.", rich_help_panel=_CHOOSE)
    ] = None,
    session: Annotated[
        list[str] | None, typer.Option(help="A session; several times.", rich_help_panel=_CHOOSE)
    ] = None,
    event: Annotated[
        list[str] | None, typer.Option(help="An event's id; several times.", rich_help_panel=_CHOOSE)
    ] = None,
    event_type: Annotated[
        list[str] | None,
        typer.Option("--type", help="A type of events; several times.", rich_help_panel=_CHOOSE),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            help="A CEL expression over `event`, such as 'event.payload.quantity > 10'.",
            rich_help_panel=_CHOOSE,
        ),
    ] = None,
    status: Annotated[
        list[str] | None,
        typer.Option(help="How the run ended, such as failed; several times.", rich_help_panel=_CHOOSE),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(help="Topic for what comes out instead of the routes' own.", rich_help_panel=_WORK),
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.01, help="Events a second at most.", rich_help_panel=_WORK)
    ] = None,
    at_once: Annotated[
        int,
        typer.Option(
            min=1, max=256, help="Events beside each other, where models are asked.", rich_help_panel=_WORK
        ),
    ] = 8,
    processes: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=64,
            help="That share a rebuild, by partitions. Up to four where they are worth it and there is no rate, unless said.",
            rich_help_panel=_WORK,
        ),
    ] = None,
    yield_lag: Annotated[
        int,
        typer.Option(
            min=0,
            help="Wait while live workers are behind by more records than this.",
            rich_help_panel=_WORK,
        ),
    ] = 100,
    live_reads: Annotated[
        bool,
        typer.Option(
            "--live-reads",
            help="In a shadow, look-ups ask the systems instead of the record.",
            rich_help_panel=_WORK,
        ),
    ] = False,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            help="In a shadow, ACTION.ARGUMENT whose value does not count, such as free text; several times.",
            rich_help_panel=_WORK,
        ),
    ] = None,
    most_effects: Annotated[
        int | None, typer.Option(min=0, help="Writes at most, in all.", rich_help_panel=_WORK)
    ] = None,
    most_usd: Annotated[
        float | None,
        typer.Option(min=0, help="Dollars for models at most, in all.", rich_help_panel=_WORK),
    ] = None,
    allow_older: Annotated[
        bool,
        typer.Option(
            "--allow-older",
            help="Work events that are older than the steps topic: you know that nobody ever worked them.",
            rich_help_panel=_WORK,
        ),
    ] = False,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="Serve /metrics, /healthz and /readyz at this port of `telemetry.host` while it works; 0 takes a free one.",
            rich_help_panel=_WORK,
        ),
    ] = None,
    eager: Annotated[
        bool,
        typer.Option(
            "--eager",
            envvar="POINTSMAN_REPLAY_EAGER",
            help="Work events even if the machine is busy; without it, only in what time others leave.",
            rich_help_panel=_WORK,
        ),
    ] = False,
    look_at: Annotated[
        int,
        typer.Option(min=0, help="Records that the plan looks at; 0 is all.", rich_help_panel=_WORK),
    ] = 10_000,
    operator: Annotated[
        str | None,
        typer.Option(
            help="Who replays; recorded in the audit trail. The key's owner, or $USER where nothing is signed.",
            rich_help_panel=_ORDER,
        ),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; recorded.", rich_help_panel=_ORDER)] = "",
    key_file: Annotated[
        Path | None,
        typer.Option(
            help="The private key to sign with, instead of `approvals.sign_with`: for resume and backfill.",
            rich_help_panel=_ORDER,
        ),
    ] = None,
    key_id: Annotated[
        str | None, typer.Option(help="Its name in `approvals.keys`.", rich_help_panel=_ORDER)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, and do nothing.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask before events are worked for real.")
    ] = False,
    job: Annotated[
        str | None, typer.Option(help="Go on with a job that was stopped.", rich_help_panel=_JOBS)
    ] = None,
    jobs: Annotated[bool, typer.Option("--jobs", help="List the jobs.", rich_help_panel=_JOBS)] = False,
    report: Annotated[
        list[Path] | None,
        typer.Option(
            help="Write the report: Markdown into a .md file, JSON into a .json file; several times."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Go through a part of a topic again: rebuild outcomes, try a new configuration, or work what was not.

    The plan is shown first. What an event did once is not done again, whatever the offsets: its id says which run it is.
    Works in a consumer group of its own beside running workers, may be stopped at any time, and goes on with --job.
    """
    from consumers.app.replaying import How
    from consumers.cli import replay as replaying
    from consumers.cli.signing import Person

    given = _given(context)
    if jobs or job is not None:
        _refuse_beside("--jobs" if jobs else "--job", given.keys() - (_LISTING if jobs else _GOING_ON), given)
    parts = parse_parts(offsets or [])
    how = How(rate, at_once, yield_lag, allow_older, metrics_port, processes, eager)
    reports = tuple(report or ())
    if jobs:
        replaying.list_jobs(config, as_json=as_json)
        return
    if job is not None:
        replaying.go_on(config, job, how, reports, as_json=as_json)
        return
    if topic is None:
        raise typer.BadParameter("name a topic, or a job with --job")
    if others := sorted(name for name in given if mode not in _OF_MODE.get(name, {mode})):
        raise typer.BadParameter(f"{given[others[0]]} means nothing to a {mode}: leave it out")
    asked = replaying.Asked(
        topic=topic,
        mode=mode,
        since=since,
        until=until,
        offsets=parts,
        keys=tuple(key or ()),
        sessions=tuple(session or ()),
        events=tuple(event or ()),
        types=tuple(event_type or ()),
        where=where,
        statuses=tuple(status or ()),
        output=output,
        live_reads=live_reads,
        ignored=tuple(sorted(ignore or ())),
        most_effects=most_effects,
        most_usd=most_usd,
        look_at=look_at,
    )
    person = Person(operator, reason, key_file, key_id)
    replaying.replay(config, asked, person, how, reports, dry_run=dry_run, yes=yes, as_json=as_json)


def _given(context: typer.Context) -> dict[str, str]:
    """Return what stands on the command line, by parameter: how it is written."""
    given: dict[str, str] = {}
    for each in context.command.params:
        source = each.name and context.get_parameter_source(each.name)
        if each.name and source and source.name == "COMMANDLINE":
            given[each.name] = each.opts[0] if each.opts[0].startswith("-") else "the topic"
    return given


def _refuse_beside(option: str, others: AbstractSet[str], given: Mapping[str, str]) -> None:
    if others:
        listed = ", ".join(given[name] for name in given if name in others)
        raise typer.BadParameter(f"{option} takes what was ordered as it is: leave out {listed}")
