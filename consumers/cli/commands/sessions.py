"""`pointsman sessions`."""

from typing import Annotated

import typer

from consumers.cli.options import CONFIG, AsJson, ConfigPath, examples

app = typer.Typer(
    help="Sessions and what happened in them: list, show.",
    epilog=examples("pointsman sessions show C-100"),
    no_args_is_help=True,
)


@app.command("list", epilog=examples("pointsman sessions list", "pointsman sessions list --max 20 --json"))
def list_sessions(
    *,
    config: ConfigPath = CONFIG,
    most: Annotated[int, typer.Option("--max", min=1, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List sessions that Redis still has, the ones that moved last first."""
    from consumers.cli import sessions

    sessions.list_sessions(config, most=most, as_json=as_json)


@app.command(epilog=examples("pointsman sessions show C-100", "pointsman sessions show C-100 --tenant acme"))
def show(
    session: Annotated[str, typer.Argument(help="Id of the session.")],
    *,
    config: ConfigPath = CONFIG,
    tenant: Annotated[str, typer.Option(help="Whose session it is.")] = "default",
    as_json: AsJson = False,
) -> None:
    """Show the timeline of a session: for each run its decisions, actions, results and cost, from the journal."""
    from consumers.cli import sessions

    sessions.show(config, session, tenant=tenant, as_json=as_json)
