"""`pointsman approvals`."""

from pathlib import Path
from typing import Annotated

import typer

from consumers.cli.options import CONFIG, AsJson, ConfigPath, Reveal, examples

app = typer.Typer(
    help="Actions that wait for a person, held or in doubt: list, show, approve or reject, say what became of them.",
    epilog=examples("pointsman approvals list"),
    no_args_is_help=True,
)

RequestId = Annotated[str, typer.Argument(metavar="ID", help="The request, or the beginning of its id.")]
Approver = Annotated[
    str | None,
    typer.Option(
        help="Who decides; recorded in the audit trail. The key's owner, or $USER where nothing is signed."
    ),
]
Comment = Annotated[str, typer.Option(help="Why; recorded, and told to the model.")]
KeyFile = Annotated[
    Path | None, typer.Option(help="The private key to sign with, instead of `approvals.sign_with`.")
]
KeyId = Annotated[str | None, typer.Option(help="Its name in `approvals.keys`.")]


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


@app.command(epilog=examples("pointsman approvals show 3f9a", "pointsman approvals show 3f9a --reveal"))
def show(
    request: RequestId, *, config: ConfigPath = CONFIG, reveal: Reveal = False, as_json: AsJson = False
) -> None:
    """Show one request: what would be done, why it was held, who may answer and who has, what would undo it."""
    from consumers.cli import approvals

    approvals.show(config, request, as_json=as_json, reveal=reveal)


@app.command(
    epilog=examples(
        "pointsman approvals approve 3f9a --comment 'talked to the customer'",
        "pointsman approvals approve 3f9a --set quantity=5",
        "pointsman approvals approve 3f9a --key-file ann.key --key-id ann-1",
    )
)
def approve(
    request: RequestId,
    *,
    config: ConfigPath = CONFIG,
    approver: Approver = None,
    comment: Comment = "",
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="An argument to change; may be repeated."),
    ] = None,
    key_file: KeyFile = None,
    key_id: KeyId = None,
    as_json: AsJson = False,
) -> None:
    """Approve a held action: with these arguments, once. The rules judge it again when it is performed."""
    from consumers.cli import approval_answers
    from consumers.cli.signing import Person

    person = Person(approver, comment, key_file, key_id)
    approval_answers.decide(config, request, "approve", person, changes=changes or (), as_json=as_json)


@app.command(epilog=examples("pointsman approvals reject 3f9a --comment 'not this quarter'"))
def reject(
    request: RequestId,
    *,
    config: ConfigPath = CONFIG,
    approver: Approver = None,
    comment: Comment = "",
    key_file: KeyFile = None,
    key_id: KeyId = None,
    as_json: AsJson = False,
) -> None:
    """Reject a held action; the model is told, with the comment, and goes on without it."""
    from consumers.cli import approval_answers
    from consumers.cli.signing import Person

    person = Person(approver, comment, key_file, key_id)
    approval_answers.decide(config, request, "reject", person, as_json=as_json)


@app.command(epilog=examples('pointsman approvals done 3f9a --result \'{"order_id": "O-1017"}\''))
def done(
    request: RequestId,
    *,
    config: ConfigPath = CONFIG,
    approver: Approver = None,
    comment: Comment = "",
    result: Annotated[
        str | None, typer.Option(help="What it returned, as JSON, if later steps need it.")
    ] = None,
    key_file: KeyFile = None,
    key_id: KeyId = None,
    as_json: AsJson = False,
) -> None:
    """Say that an action in doubt took effect; its run goes on."""
    from consumers.cli import approval_answers
    from consumers.cli.signing import Person

    person = Person(approver, comment, key_file, key_id)
    approval_answers.decide(config, request, "done", person, result=result, as_json=as_json)


@app.command(epilog=examples("pointsman approvals retry 3f9a --comment 'the ERP has no such order'"))
def retry(
    request: RequestId,
    *,
    config: ConfigPath = CONFIG,
    approver: Approver = None,
    comment: Comment = "",
    key_file: KeyFile = None,
    key_id: KeyId = None,
    as_json: AsJson = False,
) -> None:
    """Say that an action in doubt did not take effect; it is sent once more, under the same key."""
    from consumers.cli import approval_answers
    from consumers.cli.signing import Person

    person = Person(approver, comment, key_file, key_id)
    approval_answers.decide(config, request, "retry", person, as_json=as_json)


@app.command(epilog=examples("pointsman approvals compensate 3f9a --comment 'ordered twice'"))
def compensate(
    request: RequestId,
    *,
    config: ConfigPath = CONFIG,
    approver: Approver = None,
    comment: Comment = "",
    key_file: KeyFile = None,
    key_id: KeyId = None,
    as_json: AsJson = False,
) -> None:
    """Say that an action in doubt took effect and should not have: its whole run is undone."""
    from consumers.cli import approval_answers
    from consumers.cli.signing import Person

    person = Person(approver, comment, key_file, key_id)
    approval_answers.decide(config, request, "compensate", person, as_json=as_json)


@app.command(epilog=examples("pointsman approvals keygen ann --role sales-lead --file ann.key"))
def keygen(
    approver: Annotated[str, typer.Argument(metavar="APPROVER", help="Whose key it will be.")],
    *,
    key_id: Annotated[
        str | None, typer.Option("--id", help="Its name in signatures; APPROVER-1 where missing.")
    ] = None,
    roles: Annotated[
        list[str] | None, typer.Option("--role", help="What this person may answer for; may be repeated.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="Where the private key goes; APPROVER.key where missing.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key to sign answers with: the private one into a file, the public one and its configuration on the screen."""
    from consumers.cli import approval_keys

    key = file or Path(f"{approver}.key")
    approval_keys.keygen(
        approver, key_id=key_id or f"{approver}-1", roles=roles or (), file=key, as_json=as_json
    )
