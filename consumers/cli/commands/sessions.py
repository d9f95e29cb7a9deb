"""`pointsman sessions`."""

from typing import Annotated

import typer

from consumers.cli.options import CONFIG, AsJson, ConfigPath, Reveal, examples

app = typer.Typer(
    help="Sessions and what happened in them: list, show, verify, cancel, erase, rebuild.",
    epilog=examples("pointsman sessions show C-100"),
    no_args_is_help=True,
)

SessionId = Annotated[str, typer.Argument(help="Id of the session.")]
Tenant = Annotated[str, typer.Option(help="Whose session it is.")]


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


@app.command(
    epilog=examples("pointsman sessions show C-100", "pointsman sessions show C-100 --tenant acme --reveal")
)
def show(
    session: SessionId,
    *,
    config: ConfigPath = CONFIG,
    tenant: Tenant = "default",
    reveal: Reveal = False,
    as_json: AsJson = False,
) -> None:
    """Show the timeline of a session: for each run its decisions, actions, results and cost, from the journal."""
    from consumers.cli import sessions

    sessions.show(config, session, tenant=tenant, as_json=as_json, reveal=reveal)


@app.command(epilog=examples("pointsman sessions verify", "pointsman sessions verify C-100 --json"))
def verify(
    session: Annotated[str | None, typer.Argument(help="Id of the session; all of them if missing.")] = None,
    *,
    config: ConfigPath = CONFIG,
    tenant: Tenant = "default",
    as_json: AsJson = False,
) -> None:
    """Prove that the audit trail of sessions is whole, or name the first link that does not hold; exit code 1 then."""
    from consumers.cli import session_proof

    session_proof.verify_sessions(config, session, tenant=tenant, as_json=as_json)


@app.command(epilog=examples("pointsman sessions cancel C-100 --reason 'the customer called it off'"))
def cancel(
    session: SessionId,
    *,
    operator: Annotated[str, typer.Option(envvar="USER", help="Who cancels; recorded in the audit trail.")],
    config: ConfigPath = CONFIG,
    tenant: Tenant = "default",
    run: Annotated[
        str | None, typer.Option(help="Which run, or the beginning of its id, if several are open.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; recorded, and told to subscribers.")] = "",
    as_json: AsJson = False,
) -> None:
    """End a run: what is under way is finished, then its finished writes are undone, the last one first."""
    from consumers.cli import session_ends

    session_ends.cancel(
        config, session, tenant=tenant, run=run, operator=operator, reason=reason, as_json=as_json
    )


@app.command(epilog=examples("pointsman sessions erase C-100 --yes"))
def erase(
    session: SessionId,
    *,
    config: ConfigPath = CONFIG,
    tenant: Tenant = "default",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase what Redis has of a session, for privacy. Its runs are never worked again; topics keep what they have."""
    from consumers.cli import session_ends

    session_ends.erase(config, session, tenant=tenant, yes=yes, as_json=as_json)


@app.command(epilog=examples("pointsman sessions rebuild --yes"))
def rebuild(
    *,
    config: ConfigPath = CONFIG,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give Redis back what the steps topic tells, from its beginning. Workers do it by themselves after a loss."""
    from consumers.cli import session_rebuild

    session_rebuild.rebuild(config, yes=yes, as_json=as_json)
