"""`pointsman sessions rebuild`: Redis is given back what the steps topic tells, whatever it has."""

from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path

import typer

from consumers.app.config import Config
from consumers.app.connections import outbox, record_codec
from consumers.app.store import open_store
from consumers.cli.exits import fail, load, perform
from consumers.cli.screen import err, out, print_json, progress_bar, table
from consumers.recovery.rebuilding import Progress, Rebuilt
from consumers.telemetry.metrics import Metrics


def rebuild(config: Path, *, yes: bool, as_json: bool) -> None:
    """Rebuild, with a progress bar, and say what was found."""
    settings = load(config).config
    if not yes:
        typer.confirm("Workers wait until Redis is rebuilt. Go on?", abort=True, err=True)
    with progress_bar("rebuilding") as bar:
        task = bar.add_task("rebuilding", total=None)

        def progress(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        rebuilt = perform(_rebuild(settings, progress))
    if rebuilt is None:
        fail("somebody else rebuilds it; `/readyz` of the workers says how far that is")
    if as_json:
        print_json({name: value for name, value in asdict(rebuilt).items() if name != "upto"})
        return
    made = table("rebuilt", "", right=[""])
    made.add_row("steps read", f"{rebuilt.steps:,}")
    made.add_row("  that cannot be read, see the log", f"{rebuilt.unreadable:,}")
    made.add_row("sessions", f"{rebuilt.sessions:,}")
    made.add_row("  damaged, see the log", f"{rebuilt.damaged:,}")
    made.add_row("runs given back", f"{rebuilt.runs:,}")
    out().print(made)
    if not rebuilt.complete:
        err().print(
            "the steps topic does not tell everything: writes that cannot be repeated safely are asked about"
        )


async def _rebuild(settings: Config, progress: Progress) -> Rebuilt | None:
    async with AsyncExitStack() as stack:
        codec = await record_codec(settings, stack)
        steps = await outbox(settings, codec, stack)
        store = await open_store(settings, codec, steps, Metrics(), stack)
        return await store.keeper.rebuild(progress)
