"""`pointsman replay`: the plan, a question, progress, and the report."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import orjson
import typer
from rich.progress import Progress

from consumers.app.approval_settings import Approvals
from consumers.app.config_file import ConfigFile
from consumers.app.giving_way import give_way
from consumers.app.replay_jobs import Wish, found, frozen, listed, planned, refuse_unsigned
from consumers.app.replaying import How, replayed
from consumers.cli.exits import FAILED, end_with, fail, load, perform, refuse
from consumers.cli.replay_pages import begins, done_table, jobs_table, plan_tables, said
from consumers.cli.screen import err, out, plain, print_json, progress_bar
from consumers.cli.signals import stop_on_signals
from consumers.cli.signing import Person, name_of, signer_of
from consumers.errors import PointsmanError
from consumers.policy.approvers import Signer
from consumers.policy.expressions import Expression, ExpressionError, compiled
from consumers.replay.chosen import VARIABLES, Chosen
from consumers.replay.job import Bounds, Job
from consumers.replay.mode import Mode
from consumers.replay.order import Order, signed
from consumers.replay.plan import Plan
from consumers.replay.report import JobRecord, markdown, plan_document
from consumers.replay.rounds import WITHOUT_SUCCESS
from consumers.replay.selection import Selection
from consumers.telemetry.logs import configure
from schemas.outcome import Status

_TERMINAL: Final = sorted(str(status) for status in Status if status.terminal)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for."""

    topic: str
    mode: Mode = Mode.REBUILD
    since: datetime | None = None
    until: datetime | None = None
    offsets: Mapping[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])
    keys: Sequence[str] = ()
    sessions: Sequence[str] = ()
    events: Sequence[str] = ()
    types: Sequence[str] = ()
    where: str | None = None
    statuses: Sequence[str] = ()
    output: str | None = None
    live_reads: bool = False
    ignored: tuple[str, ...] = ()
    most_effects: int | None = None
    most_usd: float | None = None
    look_at: int = 0


def replay(
    config: Path,
    asked: Asked,
    person: Person,
    how: How,
    reports: Sequence[Path],
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Show the plan of a replay; then, unless it is a dry run, do it and print what was done."""
    _refuse_reports(reports)
    _refuse_nonsense(asked, dry_run=dry_run)
    file = load(config)
    real = asked.mode.works and not dry_run
    signs = signer_of(file.config.approvals, person) if real else None
    wish = _wish(asked, _operator(file.config.approvals, person, signs, proven=real), person.comment)
    job = perform(frozen(file, wish))
    plan = perform(_planned(file, job, asked.look_at))
    if dry_run:
        _show_plan(job, plan, as_json=as_json)
        return
    order = signed(job, signs) if signs else Order(job)
    _refuse_unsigned(file, order)
    for each in () if as_json else plan_tables(job, plan):
        err().print(each)
    if job.mode.works and not yes:
        _ask(job)
    reads = "live" if asked.live_reads else "record"
    record = JobRecord(job, order.signature, reads=reads, ignored=asked.ignored, plan=plan_document(plan))
    _work(file, record, how, reports, as_json=as_json)


def go_on(config: Path, job_id: str, how: How, reports: Sequence[Path], *, as_json: bool) -> None:
    """Go on with a job that has not come to its end, and print what was done in all."""
    _refuse_reports(reports)
    file = load(config)
    _work(file, perform(found(file, job_id)), how, reports, as_json=as_json)


def list_jobs(config: Path, *, as_json: bool) -> None:
    """Print the jobs, latest first."""
    records = perform(listed(load(config)))
    if as_json:
        print_json([record.document() for record in records])
    else:
        out().print(jobs_table(list(records)) if records else "no replays")


def selected(
    topic: str, since: datetime | None, until: datetime | None, offsets: Mapping[int, tuple[int, int]]
) -> Selection:
    """Return what options select; a time without a zone is this machine's. What makes no sense ends the command."""
    try:
        return Selection(topic, since and _zoned(since), until and _zoned(until), offsets)
    except ValueError as error:
        refuse(str(error))


def _zoned(at: datetime) -> datetime:
    return at if at.tzinfo else at.astimezone()


def _refuse_nonsense(asked: Asked, *, dry_run: bool) -> None:
    if unknown := sorted(set(asked.statuses) - set(_TERMINAL)):
        refuse(f"--status {', '.join(unknown)}: runs end as {', '.join(_TERMINAL)}")
    if asked.statuses and asked.mode is Mode.BACKFILL:
        refuse("--status is for what has ended: a backfill works what was never worked")
    if asked.mode is Mode.RESUME and (ended := sorted(set(asked.statuses) - WITHOUT_SUCCESS)):
        refuse(
            f"--status {', '.join(ended)}: a resume leaves alone what ended so; of {' and '.join(sorted(WITHOUT_SUCCESS))} "
            "it works what had no effect"
        )
    unbounded = asked.most_effects is None or asked.most_usd is None
    if asked.mode is Mode.BACKFILL and unbounded and not dry_run:
        refuse(
            "a backfill has bounds: say --most-effects and --most-usd; --dry-run shows what it is likely to use"
        )


def _wish(asked: Asked, operator: str, reason: str) -> Wish:
    return Wish(
        mode=asked.mode,
        selection=selected(asked.topic, asked.since, asked.until, asked.offsets),
        chosen=Chosen(
            keys=frozenset(key.encode() for key in asked.keys),
            sessions=frozenset(asked.sessions),
            events=frozenset(asked.events),
            types=frozenset(asked.types),
            where=None if asked.where is None else _expression(asked.where),
            statuses=frozenset(asked.statuses),
        ),
        output=asked.output,
        operator=operator,
        reason=reason,
        bounds=Bounds(asked.most_effects, asked.most_usd),
    )


def _expression(text: str) -> Expression:
    try:
        return compiled(text, VARIABLES)
    except ExpressionError as error:
        refuse(f"--where {error}")


def _operator(settings: Approvals, person: Person, signs: Signer | None, *, proven: bool) -> str:
    if proven:
        return name_of(settings, signs, person, "--operator")
    return person.approver or os.environ.get("USER", "")


def _refuse_unsigned(file: ConfigFile, order: Order) -> None:
    try:
        refuse_unsigned(file, order)
    except PointsmanError as error:
        end_with(error)


def _refuse_reports(reports: Sequence[Path]) -> None:
    for path in reports:
        if path.suffix not in _WRITERS:
            refuse(f"--report {path}: name a file that ends in {' or '.join(_WRITERS)}")
        if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
            refuse(f"--report {path}: cannot be written; name a file in a folder that is there")


def _ask(job: Job) -> None:
    if not sys.stdin.isatty():
        refuse(f"a {job.mode} works events for real: say --yes where nobody can be asked")
    typer.confirm(f"Work them for real, as {job.mode}?", abort=True, err=True)


def _show_plan(job: Job, plan: Plan, *, as_json: bool) -> None:
    if as_json:
        print_json(plan_document(plan) | {"job": job.document()})
        return
    for each in plan_tables(job, plan):
        out().print(each)


async def _planned(file: ConfigFile, job: Job, most: int) -> Plan:
    with progress_bar("looking") as bar:
        _log_for_people(file)
        return await planned(file, job, most, _on(bar, "looking"))


def _work(file: ConfigFile, record: JobRecord, how: How, reports: Sequence[Path], *, as_json: bool) -> None:
    # Before anything is done: whatever ends this process, its operator knows how to go on.
    err().print(plain(begins(record)), markup=False, soft_wrap=True)
    done = perform(_worked(file, record, how))
    if as_json:
        print_json(done.document())
    else:
        out().print(done_table(done))
        err().print(plain(said(done)), markup=False, soft_wrap=True)
    for path in reports:
        _write(path, _WRITERS[path.suffix](done))
    if done.why:
        raise typer.Exit(FAILED)


def _write(path: Path, report: str) -> None:
    try:
        path.write_text(report, encoding="utf-8")
    except OSError as error:
        fail(f"{path}: cannot be written: {error.strerror}; `pointsman replay --jobs --json` has the same")


async def _worked(file: ConfigFile, record: JobRecord, how: How) -> JobRecord:
    if record.job.mode.works and not how.eager:
        give_way()
    stop = stop_on_signals()
    with progress_bar("replaying") as bar:
        _log_for_people(file)
        return await replayed(
            file, record, how, progress=_on(bar, "replaying"), stop=stop, served=_say_served
        )


def _say_served(address: str) -> None:
    err().print(f"metrics at {address}/metrics", soft_wrap=True)


def _log_for_people(file: ConfigFile) -> None:
    """Have what goes wrong on the way said as a worker's logs say it: with named fields, and nothing personal."""
    level = file.config.telemetry.log_level
    configure(level if level == "ERROR" else "WARNING", "text")


def _on(bar: Progress, what: str) -> Callable[[int, int], None]:
    task = bar.add_task(what, total=None)

    def progress(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total)

    return progress


def _as_json(record: JobRecord) -> str:
    return orjson.dumps(record.document(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


_WRITERS: Final[Mapping[str, Callable[[JobRecord], str]]] = {".md": markdown, ".json": _as_json}
