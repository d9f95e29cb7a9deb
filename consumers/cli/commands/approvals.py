"""`pointsman approvals`."""

from typing import Annotated

import typer

from consumers.cli.options import CONFIG, AsJson, ConfigPath, examples

app = typer.Typer(
    help="Actions that wait for a person, held or in doubt: list, show, approve or reject, say what became of them.",
    epilog=examples("pointsman approvals list"),
    no_args_is_help=True,
)

RequestId = Annotated[str, typer.Argument(metavar="ID", help="The request, or the beginning of its id.")]
Approver = Annotated[str, typer.Option(envvar="USER", help="Who decides; recorded in the audit trail.")]
Comment = Annotated[str, typer.Option(help="Why; recorded, and told to the model.")]


@app.command("list", epilog=examples("pointsman approvals list", "pointsman approvals list --all --json"))
def list_approvals(
    *,
    config: ConfigPath = CONFIG,
    everything: Annotated[bool, typer.Option("--all", help="Also those that were answered.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the actions that wait for a person, oldest first, and those nobody answered in time."""
    from consumers.cli import approvals

    approvals.list_approvals(config, everything=everything, as_json=as_json)


@app.command(epilog=examples("pointsman approvals show 3f9a"))
def show(request: RequestId, *, config: ConfigPath = CONFIG, as_json: AsJson = False) -> None:
    """Show one request: what would be done, with which arguments, why it was held, and what would undo it."""
    from consumers.cli import approvals

    approvals.show(config, request, as_json=as_json)


@app.command(epilog=examples("pointsman approvals approve 3f9a --comment 'talked to the customer'"))
def approve(
    request: RequestId,
    *,
    approver: Approver,
    config: ConfigPath = CONFIG,
    comment: Comment = "",
    as_json: AsJson = False,
) -> None:
    """Approve a held action: with these arguments, once. The rules judge it again when it is performed."""
    from consumers.cli import approvals

    approvals.decide(config, request, "approve", approver=approver, comment=comment, as_json=as_json)


@app.command(epilog=examples("pointsman approvals reject 3f9a --comment 'not this quarter'"))
def reject(
    request: RequestId,
    *,
    approver: Approver,
    config: ConfigPath = CONFIG,
    comment: Comment = "",
    as_json: AsJson = False,
) -> None:
    """Reject a held action; the model is told, with the comment, and goes on without it."""
    from consumers.cli import approvals

    approvals.decide(config, request, "reject", approver=approver, comment=comment, as_json=as_json)


@app.command(epilog=examples('pointsman approvals done 3f9a --result \'{"order_id": "O-1017"}\''))
def done(
    request: RequestId,
    *,
    approver: Approver,
    config: ConfigPath = CONFIG,
    comment: Comment = "",
    result: Annotated[
        str | None, typer.Option(help="What it returned, as JSON, if later steps need it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say that an action in doubt took effect; its run goes on."""
    from consumers.cli import approvals

    approvals.decide(
        config, request, "done", approver=approver, comment=comment, result=result, as_json=as_json
    )


@app.command(epilog=examples("pointsman approvals retry 3f9a --comment 'the ERP has no such order'"))
def retry(
    request: RequestId,
    *,
    approver: Approver,
    config: ConfigPath = CONFIG,
    comment: Comment = "",
    as_json: AsJson = False,
) -> None:
    """Say that an action in doubt did not take effect; it is sent once more, under the same key."""
    from consumers.cli import approvals

    approvals.decide(config, request, "retry", approver=approver, comment=comment, as_json=as_json)


@app.command(epilog=examples("pointsman approvals compensate 3f9a --comment 'ordered twice'"))
def compensate(
    request: RequestId,
    *,
    approver: Approver,
    config: ConfigPath = CONFIG,
    comment: Comment = "",
    as_json: AsJson = False,
) -> None:
    """Say that an action in doubt took effect and should not have: its whole run is undone."""
    from consumers.cli import approvals

    approvals.decide(config, request, "compensate", approver=approver, comment=comment, as_json=as_json)
