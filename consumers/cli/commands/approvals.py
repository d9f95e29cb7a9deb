"""`pointsman approvals`."""

from typing import Annotated, Literal

import typer

from consumers.cli.options import CONFIG, AsJson, ConfigPath, examples

app = typer.Typer(
    help="Actions that wait for a person, held or in doubt: list, show, approve, reject, resolve.",
    epilog=examples("pointsman approvals list"),
    no_args_is_help=True,
)

RequestId = Annotated[str, typer.Argument(metavar="ID", help="The request, or the beginning of its id.")]
Approver = Annotated[str, typer.Option(envvar="USER", help="Who decides; recorded in the audit trail.")]
Resolution = Literal["done", "retry", "compensate"]
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


@app.command(
    epilog=examples(
        "pointsman approvals resolve 3f9a retry --comment 'the ERP has no such order'",
        'pointsman approvals resolve 3f9a done --result \'{"order_id": "O-1017"}\'',
    )
)
def resolve(
    request: RequestId,
    answer: Annotated[
        Resolution,
        typer.Argument(
            help="done: it took effect. retry: it did not. compensate: it did, and the run is undone."
        ),
    ],
    *,
    approver: Approver,
    config: ConfigPath = CONFIG,
    comment: Comment = "",
    result: Annotated[str | None, typer.Option(help="With done: what it returned, as JSON.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what became of an action in doubt, once you have looked in the other system; its run then goes on."""
    from consumers.cli import approvals

    approvals.decide(
        config, request, answer, approver=approver, comment=comment, result=result, as_json=as_json
    )
