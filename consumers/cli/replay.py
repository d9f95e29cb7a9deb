"""`pointsman replay`: progress, and a table of what was done."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from consumers.app.replaying import run_replay
from consumers.cli.exits import load, perform, refuse
from consumers.cli.screen import out, print_json, progress_bar, styled, table
from consumers.replay.selection import Selection


def replay(
    config: Path,
    topic: str,
    since: datetime | None,
    until: datetime | None,
    offsets: Mapping[int, tuple[int, int]],
    *,
    output: str | None,
    operator: str,
    as_json: bool,
) -> None:
    """Replay a part of a topic and print what was done; a time without a zone is this machine's."""
    selection = selected(topic, since, until, offsets)
    file = load(config)
    with progress_bar("replaying") as bar:
        task = bar.add_task("replaying", total=None)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        report = perform(run_replay(file, selection, output=output, operator=operator, progress=progress))
    if as_json:
        print_json(dict(report))
    else:
        _show(report)


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


def _show(tally: Mapping[str, int]) -> None:
    made = table("replayed", "records", right=["records"])
    for what, count in tally.items():
        made.add_row(styled(what), f"{count:,}")
    out().print(made)
