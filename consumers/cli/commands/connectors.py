"""`pointsman connectors`."""

from typing import Annotated

import typer

from consumers.cli.options import CONFIG, AsJson, ConfigPath, examples

app = typer.Typer(
    help="What can be done: list connectors and actions, describe one, call one by hand.",
    epilog=examples(
        "pointsman connectors list", "pointsman connectors call erp.check_stock product_id=P-100"
    ),
    no_args_is_help=True,
)


@app.command(
    "list", epilog=examples("pointsman connectors list", "pointsman connectors list --installed --json")
)
def list_connectors(
    *,
    config: ConfigPath = CONFIG,
    installed: Annotated[
        bool, typer.Option("--installed", help="Those that could be used, configured or not.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the actions of the configured connectors: what each does to its system, and what undoes it."""
    from consumers.cli import connector_pages

    if installed:
        connector_pages.list_installed(as_json=as_json)
    else:
        connector_pages.list_actions(config, as_json=as_json)


@app.command(
    epilog=examples(
        "pointsman connectors describe erp.create_order", "pointsman connectors describe erp --json"
    )
)
def describe(
    name: Annotated[str, typer.Argument(help="An action, such as erp.create_order, or a connector.")],
    *,
    config: ConfigPath = CONFIG,
    as_json: AsJson = False,
) -> None:
    """Describe an action: arguments, effect, how it is kept from happening twice, what the model is told."""
    from consumers.cli import connector_pages

    connector_pages.describe(config, name, as_json=as_json)


@app.command(
    epilog=examples(
        "pointsman connectors call erp.check_stock product_id=P-100",
        "pointsman connectors call erp.create_order customer_id=C-100 product_id=P-100 quantity=2 --dry-run",
        """pointsman connectors call erp.create_order --arguments '{"customer_id": "C-100", "product_id": "P-100"}' --yes""",
    )
)
def call(
    action: Annotated[str, typer.Argument(help="Such as erp.check_stock.")],
    pairs: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME=VALUE", help="Arguments; a value that is no text is written as JSON."),
    ] = None,
    *,
    config: ConfigPath = CONFIG,
    arguments: Annotated[str | None, typer.Option(help="All arguments as a JSON object instead.")] = None,
    key: Annotated[
        str | None,
        typer.Option(help="The idempotency key: that of an earlier call repeats it. A new one if missing."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before a write.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show the request; a write may look something up.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Call one action by hand. A read is done at once, a write asks first.

    No rule judges it and no journal has it: it is for trying a connector, and for repair by those who may. With the key of
    an earlier call a write has no second effect where its system, or its connector, honours keys.
    """
    from consumers.cli import connector_call

    given = connector_call.Given(action, tuple(pairs or ()), arguments, key)
    connector_call.call(config, given, yes=yes, dry_run=dry_run, as_json=as_json)
